/** When words and phonemes are spoken: VITS knows how many latent frames each symbol lasts before it makes any sound. */
import type { WordTiming } from '../media.ts';
import type { PhonemeSequence, SymbolSpan } from './phoneme-sequence.ts';

/**
 * Times of words and of their phonemes, in ms from the first sample. Every boundary lies on a frame, so on a whole sample.
 *
 * @param starts - First frame of each symbol, and the number of all frames after the last: int32[P + 1].
 * @param frameMs - Length of a latent frame.
 */
export const timeWords = (words: PhonemeSequence['words'], starts: Int32Array, frameMs: number): WordTiming[] => {
  const timesOf = ({ first, end }: SymbolSpan) => ({
    startMs: (starts[first] ?? 0) * frameMs,
    endMs: (starts[end] ?? 0) * frameMs,
  });
  return words.map(({ word: { text, charStart, charEnd }, phonemes, first, end }) => {
    const times = timesOf({ first, end });
    const sounds = phonemes.map((span) => Object.assign({ phoneme: span.phoneme }, timesOf(span)));
    return { text, ...times, charStart, charEnd, phonemes: sounds };
  });
};
