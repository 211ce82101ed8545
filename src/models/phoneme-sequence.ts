/** From words to the symbols that a voice was trained on: `^ HH AH0 L OW1 , " " DH EH1 R . $`. */
import { VisavisError } from '../errors.ts';
import type { SpokenWord } from './english/index.ts';

const PAD = '_';
const START = '^';
const END = '$';
const BOUNDARY = ' ';
/** Training sentences always end with a mark: without one the last word would be cut off. */
const LAST_MARK = '.';
/** About 80 s of speech. The encoder's cost grows with the square of the length. */
const MAX_SYMBOLS = 1000;

/** Symbol ids for the encoder, and which of them speak which word. */
export interface PhonemeSequence {
  readonly ids: readonly number[];
  /** Words that are heard, in order: symbols `first` to before `end` belong to `word`. */
  readonly words: readonly (SymbolSpan & { readonly word: SpokenWord; readonly phonemes: readonly PhonemeSpan[] })[];
}

/** Symbols `first` to before `end`. */
export interface SymbolSpan {
  readonly first: number;
  readonly end: number;
}

/** The symbols of one phoneme: its own and the pad after it, as the next phoneme begins only then. */
export interface PhonemeSpan extends SymbolSpan {
  readonly phoneme: string;
}

/** Gives the function that spells words in a voice's symbols; marks and boundaries that the voice does not know are left out. */
export const createSequencer = (symbols: readonly string[], intersperse: boolean) => {
  const idOf = new Map(symbols.map((symbol, id) => [symbol, id]));
  for (const needed of intersperse ? [PAD, START, END] : [START, END]) {
    if (!idOf.has(needed)) {
      throw new VisavisError(
        'bad_model',
        `The voice's symbols lack "${needed}". Export the voice with the whole list.`,
      );
    }
  }

  /**
   * @returns no ids at all when nothing is to be heard
   * @throws {VisavisError} `bad_text` for a phoneme that the voice does not know, `text_too_long` above 1000 symbols
   */
  return (words: readonly SpokenWord[]): PhonemeSequence => {
    const ids: number[] = [];
    const spans: PhonemeSequence['words'][number][] = [];
    let mark = '';
    const push = (symbol: string) => {
      const id = idOf.get(symbol);
      if (id === undefined) return;
      if (intersperse && ids.length > 0) ids.push(idOf.get(PAD)!);
      ids.push(id);
    };

    push(START);
    for (const word of words) {
      const spoken = word.phonemes.filter((phonemes) => phonemes.length > 0);
      if (spoken.length > 0 && spans.length > 0) {
        push(mark);
        push(BOUNDARY);
        mark = '';
      }
      if (spans.length > 0 || spoken.length > 0) mark = word.punctuation || mark;
      if (spoken.length === 0) continue;
      const starts: { readonly phoneme: string; readonly first: number }[] = [];
      for (const [i, phonemes] of spoken.entries()) {
        if (i > 0) push(BOUNDARY);
        for (const phoneme of phonemes) {
          if (!idOf.has(phoneme)) {
            throw new VisavisError(
              'bad_text',
              `"${word.text}" has the sound ${phoneme}, which this voice cannot make.`,
            );
          }
          push(phoneme);
          starts.push({ phoneme, first: ids.length - 1 });
        }
      }
      const end = ids.length;
      const phonemes = starts.map((start, i) => ({ ...start, end: starts[i + 1]?.first ?? end }));
      spans.push({ word, first: starts[0]!.first, end, phonemes });
    }
    if (spans.length === 0) return { ids: [], words: [] };
    push(mark || LAST_MARK);
    push(END);
    if (ids.length > MAX_SYMBOLS) {
      throw new VisavisError(
        'text_too_long',
        `A text chunk may have ${MAX_SYMBOLS} phonemes, this one has ${ids.length}. Send it in shorter sentences.`,
      );
    }
    return { ids, words: spans };
  };
};
