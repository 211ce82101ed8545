/** "Words" whose every loss is noticed: tones of 200 ms, each at another pitch than its neighbours, with pauses between them. */
import { SLOT_MS, type AudioSlot, type VideoFrame } from '../../../src/media.ts';
import { createRandom } from '../../../src/models/random.ts';

/** Pitches in turn, Hz; whole periods fit into a block of 20 ms. */
const PITCHES_HZ = [400, 550, 700, 850, 1000, 1150, 1300, 1450] as const;
const WORD_SLOTS = 5;
const PAUSE_SLOTS = 2;
const PERIOD_SLOTS = WORD_SLOTS + PAUSE_SLOTS;
const BLOCK_MS = 20;
/** A word was heard when half of it was. */
const HEARD_BLOCKS = (WORD_SLOTS * SLOT_MS) / BLOCK_MS / 2;
/** Mean square of what counts as sound. */
const AUDIBLE = 0.005;

/** The slot `sequence` of endless tone words. */
export const toneWordSlot = (sequence: number, sampleRateHz: number): AudioSlot => {
  const samples = (sampleRateHz * SLOT_MS) / 1000;
  const speaking = sequence % PERIOD_SLOTS < WORD_SLOTS;
  const pitchHz = PITCHES_HZ[Math.floor(sequence / PERIOD_SLOTS) % PITCHES_HZ.length] ?? 0;
  const at = (i: number) => 0.5 * Math.sin((2 * Math.PI * pitchHz * (sequence * samples + i)) / sampleRateHz);
  return { sequence, speaking, pcm: Float32Array.from({ length: samples }, (_, i) => (speaking ? at(i) : 0)) };
};

/** Strength of a pitch in a block, as the mean square that a pure tone of it would have (Goertzel 1958). */
const strength = (block: Float32Array, pitchHz: number, sampleRateHz: number): number => {
  let real = 0;
  let imaginary = 0;
  for (const [i, sample] of block.entries()) {
    const angle = (2 * Math.PI * pitchHz * i) / sampleRateHz;
    real += sample * Math.cos(angle);
    imaginary += sample * Math.sin(angle);
  }
  return (2 * (real * real + imaginary * imaginary)) / block.length ** 2;
};

/** The words in a recording, by number of their pitch, in order; one that was cut to less than half is left out. */
export const wordsIn = (pcm: Float32Array, sampleRateHz: number): number[] => {
  const length = (sampleRateHz * BLOCK_MS) / 1000;
  const heard: { word: number; blocks: number }[] = [];
  for (let from = 0; from + length <= pcm.length; from += length) {
    const block = pcm.subarray(from, from + length);
    const strengths = PITCHES_HZ.map((pitchHz) => strength(block, pitchHz, sampleRateHz));
    const most = Math.max(...strengths);
    if (most < AUDIBLE) continue;
    const word = strengths.indexOf(most);
    const last = heard.at(-1);
    if (last?.word === word) last.blocks += 1;
    else heard.push({ word, blocks: 1 });
  }
  return heard.filter(({ blocks }) => blocks >= HEARD_BLOCKS).map(({ word }) => word);
};

/** Words that are missing between those that were heard. */
export const missingWords = (words: readonly number[]): number =>
  words.slice(1).reduce((sum, word, i) => {
    const step = (word - (words[i] ?? 0) + PITCHES_HZ.length) % PITCHES_HZ.length;
    return sum + (step === 0 ? PITCHES_HZ.length : step) - 1;
  }, 0);

/** Noise, made once: tests run beside what they test. */
const noises = new Map<string, Uint8Array<ArrayBuffer>>();
const NOISES = 8;

/** A frame that no encoder makes small: noise that changes, over a gradient. */
export const noisyFrame = (sequence: number, size: number): VideoFrame => {
  const key = `${sequence % NOISES} ${size}`;
  const made = noises.get(key) ?? noise(sequence % NOISES, size);
  noises.set(key, made);
  return { sequence, size, i420: made.slice() };
};

const noise = (seed: number, size: number): Uint8Array<ArrayBuffer> => {
  const random = createRandom(seed);
  const i420 = new Uint8Array((size * size * 3) / 2).fill(128);
  for (let y = 0; y < size; y += 2) {
    for (let x = 0; x < size; x += 2) {
      const value = 60 + ((x + y) >> 2) + Math.floor(60 * random.uniform());
      i420.fill(value, y * size + x, y * size + x + 2);
      i420.fill(value, (y + 1) * size + x, (y + 1) * size + x + 2);
    }
  }
  return i420;
};
