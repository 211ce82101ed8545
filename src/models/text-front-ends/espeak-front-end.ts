/** Text to the IPA of espeak-ng, clause by clause, as Piper and Coqui trained their voices on it. */
import type { Clock } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';
import { type Clause, clausesOf, type TextWord, wordsOf } from './clauses.ts';
import { EspeakProcess } from './espeak-process.ts';
import type { SymbolSequence, TextFrontEnd } from './front-end.ts';
import type { SymbolRun } from './symbol-runs.ts';

export interface EspeakFrontEndOptions {
  /** A voice of espeak-ng, such as `en-us`. */
  readonly voice: string;
  readonly clock: Clock;
  /** The program. @default 'espeak-ng' */
  readonly command?: string;
  /** Puts the runs into ids. @throws {VisavisError} `bad_text` */
  readonly layOut: (runs: readonly SymbolRun[]) => SymbolSequence;
  /** Of the front end. */
  readonly sample: SymbolSequence;
  /** Groups the code points of a word into symbols. @default each is one */
  readonly group?: (codePoints: readonly string[]) => readonly string[];
}

/** Raw phonemes between double brackets go to the voice as they are. */
const RAW = /\[\[(.*?)\]\]/gs;
const PAUSES = new Set([',', ':', ';']);

/** IPA as Piper's voices know it: decomposed, one symbol a code point. */
const codePointsOf = (ipa: string): string[] => Array.from(ipa.normalize('NFD'));

/**
 * Which of the spoken words belong to which word of the text. Mostly there are as many; where espeak-ng reads one as several
 * ("1984") or several as one ("of the"), each word's own reading says how much of the whole is its.
 */
const assign = async (
  words: readonly TextWord[],
  spoken: readonly string[],
  read: (text: string) => Promise<string>,
): Promise<SymbolRun[]> => {
  const space: SymbolRun = { symbols: [' '] };
  const runsOf = (groups: readonly (readonly string[])[]): SymbolRun[] =>
    groups.flatMap((group, i) => {
      const symbols = group.flatMap((part, k) => [...(k > 0 ? [' '] : []), ...codePointsOf(part)]);
      const word = words[i];
      return [...(i > 0 ? [space] : []), word ? { symbols, word } : { symbols }];
    });
  if (words.length === spoken.length) return runsOf(spoken.map((part) => [part]));
  const own: (readonly string[])[] = [];
  for (const { text } of words) own.push((await read(text)).split(' ').filter((part) => part !== ''));
  if (own.reduce((sum, parts) => sum + parts.length, 0) === spoken.length) {
    let at = 0;
    return runsOf(own.map((parts) => spoken.slice(at, (at += parts.length))));
  }
  const all = codePointsOf(spoken.join(' '));
  const lengths = own.map((parts) => Math.max(1, codePointsOf(parts.join(' ')).length));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let reached = 0;
  let at = 0;
  return lengths.map((length, i) => {
    reached += length;
    const end = i === lengths.length - 1 ? all.length : Math.round((all.length * reached) / total);
    const symbols = all.slice(at, end);
    at = end;
    const word = words[i];
    return word ? { symbols, word } : { symbols };
  });
};

/**
 * Starts espeak-ng and waits until it has read a word.
 * @throws {VisavisError} `bad_model` when it is not installed or does not speak the language
 */
export const openEspeakFrontEnd = async ({
  voice,
  clock,
  command,
  layOut,
  sample,
  group = (codePoints) => codePoints,
}: EspeakFrontEndOptions): Promise<TextFrontEnd> => {
  // espeak-ng takes paths of voice files too; a model's own files must not choose one.
  if (!/^[\w+-]+$/.test(voice)) {
    throw new VisavisError('bad_model', `expected the name of a language of espeak-ng, such as en-us, got "${voice}"`);
  }
  const espeak = new EspeakProcess({ voice, clock, ...(command !== undefined && { command }) });
  const read = (text: string) => espeak.phonemize(text);
  await read('1');

  const readClause = async ({ text, charStart, mark }: Clause, isLast: boolean): Promise<SymbolRun[]> => {
    const spoken = (await read(text)).split(' ').filter((part) => part !== '');
    if (spoken.length === 0) return [];
    const runs = await assign(wordsOf(text, charStart), spoken, read);
    // Training sentences always end with a mark.
    const end = mark === '' ? (isLast ? '.' : '') : mark;
    return [
      ...runs,
      { symbols: [end, ...(PAUSES.has(end) || !isLast ? [' '] : [])].filter((symbol) => symbol !== '') },
    ];
  };

  const readText = async (text: string, charStart: number, isLast: boolean): Promise<SymbolRun[]> => {
    const clauses = clausesOf(text);
    const runs: SymbolRun[] = [];
    for (const [i, clause] of clauses.entries()) {
      const placed = { ...clause, charStart: charStart + clause.charStart };
      runs.push(...(await readClause(placed, isLast && i === clauses.length - 1)));
    }
    return runs;
  };

  const grouped = (runs: readonly SymbolRun[]) =>
    layOut(runs.map((run) => ({ ...run, symbols: run.word ? group(run.symbols) : run.symbols })));

  return {
    async read(text) {
      const runs: SymbolRun[] = [];
      let at = 0;
      for (const match of text.matchAll(RAW)) {
        runs.push(...(await readText(text.slice(at, match.index), at, false)));
        const [whole, phonemes = ''] = match;
        runs.push({ symbols: codePointsOf(phonemes.trim()), word: { text: whole, charStart: match.index } });
        runs.push({ symbols: [' '] });
        at = match.index + whole.length;
      }
      runs.push(...(await readText(text.slice(at), at, true)));
      return grouped(runs);
    },
    sample,
    close: () => espeak.close(),
  };
};
