/**
 * Text to symbols by a lexicon, as voices of sherpa-onnx read it: English word by word, Chinese by the words that jieba finds,
 * a word that the lexicon lacks by its characters.
 */
import { groupsOf, spokenCharacters } from './chinese/spoken-characters.ts';
import { clausesOf, wordsOf } from './clauses.ts';
import type { SymbolSequence, TextFrontEnd } from './front-end.ts';
import type { SymbolRun } from './symbol-runs.ts';

/** How a word is said. */
export interface LexiconEntry {
  readonly symbols: readonly string[];
  readonly tones?: readonly number[];
}

export interface LexiconOptions {
  /** By lower-case word. */
  readonly lexicon: ReadonlyMap<string, LexiconEntry>;
  /** Whether the voice has a symbol of its own for something, such as a mark. */
  readonly hasSymbol: (symbol: string) => boolean;
  readonly chinese: boolean;
  readonly layOut: (runs: readonly SymbolRun[]) => SymbolSequence;
  readonly sample: SymbolSequence;
}

/** The same mark in Chinese and Western writing. */
const MARKS: readonly (readonly string[])[] = [
  [',', '，', '、'],
  ['.', '。'],
  ['!', '！'],
  ['?', '？'],
  [':', '：', '，', ','],
  [';', '；', '，', ','],
  ['…', '。', '.'],
  ['—', '，', ','],
]; // oxfmt would give each mark a line of its own
const SILENCE = 'sil';
const END = 'eos';

/** Loads what finds Chinese words, if the voice needs it. */
export const openLexiconFrontEnd = async ({
  lexicon,
  hasSymbol,
  chinese,
  layOut,
  sample,
}: LexiconOptions): Promise<TextFrontEnd> => {
  const cut = chinese ? (await import('jieba-wasm')).cut : undefined;

  const entryOf = (word: string): LexiconEntry | undefined => {
    const found = lexicon.get(word) ?? lexicon.get(word.toLowerCase());
    if (found) return found;
    const parts = Array.from(word.toLowerCase(), (character) => lexicon.get(character)).filter(
      (part) => part !== undefined,
    );
    if (parts.length === 0) return undefined;
    return { symbols: parts.flatMap((part) => part.symbols), tones: parts.flatMap((part) => part.tones ?? []) };
  };
  const runOf = (spoken: string, text: string, charStart: number): SymbolRun => {
    // What cannot be said counts as such: the word stands for its symbols.
    const { symbols, tones } = entryOf(spoken) ?? { symbols: [spoken] };
    return { symbols, word: { text, charStart }, ...(tones && { tones }) };
  };
  const markOf = (mark: string): SymbolRun => {
    const same = MARKS.find((marks) => marks.includes(mark)) ?? [mark];
    const known = [mark, ...same].find(hasSymbol);
    if (known !== undefined) return { symbols: [known] };
    return { symbols: hasSymbol(SILENCE) ? [SILENCE] : [] };
  };
  const space: SymbolRun = { symbols: [' '] };
  const spaced = hasSymbol(' ');

  const readEnglish = (text: string): SymbolRun[] => {
    const runs: SymbolRun[] = [];
    for (const { text: clause, charStart, mark } of clausesOf(text)) {
      for (const word of wordsOf(clause, charStart)) {
        if (spaced && runs.length > 0) runs.push(space);
        runs.push(runOf(word.text.replaceAll('’', "'"), word.text, word.charStart));
      }
      runs.push(markOf(mark === '' ? '.' : mark));
    }
    return runs;
  };

  const readChinese = (text: string): SymbolRun[] => {
    const characters = spokenCharacters(text);
    let at = 0;
    const parts = (cut?.(characters.map(({ character }) => character).join(''), true) ?? []).map((spoken) => {
      const length = Array.from(spoken).length;
      const from = characters.slice(at, (at += length));
      return { spoken, charStart: from[0]?.charStart ?? 0, charEnd: from.at(-1)?.charEnd ?? 0 };
    });
    return groupsOf(parts).flatMap((group): SymbolRun[] => {
      const [first] = group;
      if (!first) return [];
      const said = group.filter(({ spoken }) => /[\p{L}\p{N}]/u.test(spoken));
      if (said.length === 0) return /\S/.test(first.spoken) ? [markOf(first.spoken)] : [];
      const word = text.slice(first.charStart, Math.max(...group.map(({ charEnd }) => charEnd)));
      const runs = said.map(({ spoken }) => runOf(spoken, word, first.charStart));
      const symbols: string[] = [];
      const tones: number[] = [];
      for (const run of runs) {
        symbols.push(...run.symbols);
        tones.push(...(run.tones ?? []));
        if (spaced) {
          symbols.push(' ');
          tones.push(0);
        }
      }
      return [{ symbols, tones, word: { text: word, charStart: first.charStart } }];
    });
  };

  return {
    async read(text) {
      const runs = chinese ? readChinese(text) : readEnglish(text);
      const border: SymbolRun[] = hasSymbol(SILENCE) ? [{ symbols: [SILENCE] }] : [];
      return layOut([...border, ...runs, ...border, ...(hasSymbol(END) ? [{ symbols: [END] }] : [])]);
    },
    sample,
    close: async () => undefined,
  };
};
