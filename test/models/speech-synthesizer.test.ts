import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readManifest, type VoiceManifest } from '../../src/models/manifest.ts';
import { createSpeechPlan, windowsOf } from '../../src/models/speech-plan.ts';
import { type SpokenChunk, SpeechSynthesizer } from '../../src/models/speech-synthesizer.ts';
import { modelsDir } from '../support/models.ts';

const TEXT = 'The quick brown fox jumps over the lazy dog, and then it runs away. Is it gone?';
const OPTIONS = { speed: 1, seed: 42 };

let synthesizer: SpeechSynthesizer;
let voice: VoiceManifest['voice'];

beforeAll(async () => {
  const { folder, manifest } = await readManifest(join(modelsDir, 'voices/rms'));
  voice = (manifest as VoiceManifest).voice;
  synthesizer = await SpeechSynthesizer.load({ folder, manifest: manifest as VoiceManifest }, { provider: 'cpu' });
});
afterAll(() => synthesizer.release());

const whole = ({ speech, frameCount }: SpokenChunk) => synthesizer.decode(speech, 0, frameCount);

const windowed = async ({ speech, frameCount }: SpokenChunk, windows: Iterable<readonly [number, number]>) => {
  const audio: number[] = [];
  for (const [first, end] of windows) audio.push(...(await synthesizer.decode(speech, first, end)));
  expect(audio).toHaveLength(frameCount * voice.hopSamples);
  return Float32Array.from(audio);
};

const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((worst, sample, i) => Math.max(worst, Math.abs(sample - b[i]!)), 0);

test('windows of any size join to the sound that is made in one piece', async () => {
  // What has been made is kept, so each needs a chunk of its own.
  const encode = () => synthesizer.encode(TEXT, OPTIONS);
  const { frameCount } = await encode();
  const expected = await whole(await encode());
  const middle = frameCount >> 1;

  const growing = await windowed(await encode(), windowsOf(frameCount, SpeechSynthesizer.windowFrames));
  const pairs = await windowed(await encode(), windowsOf(frameCount, [2]));
  const halves = await windowed(await encode(), [
    [0, middle],
    [middle, middle + 1],
    [middle + 1, frameCount],
  ]);

  expect(expected.some((sample) => Math.abs(sample) > 0.05)).toBe(true);
  expect(largestDifference(growing, expected)).toBeLessThan(1e-5);
  expect(largestDifference(pairs, expected)).toBeLessThan(1e-5);
  expect(largestDifference(halves, expected)).toBeLessThan(1e-5);
});

test('a window that is asked for again, or out of order, is the same sound', async () => {
  const chunk = await synthesizer.encode(TEXT, OPTIONS);
  const late = await synthesizer.decode(chunk.speech, 40, 60);
  const early = await synthesizer.decode(chunk.speech, 10, 41);

  expect(await synthesizer.decode(chunk.speech, 40, 60)).toEqual(late);
  expect(early.at(-voice.hopSamples)).toBe(late[0]);
  expect(late).not.toEqual(new Float32Array(late.length));
});

test.each(['Oh', 'Hi.', 'No, no.'])('"%s", shorter than what the decoder looks ahead, is whole', async (text) => {
  const encode = () => synthesizer.encode(text, { ...OPTIONS, speed: 2 });
  const { frameCount } = await encode();

  const windows = await windowed(await encode(), windowsOf(frameCount, [3]));

  expect(largestDifference(windows, await whole(await encode()))).toBeLessThan(1e-5);
});

test('the same seed gives the same samples, another seed others', async () => {
  const [first, again, other] = [
    await synthesizer.encode(TEXT, OPTIONS),
    await synthesizer.encode(TEXT, OPTIONS),
    await synthesizer.encode(TEXT, { ...OPTIONS, seed: 43 }),
  ];

  expect(await synthesizer.decode(again.speech, 0, 20)).toEqual(await synthesizer.decode(first.speech, 0, 20));
  expect(await synthesizer.decode(other.speech, 0, 20)).not.toEqual(await synthesizer.decode(first.speech, 0, 20));
});

test('words are in order, inside the sound, and name their part of the text', async () => {
  const { words, frameCount } = await synthesizer.encode(TEXT, OPTIONS);
  const durationMs = (frameCount * voice.hopSamples * 1000) / voice.sampleRateHz;

  expect(words.map(({ charStart, charEnd }) => TEXT.slice(charStart, charEnd))).toEqual(TEXT.match(/\w+/g));
  for (const [i, { startMs, endMs }] of words.entries()) {
    expect(startMs).toBeGreaterThanOrEqual(words[i - 1]?.endMs ?? 0);
    expect(endMs).toBeGreaterThan(startMs);
    expect(endMs).toBeLessThan(durationMs);
  }
});

test('word and phoneme times are known before the sound, lie on whole samples, and the sound is exactly as long as planned', async () => {
  const word = fc.constantFrom(
    'hello',
    'the',
    'cat,',
    'paid',
    '$3.50',
    'on',
    'May 5th.',
    '👍',
    '[[HH AY1]]',
    '"so"?',
    '\n\n',
  );
  const texts = fc.array(word, { maxLength: 12 }).map((words) => words.join(' '));
  const speeds = fc.double({ min: 0.5, max: 2, noNaN: true });
  const { hopSamples, sampleRateHz } = voice;
  const samplesAt = (ms: number) => (ms / 1000) * sampleRateHz;

  await fc.assert(
    fc.asyncProperty(texts, speeds, fc.nat(), async (text, speed, seed) => {
      const chunk = await synthesizer.encode(text, { speed, seed });
      const sizes = { hopSamples, windowFrames: SpeechSynthesizer.windowFrames };
      const plan = createSpeechPlan(chunk, sizes, (first, end) => synthesizer.decode(chunk.speech, first, end));

      let at = 0;
      for (const { startMs, endMs, phonemes = [] } of plan.words) {
        expect(startMs).toBeGreaterThanOrEqual(at);
        expect(phonemes[0]?.startMs).toBe(startMs);
        expect(phonemes.at(-1)?.endMs).toBe(endMs);
        for (const [i, phoneme] of phonemes.entries()) {
          expect(phoneme.startMs).toBe(phonemes[i - 1]?.endMs ?? startMs);
          expect(phoneme.endMs).toBeGreaterThan(phoneme.startMs);
          expect(samplesAt(phoneme.endMs) / hopSamples).toBeCloseTo(
            Math.round(samplesAt(phoneme.endMs) / hopSamples),
            6,
          );
        }
        at = endMs;
      }
      expect(samplesAt(at)).toBeLessThanOrEqual(plan.durationSamples);
      let samples = 0;
      for await (const window of plan.windows()) samples += window.length;
      expect(samples).toBe(plan.durationSamples);
    }),
    { numRuns: 12 },
  );
});

test('phonemes that do not exist are reported, and all else is spoken', async () => {
  const { words, problems } = await synthesizer.encode('Say [[HH AH0 XX]] and [[HH AY1]] now.', OPTIONS);

  expect(words.map(({ text }) => text)).toEqual(['Say', 'and', '[[HH AY1]]', 'now']);
  expect(words[2]?.phonemes?.map(({ phoneme }) => phoneme)).toEqual(['HH', 'AY1']);
  expect(problems).toEqual([{ kind: 'bad-phonemes', message: expect.stringContaining('"XX" is no phoneme') }]);
});

test('a text in a script that the voice does not read is reported', async () => {
  const { frameCount, problems } = await synthesizer.encode('你好吗？', OPTIONS);

  expect(frameCount).toBe(0);
  expect(problems).toEqual([{ kind: 'unreadable', message: expect.stringContaining('你好吗') }]);
});

test('twice the speed takes about half the time', async () => {
  const { frameCount: normal } = await synthesizer.encode(TEXT, OPTIONS);
  const { frameCount: fast } = await synthesizer.encode(TEXT, { ...OPTIONS, speed: 2 });

  expect(fast / normal).toBeGreaterThan(0.45);
  expect(fast / normal).toBeLessThan(0.7);
});

test.each(['', '   ', '…', '🙂🙃'])('"%s" has nothing to be said', async (text) => {
  expect(await synthesizer.encode(text, OPTIONS)).toMatchObject({ frameCount: 0, words: [] });
});

test('a text that is far too long is refused', async () => {
  await expect(synthesizer.encode('hello '.repeat(1000), OPTIONS)).rejects.toMatchObject({ code: 'text_too_long' });
});
