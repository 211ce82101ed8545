/** When the symbols of a word are spoken, for clients that ask for phonemes. */
import type { PhonemeTiming } from '../../media.ts';

/**
 * Symbols `first` to before `end` with their times in ms, without gaps between them. A blank belongs to the symbol before it, as Piper
 * has it, and blanks before the first symbol to that one; what lasts no time is left out, such as marks of stress in some voices.
 * @param symbols - how each id is written, '' for a blank
 * @param starts - when each id begins, and when the last one ends, in ms
 * @returns undefined when the word has no symbols that last
 */
export const phonemeTimes = (
  symbols: readonly string[],
  starts: Float64Array,
  { first, end }: { readonly first: number; readonly end: number },
): readonly PhonemeTiming[] | undefined => {
  const heard: number[] = [];
  for (let i = first; i < end; i++) if (symbols[i] !== '' && starts[i + 1]! > starts[i]!) heard.push(i);
  if (heard.length === 0) return undefined;
  return heard.map((at, i) => ({
    phoneme: symbols[at] ?? '',
    startMs: starts[i === 0 ? first : at]!,
    endMs: starts[heard[i + 1] ?? end]!,
  }));
};
