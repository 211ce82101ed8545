/** From spelled words to the ids of a voice: what all VITS voices share, with what differs between them as options. */
import { VisavisError } from '../../errors.ts';
import { SequenceBuilder, type SymbolSequence } from './front-end.ts';

/** Symbols in a row: a word, or what stands between two words. */
export interface SymbolRun {
  readonly symbols: readonly string[];
  /** Tone of each symbol, for voices that take them. */
  readonly tones?: readonly number[];
  /** The part of the text that they speak. */
  readonly word?: { readonly text: string; readonly charStart: number };
}

/** How a voice wants its ids: `before blank (symbol blank)* after`. */
export interface SymbolLayout {
  /** Ids of each symbol; most have one. */
  readonly ids: ReadonlyMap<string, readonly number[]>;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Stands around symbols; left out for voices without. */
  readonly blank?: number;
  /** Whether a blank follows a symbol. @default always */
  readonly blankAfter?: (symbol: string) => boolean;
}

/** Symbols that are missed when they are left out; marks of stress, accents and apostrophes are not. */
const HEARD = /[\p{Ll}\p{Lu}\p{Lt}\p{Lo}\p{N}]/u;

/**
 * Spells runs in the voice's ids. Symbols that it does not have are left out, as all of these projects do, but a text of which
 * the voice has less than half was not written for it.
 * @param speaks - the voice's language, for the message
 * @throws {VisavisError} `bad_text`
 */
export const layOut = (
  runs: readonly SymbolRun[],
  { ids, before, after, blank, blankAfter = () => true }: SymbolLayout,
  speaks: string,
): SymbolSequence => {
  const builder = new SequenceBuilder();
  const pushBlank = () => blank !== undefined && builder.push(blank, '');
  const unknown = new Set<string>();
  let known = 0;
  let missing = 0;
  for (const id of before) builder.push(id, '');
  pushBlank();
  for (const { symbols, tones, word } of runs) {
    const first = builder.ids.length;
    for (const [i, symbol] of symbols.entries()) {
      // A voice that only knows small letters says capitals the same.
      const found = ids.get(symbol) ?? ids.get(symbol.toLowerCase());
      if (!found) {
        if (word) {
          unknown.add(symbol);
          missing++;
        }
        continue;
      }
      if (word) known++;
      for (const id of found) builder.push(id, symbol, tones?.[i] ?? 0);
      if (blankAfter(symbol)) pushBlank();
    }
    if (word) builder.word(word.text, word.charStart, first);
  }
  if (missing > known) {
    throw new VisavisError(
      'bad_text',
      `This voice speaks ${speaks}; it has no symbols for ${[...unknown].slice(0, 10).join(' ')}. Choose a voice of the text's language.`,
    );
  }
  for (const id of after) builder.push(id, '');
  const sequence = builder.build();
  const heard = [...unknown].filter((symbol) => HEARD.test(symbol));
  if (heard.length === 0) return sequence;
  const leftOut = `This voice speaks ${speaks}; it has no symbols for ${heard.slice(0, 10).join(' ')}, which are left out.`;
  return { ...sequence, leftOut };
};

/** Symbols that a sample has at least. */
const SAMPLE_SYMBOLS = 8;

/** `preferred` as far as the voice has it, or some other symbols of the voice, as one word. */
export const sampleOf = (layout: SymbolLayout, preferred: readonly string[]): SymbolSequence => {
  const known = preferred.filter((symbol) => layout.ids.has(symbol));
  const others = [...layout.ids.keys()].filter((symbol) => /\p{L}/u.test(symbol)).slice(0, 2 * SAMPLE_SYMBOLS);
  const symbols = known.length >= SAMPLE_SYMBOLS || others.length === 0 ? known : others;
  return layOut([{ symbols, word: { text: 'sample', charStart: 0 } }], layout, '');
};

/** What a voice for IPA tries itself with: "Hello, I am here." */
export const IPA_SAMPLE = Array.from('həlˈoʊ, aɪ æm hˈɪɹ.');
