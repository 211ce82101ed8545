import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { systemClock } from '../../../src/clock.ts';
import { float32, int64, OnnxSession } from '../../../src/models/onnx-session.ts';
import { windowsOf } from '../../../src/models/speech-plan.ts';
import { loadVitsVoice } from '../../../src/models/vits/load-voice.ts';
import { findModelFile, readVoiceFiles } from '../../../src/models/vits/voice-files.ts';
import type { VitsChunk, VitsVoice } from '../../../src/models/vits/vits-voice.ts';
import { graphOf, writePiper, writeTransformers } from '../../support/foreign-voices.ts';

const CPU = { provider: 'cpu' };
const TEXT = 'Hello there, I am one of them.';
const OPTIONS = { speed: 1, seed: 7 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'visavis-voices-'));
});
afterAll(() => rm(folder, { recursive: true }));

const load = async (path: string) =>
  loadVitsVoice(await readVoiceFiles((await findModelFile(path)) ?? '', systemClock), CPU);

const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((worst, sample, i) => Math.max(worst, Math.abs(sample - b[i]!)), 0);

const inWindows = async (voice: VitsVoice, { speech, frameCount }: VitsChunk) => {
  const sound = new Float32Array(frameCount * voice.hopSamples);
  for (const [first, end] of windowsOf(frameCount, voice.windowFrames)) {
    sound.set(await voice.decode(speech, first, end), first * voice.hopSamples);
  }
  return sound;
};

describe.each([
  { name: 'Piper, one speaker, small decoder', contextFrames: 11, write: () => writePiper(folder, 'one') },
  {
    name: 'Piper, three speakers, large decoder',
    contextFrames: 13,
    write: () =>
      writePiper(folder, 'three', { num_speakers: 3, speaker_id_map: { ann: 0, ben: 1, cleo: 2 } }, 'piper-speakers'),
  },
  { name: 'Transformers', contextFrames: 13, write: () => writeTransformers(join(folder, 'mms')) },
])('a voice of $name', ({ contextFrames, write }) => {
  let voice: VitsVoice;
  beforeAll(async () => {
    voice = await load(await write());
  });
  afterAll(() => voice.release());

  test('is cut where its decoder begins, and its decoder remembers', () => {
    expect(voice.facts).toMatchObject({ contextFrames, contextFrom: 'memory', hopSamples: 256 });
    expect(voice.facts.windowError).toBeLessThan(1e-5);
    expect(voice.facts.flowContextFrames).toBeOneOf([8, 12, 16, 24, 32]);
  });

  test('makes in windows what it makes at once, and the same for the same seed only', async () => {
    const chunk = await voice.encode(TEXT, OPTIONS);
    const [again, other] = [await voice.encode(TEXT, OPTIONS), await voice.encode(TEXT, { ...OPTIONS, seed: 8 })];

    const growing = await inWindows(voice, chunk);
    const whole = await voice.decode(again.speech, 0, again.frameCount);

    expect(whole.some((sample) => Math.abs(sample) > 0.1)).toBe(true);
    expect(largestDifference(growing, whole)).toBeLessThan(1e-5);
    expect(await voice.decode(again.speech, 0, 20)).toEqual(await voice.decode(chunk.speech, 0, 20));
    expect(await voice.decode(other.speech, 0, 20)).not.toEqual(await voice.decode(chunk.speech, 0, 20));
  });

  test('tells when words and symbols are spoken; together the symbols are as long as the sound', async () => {
    const { words, symbols, frameCount } = await voice.encode(TEXT, OPTIONS);
    const frameMs = symbols.at(-1)!.endMs / frameCount;

    expect(words.map(({ charStart, charEnd }) => TEXT.slice(charStart, charEnd))).toEqual(TEXT.match(/\w+/g));
    for (const [i, { startMs, endMs, phonemes = [] }] of words.entries()) {
      expect(startMs).toBeGreaterThanOrEqual(words[i - 1]?.endMs ?? 0);
      expect(endMs).toBeGreaterThan(startMs);
      expect(phonemes.length).toBeGreaterThan(0);
      expect([phonemes[0]?.startMs, phonemes.at(-1)?.endMs]).toEqual([startMs, endMs]);
    }
    expect([256 / 22.05, 256 / 16].some((hopMs) => Math.abs(hopMs - frameMs) < 1e-9)).toBe(true);
    for (const [i, { startMs }] of symbols.entries()) expect(startMs).toBe(symbols[i - 1]?.endMs ?? 0);
  });

  test('speaks faster when asked to', async () => {
    const { frameCount: normal } = await voice.encode(TEXT, OPTIONS);
    const { frameCount: fast } = await voice.encode(TEXT, { ...OPTIONS, speed: 2 });

    expect(fast / normal).toBeLessThan(0.8);
  });

  test('has nothing to say when there are no letters', async () => {
    expect(await voice.encode(' … 🙂', OPTIONS)).toMatchObject({ frameCount: 0, words: [] });
  });
});

test('a long text, whose flow is computed in several blocks, is what the whole file makes', async () => {
  const text = 'hello there general '.repeat(12).trim();
  const inference = { noise_scale: 0, length_scale: 1, noise_w: 0 };
  const voice = await load(await writePiper(folder, 'blocks', { inference }));
  const graph = await OnnxSession.fromBytes(new Uint8Array(await graphOf('piper')), 'whole', CPU);
  const chunk = await voice.encode(text, OPTIONS);
  const letters = Array.from(" !'(),-.:;?abcdefghijklmnopqrstuvwxyz");
  const ids = [1, 0, ...Array.from(text).flatMap((letter) => [letters.indexOf(letter) + 3, 0]), 2];

  const outputs = await graph.run({
    input: int64(ids, [1, ids.length]),
    input_lengths: int64([ids.length], [1]),
    scales: float32(Float32Array.of(0, 1, 0), [3]),
  });
  const cut = await inWindows(voice, chunk);
  await Promise.all([voice.release(), graph.release()]);

  const whole = outputs.get('output', 'float32').data.map((sample) => sample * voice.facts.gain);
  expect(chunk.frameCount).toBeGreaterThan(300);
  expect(cut).toHaveLength(whole.length);
  expect(largestDifference(cut, whole)).toBeLessThan(1e-5);
});

test('a cut voice makes what the whole file makes', async () => {
  const inference = { noise_scale: 0, length_scale: 1, noise_w: 0 };
  const voice = await load(await writePiper(folder, 'silent-noise', { inference }));
  const graph = await OnnxSession.fromBytes(new Uint8Array(await graphOf('piper')), 'whole', CPU);
  const { symbols, speech, frameCount } = await voice.encode('hello', OPTIONS);
  const letters = Array.from(" !'(),-.:;?abcdefghijklmnopqrstuvwxyz");
  const idOf = (letter: string) => letters.indexOf(letter) + 3;
  const ids = [1, 0, ...Array.from('hello').flatMap((letter) => [idOf(letter), 0]), 2];

  const outputs = await graph.run({
    input: int64(ids, [1, ids.length]),
    input_lengths: int64([ids.length], [1]),
    scales: float32(Float32Array.of(0, 1, 0), [3]),
  });
  const cut = await voice.decode(speech, 0, frameCount);
  await Promise.all([voice.release(), graph.release()]);

  const whole = outputs.get('output', 'float32').data.map((sample) => sample * voice.facts.gain);
  expect(symbols).toHaveLength(ids.length);
  expect(cut).toHaveLength(whole.length);
  expect(largestDifference(cut, whole)).toBeLessThan(1e-5);
});

test('speakers have names and numbers, and sound different', async () => {
  const speakers = { num_speakers: 3, speaker_id_map: { ann: 0, ben: 1, cleo: 2 } };
  const voice = await load(await writePiper(folder, 'speakers', speakers, 'piper-speakers'));
  const say = async (speaker?: string) => {
    const { speech } = await voice.encode('hello', OPTIONS, speaker);
    return voice.decode(speech, 0, 4);
  };

  const [preset, ann, ben, second] = [await say(), await say('ann'), await say('ben'), await say('1')];

  expect(preset).toEqual(ann);
  expect(ben).toEqual(second);
  expect(ben).not.toEqual(ann);
  await expect(say('dora')).rejects.toMatchObject({
    code: 'unknown_voice',
    message: expect.stringContaining('ann, ben, cleo'),
  });
  await voice.release();
});
