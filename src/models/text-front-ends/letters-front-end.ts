/** Text to its own letters, for voices that were trained on spelling. */
import { wordsOf } from './clauses.ts';
import type { SymbolSequence, TextFrontEnd } from './front-end.ts';
import type { SymbolRun } from './symbol-runs.ts';

export interface LettersOptions {
  /** How the voice writes a text: lower case, decomposed and the like. */
  readonly write: (text: string) => string;
  readonly layOut: (runs: readonly SymbolRun[]) => SymbolSequence;
  readonly sample: SymbolSequence;
}

/** A word at a time, so that each keeps its place in the text; the marks around words and single spaces stay between them. */
export const createLettersFrontEnd = ({ write, layOut, sample }: LettersOptions): TextFrontEnd => ({
  async read(text) {
    const runs: SymbolRun[] = [];
    let at = 0;
    const between = (end: number) => {
      const gap = text.slice(at, end).replaceAll(/\s+/g, ' ');
      const symbols = Array.from(write(at === 0 ? gap.trimStart() : gap));
      if (symbols.length > 0) runs.push({ symbols });
    };
    for (const word of wordsOf(text)) {
      between(word.charStart);
      runs.push({ symbols: Array.from(write(word.text)), word });
      at = word.charStart + word.text.length;
    }
    between(text.trimEnd().length);
    return layOut(runs);
  },
  sample,
  close: async () => undefined,
});
