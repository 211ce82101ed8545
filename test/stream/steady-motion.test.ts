import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MOTION_SIZE } from '../../src/media.ts';
import { createInference } from '../../src/models/create-inference.ts';
import type { Inference, SpeechPlan } from '../../src/models/inference.ts';
import { createRandom } from '../../src/models/random.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeFace } from '../support/fake-models.ts';
import { modelsDir } from '../support/models.ts';
import { playoutMediaServer } from '../support/playout-channel.ts';
import { createSessionClient } from '../support/session-client.ts';

const TEXTS = [
  'Perhaps Bob, my brother, will bring a map of the moon; maybe you may keep it.',
  'Wow! Who are you, and why do you whistle at five in the morning?',
];
const TURNS = 20;
/** Sums of several movements, each within its own range, may pass the largest sum that training happened to have. */
const LEEWAY = 1.05;
/** Nobody sees less, a weight a frame a frame. */
const UNSEEN = 0.01;

let inference: Inference;
beforeAll(async () => {
  inference = await createInference({ modelsDir });
});
afterAll(() => inference?.close());

/** The shipped voice and motion, and a face that keeps what it is asked to show. `settle` waits until they are done. */
const watchedInference = () => {
  let running = 0;
  const counted = async <T>(call: Promise<T>): Promise<T> => {
    running += 1;
    try {
      return await call;
    } finally {
      running -= 1;
    }
  };
  const descriptors: Float32Array[] = [];
  const watched: Inference = {
    ...inference,
    async voice(name) {
      const voice = await inference.voice(name);
      return {
        ...voice,
        async plan(...request) {
          const plan = await counted(voice.plan(...request));
          const windows: SpeechPlan['windows'] = async function* (call) {
            const all = plan.windows(call);
            for (let next = await counted(all.next()); !next.done; next = await counted(all.next())) yield next.value;
          };
          return { ...plan, windows };
        },
      };
    },
    async face(name) {
      return {
        ...fakeFace(name),
        async render(motion) {
          const picture = new Uint8Array(384);
          new DataView(picture.buffer).setUint32(0, descriptors.push(motion.slice()) - 1);
          return picture;
        },
      };
    },
    async motion() {
      const motion = await inference.motion();
      return { ...motion, next: (...window) => counted(motion.next(...window)) };
    },
  };
  return {
    inference: watched,
    descriptors,
    settle: async () => {
      for (let quiet = 0; quiet < 15; quiet = running === 0 ? quiet + 1 : 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
};

/** The largest acceleration of every value in the motion that the shipped flow has learnt from, a frame a frame. */
const learntAccelerations = async (): Promise<Record<string, number>> => {
  const manifest = JSON.parse(await readFile(join(modelsDir, 'motion/speech/manifest.json'), 'utf8')) as {
    evaluation: { largestAccelerationInTraining: Record<string, number> };
  };
  return manifest.evaluation.largestAccelerationInTraining;
};

test('the face goes into speech, out of it and out of the middle of a word no more abruptly than the motion it has learnt from', async () => {
  const clock = new FakeClock();
  const media = playoutMediaServer(clock);
  const { inference: models, descriptors, settle } = watchedInference();
  const { session, send, received } = createSessionClient({ inference: models, media, clock });
  send({ type: 'session.open', seed: 3, voice: 'rms', avatar: 'alex', media: { transport: 'webrtc' } });
  await settle();
  const channel = media.channels[0]!;
  const run = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.advance(10);
      channel.play();
      await settle();
    }
  };
  const random = createRandom(1);

  await run(1000);
  for (let turn = 0; turn < TURNS; turn += 1) {
    const utterance = `u${turn}`;
    send({ type: 'utterance.append', utterance, text: TEXTS[turn % TEXTS.length] });
    send({ type: 'utterance.end', utterance });
    await settle();
    await run(100 + 1900 * random.uniform());
    send({ type: 'interrupt', utterance });
    await settle();
    await run(100 + 600 * random.uniform());
  }
  send({ type: 'utterance.append', utterance: 'last', text: TEXTS[0] });
  send({ type: 'utterance.end', utterance: 'last' });
  await settle();
  await run(8000);
  await session.close();

  expect(received.filter(({ type }) => type === 'error')).toEqual([]);
  const reasons = received.flatMap((message) => (message.type === 'utterance.finished' ? message.reason : []));
  expect(reasons.filter((reason) => reason === 'interrupted').length).toBe(TURNS);
  expect(reasons.at(-1)).toBe('completed');
  const shown = channel.frames.map(({ i420 }) => descriptors[new DataView(i420.buffer, i420.byteOffset).getUint32(0)]!);
  expect(Math.max(...shown.map((motion) => motion[26]!))).toBeGreaterThan(0.3);
  const learnt = Object.entries(await learntAccelerations());
  expect(learnt).toHaveLength(MOTION_SIZE);
  const beyond = learnt.flatMap(([name, most], k) => {
    const accelerations = shown.slice(2).map((now, i) => Math.abs(now[k]! - 2 * shown[i + 1]![k]! + shown[i]![k]!));
    const largest = Math.max(...accelerations);
    return largest > Math.max(LEEWAY * most, UNSEEN) ? [`${name}: ${largest.toFixed(4)}, ${most} in training`] : [];
  });
  expect(beyond).toEqual([]);
}, 300_000);
