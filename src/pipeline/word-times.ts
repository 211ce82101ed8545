/** Moves word times from one origin to another. */
import type { WordTiming } from '../media.ts';

const withTimes = (word: WordTiming, timeOf: (ms: number) => number): WordTiming => {
  const moved = { ...word, startMs: timeOf(word.startMs), endMs: timeOf(word.endMs) };
  if (word.phonemes === undefined) return moved;
  const phonemes = word.phonemes.map(({ phoneme, startMs, endMs }) => ({
    phoneme,
    startMs: timeOf(startMs),
    endMs: timeOf(endMs),
  }));
  return { ...moved, phonemes };
};

/** The word, that many milliseconds later. */
export const laterBy = (word: WordTiming, delayMs: number): WordTiming => withTimes(word, (ms) => ms + delayMs);

/** The word with whole milliseconds. */
export const rounded = (word: WordTiming): WordTiming => withTimes(word, Math.round);
