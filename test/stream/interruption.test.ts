import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MotionModel, Voice } from '../../src/models/inference.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeInference } from '../support/fake-models.ts';
import { createSessionClient } from '../support/session-client.ts';
import { playoutMediaServer } from '../support/playout-channel.ts';

const INTERRUPTIONS = 1000;
const RATE_HZ = 16_000;
const PACKET_SAMPLES = (RATE_HZ * 20) / 1000;
const FADE_SAMPLES = (RATE_HZ * 10) / 1000;
const WORD_SAMPLES = (RATE_HZ * 180) / 1000;
/** Levels of words in turn: by its level a sample tells its word. */
const LEVELS = 50;
const levelOf = (word: number): number => ((word % LEVELS) + 1) / 64;
/** Most that the jaw of the face below moves in a frame. */
const JAW_STEP = 0.25;

/** Says "w12" as 180 ms of the level of word 12. */
const levelVoice = (): Voice => ({
  name: 'fake',
  language: 'en-US',
  sampleRateHz: RATE_HZ,
  async plan(text) {
    const found = [...text.matchAll(/w(\d+)/g)];
    const levels = found.map(([, word]) => levelOf(Number(word)));
    const durationSamples = found.length * WORD_SAMPLES;
    return {
      durationSamples,
      words: found.map((match, i) => ({
        text: match[0],
        startMs: i * 180,
        endMs: (i + 1) * 180,
        charStart: match.index,
        charEnd: match.index + match[0].length,
      })),
      async *windows() {
        for (let from = 0; from < durationSamples; from += 1024) {
          const length = Math.min(1024, durationSamples - from);
          yield Float32Array.from({ length }, (_, i) => levels[Math.floor((from + i) / WORD_SAMPLES)] ?? 0);
        }
      },
    };
  },
});

/** A jaw that follows loudness, but never jumps: it starts from the face before. */
const slowJaw = (): MotionModel => ({
  sampleRateHz: RATE_HZ,
  windowSamples: 640,
  lookaheadSamples: 0,
  historyFrames: 1,
  temperature: 1,
  async next(pcm, history) {
    const descriptor = new Float32Array(59);
    const wanted = pcm.some((sample) => sample > 0.01) ? 1 : 0;
    const before = history[17] ?? 0;
    descriptor[17] = before + Math.max(-JAW_STEP, Math.min(JAW_STEP, wanted - before));
    return descriptor;
  },
});

/** Lets everything that is ready happen. */
const settle = async () => {
  for (let i = 0; i < 15; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

const connect = async () => {
  const clock = new FakeClock();
  const media = playoutMediaServer(clock);
  const inference = { ...fakeInference({ voice: levelVoice() }), motion: async () => slowJaw() };
  const { session, received, send } = createSessionClient({ inference, media, clock });
  send({ type: 'session.open', media: { transport: 'webrtc' } });
  await settle();
  const channel = media.channels[0]!;
  return {
    session,
    send,
    received,
    channel,
    async run(ms: number) {
      for (let left = ms; left > 0; left -= 10) {
        clock.advance(Math.min(10, left));
        channel.play();
        await settle();
      }
    },
  };
};

type Client = Awaited<ReturnType<typeof connect>>;

/** How many samples of each word have left at full level, among the packets from `from` to `to`. */
const heardOf = (packets: readonly Float32Array[]): Map<number, number> => {
  const counts = new Map<number, number>();
  for (const packet of packets) {
    for (const sample of packet) {
      const word = Math.round(sample * 64) - 1;
      if (sample > 0 && Math.abs(sample - (word + 1) / 64) < 1e-4) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
};

/** Says words `from` to `to`, under an id that tells them. */
const say = (client: Client, from: number, to: number): { readonly id: string; readonly text: string } => {
  const words = Array.from({ length: to - from }, (_, i) => `w${from + i}`);
  const text = `${words.join(' ')}.`;
  const id = `u${from}`;
  client.send({ type: 'utterance.append', utterance: id, text });
  client.send({ type: 'utterance.end', utterance: id });
  return { id, text };
};

const finishedOf = (client: Client, id: string) =>
  client.received.find((message) => message.type === 'utterance.finished' && message.utterance === id);

/** An interruption of everything: words of one or two utterances, and when, ms after their text. */
const interruptions = fc.array(
  fc.record({
    words: fc.integer({ min: 1, max: 12 }),
    more: fc.integer({ min: 0, max: 4 }),
    atMs: fc.integer({ min: 0, max: 1200 }),
    restMs: fc.integer({ min: 0, max: 200 }),
  }),
  { minLength: 20, maxLength: 20 },
);

test('many interruptions at any time: silence within a packet, a fade, no word after it, and exactly what was heard is told', async () => {
  await fc.assert(
    fc.asyncProperty(interruptions, async (all) => {
      const client = await connect();
      let next = 0;
      for (const { words, more, atMs, restMs } of all) {
        const startPacket = client.channel.packets.length;
        const first = next;
        const said = [
          say(client, next, next + words),
          ...(more > 0 ? [say(client, next + words, next + words + more)] : []),
        ];
        next += words + more;
        await settle();
        await client.run(atMs);
        const cutPacket = client.channel.packets.length;
        // The last packet of what has come to its end needs no fade.
        const isOver = said.every(({ id }) => finishedOf(client, id) !== undefined);
        client.send({ type: 'interrupt' });
        await settle();
        await client.run(140 + restMs);

        const before = heardOf(client.channel.packets.slice(startPacket, cutPacket));
        const [faded, ...after] = client.channel.packets.slice(cutPacket);
        for (const [i, sample] of isOver ? [] : (faded ?? []).entries()) {
          expect(sample).toBeLessThanOrEqual(i < FADE_SAMPLES ? 0.8 * (1 - i / FADE_SAMPLES) + 1e-6 : 0);
        }
        expect(after.every((packet) => packet.every((sample) => sample === 0))).toBe(true);
        let word = first;
        for (const { id, text } of said) {
          const isWhole = (at: number) => (before.get(at % LEVELS) ?? 0) === WORD_SAMPLES;
          const spoken = text.split(' ').filter((_, i) => isWhole(word + i));
          word += text.split(' ').length;
          const finished = finishedOf(client, id);
          const expected =
            finished?.type === 'utterance.finished' && finished.reason === 'completed'
              ? text
              : text.slice(0, spoken.join(' ').replace(/\.$/, '').length);
          expect(finished).toMatchObject({ utterance: id, spokenText: expected });
        }
      }
      const jaws = client.channel.frames.map(({ i420 }) => (i420[0] ?? 0) / 100);
      expect(Math.max(...jaws.slice(1).map((jaw, i) => Math.abs(jaw - (jaws[i] ?? 0))))).toBeLessThanOrEqual(
        JAW_STEP + 0.011,
      );
      await client.session.close();
    }),
    { numRuns: INTERRUPTIONS / 20 },
  );
}, 600_000);

test('an interruption of what waits leaves what is being said as it is', async () => {
  const client = await connect();
  const first = say(client, 0, 4);
  const second = say(client, 4, 8);
  const third = say(client, 8, 12);
  await client.run(600);

  client.send({ type: 'interrupt', utterance: second.id });
  await settle();
  await client.run(2000);

  const heard = heardOf(client.channel.packets);
  expect([0, 1, 2, 3, 8, 9, 10, 11].map((word) => heard.get(word))).toEqual(Array(8).fill(WORD_SAMPLES));
  expect([4, 5, 6, 7].map((word) => heard.get(word))).toEqual(Array(4).fill(undefined));
  expect(finishedOf(client, first.id)).toMatchObject({ reason: 'completed' });
  expect(finishedOf(client, second.id)).toMatchObject({ reason: 'interrupted', spokenText: '' });
  expect(finishedOf(client, third.id)).toMatchObject({ reason: 'completed' });
  // Without a pause: what was being said when the other was taken out went on.
  const sound = client.channel.packets.flatMap((packet) => [...packet]);
  expect(sound.lastIndexOf(levelOf(11)) - sound.indexOf(levelOf(0)) + 1).toBeLessThanOrEqual(
    8 * WORD_SAMPLES + 4 * PACKET_SAMPLES,
  );
  await client.session.close();
});
