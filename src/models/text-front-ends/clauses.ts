/** Cuts a text where a speaker pauses, and finds its words. */

/** A part of a text between two pauses. */
export interface Clause {
  readonly text: string;
  /** First UTF-16 index in the whole text. */
  readonly charStart: number;
  /** The mark that ends it, as ASCII; '' when the text just ends. */
  readonly mark: '' | '.' | ',' | '?' | '!' | ':' | ';';
}

/** A word as it stands in the text. */
export interface TextWord {
  readonly text: string;
  readonly charStart: number;
}

const MARKS: Readonly<Record<string, Clause['mark']>> = {
  '.': '.',
  '…': '.',
  '。': '.',
  '｡': '.',
  '۔': '.',
  '।': '.',
  '॥': '.',
  '։': '.',
  '።': '.',
  '?': '?',
  '？': '?',
  '؟': '?',
  ';': ';',
  '；': ';',
  '؛': ';',
  '!': '!',
  '！': '!',
  ',': ',',
  '，': ',',
  '、': ',',
  '،': ',',
  '—': ',',
  '–': ',',
  ':': ':',
  '：': ':',
}; // oxfmt keeps one entry a line otherwise
/** Marks that end a clause only before a space: "3.5", "10:30", "1,000". */
const SPACED = new Set(['.', ',', ':', '?', '!', ';', '–']);
/** A dot after them, or after a single letter, does not end a sentence. */
const ABBREVIATIONS = new Set('mr mrs ms dr prof st jr sr vs etc no vol fig'.split(' '));
const AFTER_MARK = /["'”’»›)\]}」』】）》〉]/u;

const isInnerDot = (text: string, dot: number): boolean => {
  const [word = ''] = /[\p{L}.]*$/u.exec(text.slice(Math.max(0, dot - 12), dot)) ?? [];
  return ABBREVIATIONS.has(word.toLowerCase()) || /^(?:\p{L}\.)*\p{L}$/u.test(word);
};

/** The clauses of a text, in order; joined by their places they are the text without marks. */
export const clausesOf = (text: string): Clause[] => {
  const clauses: Clause[] = [];
  let start = 0;
  const close = (end: number, mark: Clause['mark'], next: number) => {
    if (/[\p{L}\p{N}\p{S}]/u.test(text.slice(start, end)))
      clauses.push({ text: text.slice(start, end), charStart: start, mark });
    start = next;
  };
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === '\n' && /^\n[^\S\n]*\n/.test(text.slice(i, i + 20))) {
      close(i, '.', i + 1);
      continue;
    }
    const mark = MARKS[character];
    if (mark === undefined) continue;
    let end = i + 1;
    while (end < text.length && (MARKS[text.charAt(end)] !== undefined || AFTER_MARK.test(text.charAt(end)))) end++;
    const isLast = /^\s*$/.test(text.slice(end));
    if (SPACED.has(character) && !isLast && !/\s/.test(text.charAt(end))) continue;
    if (character === '.' && end === i + 1 && !isLast && isInnerDot(text, i)) continue;
    // "Really?!" asks.
    const strongest = /[?？؟]/.test(text.slice(i, end)) ? '?' : mark;
    close(i, strongest, end);
    i = end - 1;
  }
  close(text.length, '', text.length);
  return clauses;
};

/** The words of a text between spaces, without the marks around them. */
export const wordsOf = (text: string, charStart = 0): TextWord[] =>
  [...text.matchAll(/\S+/gu)].flatMap((match) => {
    const inner = /[\p{L}\p{N}\p{M}\p{Sc}](?:.*[\p{L}\p{N}\p{M}\p{S}%])?/u.exec(match[0]);
    return inner ? [{ text: inner[0], charStart: charStart + match.index + inner.index }] : [];
  });
