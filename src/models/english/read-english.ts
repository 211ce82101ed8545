import type { TextProblem } from '../inference.ts';
import { CODE_READERS } from './code-readers.ts';
import { DATE_READERS } from './date-readers.ts';
import { MATH_READERS } from './math-readers.ts';
import { MONEY_READERS } from './money-readers.ts';
import { readNumber } from './numbers.ts';
import { dictionaryReader, rawPhonesReader } from './phone-readers.ts';
import type { Phones } from './phones.ts';
import { pluralSound, pronounce, spell, startsWithVowel } from './pronounce.ts';
import type { Pronunciations } from './pronunciations.ts';
import { QUANTITY_READERS } from './quantity-readers.ts';
import { toReadable } from './readable-text.ts';
import { type Kind, type Place, type Reader, type Reading, reader } from './reader.ts';
import { WEB_READERS } from './web-readers.ts';
import { WORD_READERS } from './word-readers.ts';

/** A visible token of a text and how it is said. */
export interface SpokenWord {
  /** The token as it stands in the text: `text.slice(charStart, charEnd)`. */
  readonly text: string;
  /** First UTF-16 index of the token in the text. */
  readonly charStart: number;
  /** Index after its last. */
  readonly charEnd: number;
  /** Pronunciations of the words it is read as, ARPAbet with stress; none for a token without a sound. */
  readonly phonemes: readonly Phones[];
  /** ',' '.' '?' '!' that follows it, or ''. */
  readonly punctuation: string;
}

interface Draft {
  readonly charStart: number;
  charEnd: number;
  readonly words: string[];
  readonly phones: Phones | undefined;
  punctuation: string;
}

/** How a text is to be read. */
export interface ReadingOptions {
  /** The user's own pronunciations, which come before all others. */
  readonly pronunciations?: Pronunciations;
  /** Is told what cannot be read; the rest is. */
  readonly report?: (problem: TextProblem) => void;
}

/** The first that fits reads: particular forms before general ones. */
interface Readers {
  readonly all: readonly Reader[];
  /** Few numbers begin with a letter ("v2", "US$"): words are read faster without asking the others. */
  readonly lowerCase: readonly Reader[];
}

/** "x" between two numbers. */
const LOWER_CASE_MATH = MATH_READERS.filter(({ pattern }) => pattern.source.startsWith('[x×]'));
/** Figures that no other reader knows: nothing is left out. */
const LAST_READER = reader(/\d{1,40}/uy, 'number', (_, { plain, at }) =>
  readNumber(/^\d{1,40}/.exec(plain.slice(at, at + 40))?.[0] ?? ''),
);

const readersWith = (first: readonly Reader[]): Readers => ({
  all: [
    rawPhonesReader,
    ...first,
    ...WEB_READERS,
    ...DATE_READERS,
    ...MONEY_READERS,
    ...CODE_READERS,
    ...MATH_READERS,
    ...QUANTITY_READERS,
    ...WORD_READERS,
    LAST_READER,
  ],
  lowerCase: [...first, ...WEB_READERS, ...LOWER_CASE_MATH, ...WORD_READERS],
});
const READERS = readersWith([]);
/** Texts longer than this, no sentence, must not block their thread for seconds with guesses at unknown words. */
const UNHURRIED_LENGTH = 10_000;
/** Where a token can begin: a letter, a figure, a sign, or a mark that belongs to what follows. */
const BEGINNING =
  /[\p{L}\p{N}\p{S}&%*°§]|['.+](?=[\p{L}\p{N}.])|(?<![\p{L}\p{N})])-(?=[\p{L}\p{N}.$€£¥])|[#@](?=[\p{L}\p{N}])|\[(?=\[)|\((?=\d{3}\))|!(?==)|-(?=>)|\/(?= \d)|(?<=[\p{L}\p{N}])[-–—](?=\d{1,2}(?::\d\d|[ap]\.?m)|[$€£¥]\d)/uy;
const WEAKEST_FIRST = ['', ',', '.', '!', '?'];
const ADJACENT = new Set(['', ' ', '-']);

/** What the marks and line ends between two tokens sound like; `listed` when a heading or list item ends there. */
const punctuationOf = (gap: string, listed: boolean): string => {
  if (gap.includes('?')) return '?';
  if (gap.includes('!')) return '!';
  if (/(?<!\.)\.(?!\.)/.test(gap)) return '.';
  if (/\n[^\S\n]*\n/.test(gap) || (listed && gap.includes('\n'))) return '.';
  return /[,;:—–()[\]{}|]|--|\s-\s|\.\./.test(gap) ? ',' : '';
};

const stronger = (a: string, b: string) => (WEAKEST_FIRST.indexOf(b) > WEAKEST_FIRST.indexOf(a) ? b : a);

/** Lines that stand for themselves, in the original text: headings, list items, quotations. */
const LISTED = /^[^\S\n]{0,12}(?:#{1,6}\s|[-*+•]\s|\d{1,3}[.)]\s|>)/;
const isListed = (text: string, lineStart: number) => LISTED.test(text.slice(lineStart, lineStart + 20));

const readAt = (readers: Readers, place: Place): Reading | undefined => {
  BEGINNING.lastIndex = place.at;
  if (!BEGINNING.test(place.plain)) return undefined;
  const isLowerCase = /[a-uw-z]/.test(place.plain.charAt(place.at));
  for (const { pattern, read } of isLowerCase ? readers.lowerCase : readers.all) {
    pattern.lastIndex = place.at;
    const match = pattern.exec(place.plain);
    const reading = match === null ? undefined : read(match, place);
    if (reading !== undefined && reading.length > 0) return reading;
  }
  return undefined;
};

const draftTokens = (text: string, { pronunciations, report }: ReadingOptions): Draft[] => {
  const readers = pronunciations?.size ? readersWith([dictionaryReader(pronunciations)]) : READERS;
  const { plain, from, to } = toReadable(text);
  const drafts: Draft[] = [];
  let carried: readonly string[] = [];
  let last: { readonly text: string; readonly kind: Kind } | undefined;
  let ended = true;
  let gapStart = 0;
  let lineStart = 0;

  const closeGap = (end: number) => {
    const gap = plain.slice(gapStart, end);
    const newline = gap.lastIndexOf('\n');
    const nextLine = newline < 0 ? lineStart : (from[gapStart + newline] ?? 0) + 1;
    const listed = newline >= 0 && (isListed(text, lineStart) || isListed(text, nextLine));
    const draft = drafts.at(-1);
    if (draft !== undefined) draft.punctuation = stronger(draft.punctuation, punctuationOf(gap, listed));
    lineStart = nextLine;
  };

  for (let at = 0; at < plain.length;) {
    const adjacent = at - gapStart <= 1 && ADJACENT.has(plain.slice(gapStart, at));
    const reading = readAt(readers, { plain, at, previous: last && { ...last, adjacent, ended } });
    if (reading === undefined) {
      ended ||= /[.!?]/.test(plain.charAt(at));
      at++;
      continue;
    }
    closeGap(at);
    const charStart = from[at] ?? 0;
    const charEnd = to[at + reading.length - 1] ?? charStart;
    const words = [...reading.words, ...carried];
    if (reading.problem !== undefined) {
      report?.({ kind: 'bad-phonemes', message: `${text.slice(charStart, charEnd)}: ${reading.problem}` });
    }
    const draft = drafts.at(-1);
    // One character of the original may stand for two tokens: "℅" is "c/o".
    if (draft !== undefined && charStart < draft.charEnd) {
      draft.words.push(...words);
      draft.charEnd = Math.max(draft.charEnd, charEnd);
    } else {
      const punctuation = reading.dotted === true ? '.' : '';
      drafts.push({ charStart, charEnd, words, phones: reading.phones, punctuation });
    }
    carried = reading.carried ?? [];
    last = { text: plain.slice(at, at + reading.length), kind: reading.kind };
    ended = reading.dotted === true;
    at += reading.length;
    gapStart = at;
  }
  closeGap(plain.length);
  drafts.at(-1)?.words.push(...carried);
  return drafts;
};

/** "b." is the name of a letter, "b.'s" its plural. */
const phonesOf = (word: string, hurried: boolean): Phones => {
  const [, letter, plural] = /^([a-z])\.('s)?$/.exec(word) ?? [];
  if (letter === undefined) return pronounce(word, hurried);
  const phones = spell(letter);
  return plural === undefined ? phones : pluralSound(phones);
};

const unreadable = (text: string) =>
  `nothing can be read where "${text.slice(0, 40)}" stands: this voice reads English; choose a voice of that language`;

/**
 * Reads English text aloud, on paper: every visible token with its place in the text, its pronunciation and the mark after it.
 * Numbers, dates, addresses and the like are said in words; markup is hidden; what English cannot say has no phonemes. Takes
 * any string, in time linear in its length. The first call loads the dictionary, the first unknown word the letter-to-sound rules.
 *
 * @throws {VisavisError} `bad_model` when the dictionary or the rules are missing.
 */
export const readEnglish = (text: string, options: ReadingOptions = {}): readonly SpokenWord[] => {
  const hurried = text.length > UNHURRIED_LENGTH;
  const tokens = draftTokens(text, options).map(({ charStart, charEnd, words, phones, punctuation }) => ({
    text: text.slice(charStart, charEnd),
    charStart,
    charEnd,
    phonemes:
      phones === undefined
        ? words.map((word) => phonesOf(word, hurried)).filter((spoken) => spoken.length > 0)
        : [phones],
    punctuation,
  }));
  if (tokens.every(({ phonemes }) => phonemes.length === 0)) {
    const letters = tokens.find((token) => /\p{L}/u.test(token.text) && !token.text.startsWith('[['));
    if (letters) options.report?.({ kind: 'unreadable', message: unreadable(letters.text) });
  }
  // From the end, because "the" depends on the sound after it.
  let beforeVowel = false;
  const fit = (phones: Phones): Phones => {
    const isThe = phones.length === 2 && phones[0] === 'DH' && phones[1] === 'AH0';
    const said = isThe && beforeVowel ? ['DH', 'IY0'] : phones;
    beforeVowel = startsWithVowel(said);
    return said;
  };
  const spoken: SpokenWord[] = [];
  for (const token of tokens.toReversed()) {
    const phonemes = token.phonemes.toReversed().map(fit);
    spoken.push({ ...token, phonemes: phonemes.toReversed() });
  }
  return spoken.toReversed();
};
