import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readManifest, type VoiceManifest } from '../../src/models/manifest.ts';
import { windowsOf } from '../../src/models/speech-plan.ts';
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
  const chunk = await synthesizer.encode(TEXT, OPTIONS);
  const expected = await whole(chunk);
  const middle = chunk.frameCount >> 1;

  const growing = await windowed(chunk, windowsOf(chunk.frameCount));
  const halves = await windowed(chunk, [
    [0, middle],
    [middle, middle + 1],
    [middle + 1, chunk.frameCount],
  ]);

  expect(expected.some((sample) => Math.abs(sample) > 0.05)).toBe(true);
  expect(largestDifference(growing, expected)).toBeLessThan(1e-5);
  expect(largestDifference(halves, expected)).toBeLessThan(1e-5);
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
