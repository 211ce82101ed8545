import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MOTION_SIZE } from '../../src/media.ts';
import { createInference } from '../../src/models/create-inference.ts';
import type { Inference, SpeechPlan } from '../../src/models/inference.ts';
import { InferenceThread } from '../../src/models/worker/inference-client.ts';
import { modelsDir } from '../support/models.ts';

const OPTIONS = { speed: 1, seed: 1 };
const settings = { modelsDir, provider: 'cpu' };

const listen = async (plan: SpeechPlan): Promise<Float32Array[]> => {
  const windows: Float32Array[] = [];
  for await (const samples of plan.windows()) windows.push(samples);
  return windows;
};

describe('the shipped models in their workers', () => {
  let inference: Inference;
  beforeAll(async () => {
    inference = await createInference({ modelsDir });
  });
  afterAll(() => inference.close());

  test('voices and avatars are listed', () => {
    expect(inference.voices).toContainEqual(
      expect.objectContaining({ name: 'rms', language: 'en-US', sampleRateHz: 16_000 }),
    );
    expect(inference.avatars).toContainEqual(expect.objectContaining({ name: 'alex', size: 256, voice: 'rms' }));
  });

  test('an unknown voice or avatar is answered with those there are', async () => {
    await expect(inference.voice('eve')).rejects.toMatchObject({
      code: 'unknown_voice',
      message: expect.stringMatching(/eve.*Installed: .*rms/),
    });
    await expect(inference.face('eve')).rejects.toMatchObject({
      code: 'unknown_avatar',
      message: expect.stringMatching(/eve.*Installed: .*alex/),
    });
  });

  test('a sentence is spoken in windows that add up to its announced length', async () => {
    const voice = await inference.voice('rms');

    const plan = await voice.plan('Hello there, I am glad to see you.', OPTIONS);
    const lengths = (await listen(plan)).map((samples) => samples.length);

    expect(plan.words[0]).toMatchObject({ text: 'Hello', charStart: 0, charEnd: 5 });
    expect(lengths.length).toBeGreaterThan(2);
    expect(lengths.reduce((sum, length) => sum + length)).toBe(plan.durationSamples);
  });

  test('a plan without words has no windows', async () => {
    const plan = await (await inference.voice('rms')).plan('🙂', OPTIONS);

    const windows = await listen(plan);

    expect({ windows, durationSamples: plan.durationSamples }).toEqual({ windows: [], durationSamples: 0 });
  });

  test('a signal that aborts rejects the plan at once with its reason', async () => {
    const voice = await inference.voice('rms');
    const controller = new AbortController();
    const before = voice.plan('This sentence keeps the worker busy.', OPTIONS);

    const planning = voice.plan('This one is given up.', OPTIONS, controller.signal);
    controller.abort(new Error('stopped'));

    await expect(planning).rejects.toThrow('stopped');
    await expect(before).resolves.toMatchObject({ words: { length: 6 } });
  });

  test('motion gives a descriptor and takes views of larger buffers', async () => {
    const motion = await inference.motion();
    const history = new Float32Array(10 * motion.historyFrames * MOTION_SIZE).subarray(
      0,
      motion.historyFrames * MOTION_SIZE,
    );

    const next = await motion.next(new Float32Array(motion.windowSamples), history, new Float32Array(MOTION_SIZE));

    expect(next).toHaveLength(MOTION_SIZE);
    expect(next.every(Number.isFinite)).toBe(true);
    expect(history).toHaveLength(motion.historyFrames * MOTION_SIZE);
  });

  test('an opening jaw changes the mouth and leaves the corners of the picture', async () => {
    const face = await inference.face('alex');
    const jawOpen = 26;
    const open = new Float32Array(face.motionFrames * MOTION_SIZE);
    for (let frame = 0; frame < face.motionFrames; frame++) open[frame * MOTION_SIZE + jawOpen] = 0.8;

    const [resting, opened] = [await face.render(new Float32Array(open.length)), await face.render(open)];
    const change = (left: number, top: number, width: number, height: number) => {
      let sum = 0;
      for (let y = top; y < top + height; y++) {
        for (let x = left; x < left + width; x++)
          sum += Math.abs(resting[y * face.size + x]! - opened[y * face.size + x]!);
      }
      return sum / (width * height);
    };

    expect(opened).toHaveLength((face.size * face.size * 3) / 2);
    expect(change(96, 140, 64, 72)).toBeGreaterThan(3);
    expect(change(0, 0, 24, 24)).toBeLessThan(2);
  });
});

test('two speech workers give the same samples as one', async () => {
  const inference = await createInference({ modelsDir, speechWorkers: 2 });
  const voice = await inference.voice('rms');

  const [one, two] = await Promise.all(
    [1, 2].map(async () => listen(await voice.plan('Both of us say the same.', OPTIONS))),
  );
  await inference.close();

  expect(one).toEqual(two);
});

test('calls in flight when a worker dies reject, and the next call finds a new worker', async () => {
  const thread = new InferenceThread('face-test', settings);
  const motion = new Float32Array(MOTION_SIZE);
  await thread.call('warmFace', { avatar: 'alex' });

  const lost = Promise.allSettled(Array.from({ length: 3 }, () => thread.call('render', { avatar: 'alex', motion })));
  await thread.kill();
  const next = await thread.call('render', { avatar: 'alex', motion });
  const outcomes = await lost;
  await thread.close();

  expect(outcomes.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'inference_failed' } });
  expect(next).toHaveLength((256 * 256 * 3) / 2);
});

test('a thread that has not encoded a text decodes it all the same', async () => {
  const [one, other] = [new InferenceThread('speech-1', settings), new InferenceThread('speech-2', settings)];
  const key = { voice: 'rms', text: 'One sentence on two threads.', options: OPTIONS };

  const { frameCount } = await one.call('encode', key);
  const here = await one.call('decode', { ...key, first: 8, end: frameCount });
  const there = await other.call('decode', { ...key, first: 8, end: frameCount });
  await Promise.all([one.close(), other.close()]);

  expect(there).toEqual(here);
});

test('a call that fails leaves the worker usable', async () => {
  const thread = new InferenceThread('face-test', settings);

  const wrong = thread.call('render', { avatar: 'alex', motion: new Float32Array(3) });
  await expect(wrong).rejects.toMatchObject({ code: 'inference_failed' });
  await expect(thread.call('render', { avatar: 'eve', motion: new Float32Array(3) })).rejects.toMatchObject({
    code: 'unknown_avatar',
  });
  const frame = await thread.call('render', { avatar: 'alex', motion: new Float32Array(MOTION_SIZE) });
  await thread.close();

  expect(frame.length).toBeGreaterThan(0);
});

test('closing rejects what is in flight and what comes later', async () => {
  const inference = await createInference({ modelsDir });
  const face = await inference.face('alex');

  const inFlight = Promise.allSettled(
    Array.from({ length: 5 }, () => face.render(new Float32Array(face.motionFrames * MOTION_SIZE))),
  );
  await inference.close();

  expect((await inFlight).at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'shutting_down' } });
  await expect(face.render(new Float32Array(MOTION_SIZE))).rejects.toMatchObject({ code: 'shutting_down' });
});

test('a models folder that is not there fails at start', async () => {
  await expect(createInference({ modelsDir: '/nowhere' })).rejects.toMatchObject({ code: 'bad_model' });
});

test('pronunciations with unknown phonemes are refused at the start, by name', async () => {
  const pronunciations = { en: { visavis: 'V IY0 Z QQ' } };

  await expect(createInference({ modelsDir, pronunciations })).rejects.toMatchObject({
    code: 'bad_config',
    message: expect.stringContaining('en.visavis: "QQ"'),
  });
});
