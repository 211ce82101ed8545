/**
 * Cuts a text that comes bit by bit into chunks to synthesize: the first one early, so that speech starts, the later ones by
 * sentence, so that they sound whole. Pure: silence between tokens is told by `idle()`.
 */
import type { TextChunk } from '../media.ts';

/** Sizes of chunks. */
export interface TextSplitterOptions {
  /** Words after which a clause may be the first chunk; at least 1, default 3. */
  readonly firstClauseWords?: number;
  /** Words after which the first chunk is cut between two words when no clause ends; at least 1, default 8. */
  readonly firstWords?: number;
  /** Longest chunk in UTF-16 units; 20 or more, default 200. Only an address or a tag may be longer. */
  readonly maxLength?: number;
}

/** Takes the text of one utterance as it comes. All chunks joined are the text, and `charStart` counts from its beginning. */
export interface TextSplitter {
  /** Adds text, of any length and cut anywhere, and gives the chunks that are ready. */
  push(delta: string): TextChunk[];
  /**
   * No text came for a while (250 ms): gives what can be spoken without splitting a word, a number or an address. Said again
   * before other text comes, a figure or an address and its mark are taken for the end of a sentence.
   */
  idle(): TextChunk[];
  /** The text is complete: gives all that is left. */
  end(): TextChunk[];
}

/** A place where the text may be cut: before character `at`. */
interface Cut {
  readonly at: number;
  readonly kind: 'sentence' | 'clause' | 'word';
  /** Words before it. */
  readonly words: number;
  /** The word before it leans on the next one: "the", "of". */
  readonly leaning: boolean;
}

/** A sentence end up to this many words away is worth more than a first chunk of eight words, if it has come already. */
const FIRST_SENTENCE_WORDS = 14;
/** An address or tag may be this long. */
const MAX_UNBROKEN = 2000;

/** Full stops, question and exclamation marks of Latin, CJK, Arabic, Urdu, Indic, Armenian, Ethiopic, Mongolian, Khmer, Burmese. */
const TERMINATORS = /[.!?…‽。！？｡．؟۔।॥՞։።፧᙮᠃᠉‼⁇⁈⁉។៕။]/u;
/** Marks after which no space is needed. */
const UNSPACED = /[。！？｡，、；：។៕။၊]/u;
const CLAUSE_MARKS = /[,;:—–،؛，、；：၊፣፤]/u;
const CLOSERS = /["'”’»›)\]}」』】）》〉*_~`]/u;
/** Scripts without spaces, where two characters count as a word. */
const UNSPACED_SCRIPT =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const WORD_CHARACTER = /[\p{L}\p{N}\p{M}]/u;
const CLOSING_TAG = /^<\/[a-z][^<>]{0,70}>/i;
const LINE_ITEM = /^(?:[-*+•#>]|\d{1,3}[.)]\s)/;

const OPENING = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
  ['（', '）'],
  ['「', '」'],
  ['【', '】'],
]);
const CLOSING = new Set(OPENING.values());

const list = (words: string) => new Set(words.split(' '));

/** Abbreviations that a name or a number follows: their dot never ends a sentence. */
const BEFORE_NAMES = list(
  'mr mrs ms mx dr prof st messrs gen col capt lt sgt cmdr adm maj cpl rev hon sen rep gov pres mt ft sr. fr vs cf viz approx ca ' +
    'sra srta dra mme mlle bzw z.b d.h',
);
/** Those that a number follows: their dot does not end a sentence before a figure. */
const BEFORE_NUMBERS = list(
  'no nos nr núm fig figs vol vols pp p ch sec art eq ref jan feb mar apr jun jul aug sep sept oct nov dec tel ext ver v est',
);
/** Abbreviations that may end a sentence: a capital after them decides. */
const INNER = list(
  'etc inc ltd co corp bros jr sr ave blvd rd dept univ assn e.g i.e a.m p.m al ph.d b.a m.a min max oz lb lbs hr hrs',
);

/** What a letter stands behind that is no initial: "Vitamin C. It", "5 °C. It". */
const LETTERED =
  /(?:[\d°]\s?|(?:vitamin|plan|type|class|grade|group|section|part|hepatitis|option|team|letter) )\p{Lu}$/iu;

/** Words that lean on the next one: a pause after them would sound wrong. */
const LEANING = list(
  'a an the my your his her its our their this these those to of in on at by for with from into onto and or but nor so yet as if than ' +
    'that which who because when while is are was were be been am has have had do does did will would can could shall should may might ' +
    'must not no very i we you he she they it about over under between through',
);

const isSpace = (character: string) => character !== '' && character.trim() === '';

/** The word that ends at `end`, with dots and hyphens inside. */
const wordBefore = (text: string, end: number): string =>
  /[\p{L}\p{N}.'’-]{0,40}$/u.exec(text.slice(Math.max(0, end - 40), end))?.[0] ?? '';

/** Whether a dot at `dot` belongs to an abbreviation, an initial or a list number, given what comes after it. */
const isInnerDot = (text: string, dot: number, next: string): boolean => {
  const raw = wordBefore(text, dot);
  const word = raw.toLowerCase().replace(/^[.'’-]+/, '');
  if (BEFORE_NAMES.has(word)) return true;
  if (BEFORE_NUMBERS.has(word)) return /[\p{N}#]/u.test(next);
  const isUpper = /\p{Lu}/u.test(next);
  if (INNER.has(word)) return !isUpper;
  if (LETTERED.test(text.slice(Math.max(0, dot - 20), dot))) return !isUpper;
  // Initials: "J. Smith", "U.S. Army". "So do I." ends.
  if (/^(?:\p{L}\.){0,6}\p{L}$/u.test(word)) return raw !== 'I' && (/\p{Lu}$/u.test(raw) || !isUpper);
  if (/^\d{1,3}$/.test(word)) return /(?:^|\n)[^\S\n]*\d{1,3}$/.test(text.slice(Math.max(0, dot - 12), dot));
  return false;
};

/** What the end of the text that has come means: it goes on, it pauses (and may go on), it is the end. */
type End = 'open' | 'paused' | 'final';

/** "3.", "www.a." and "p." may go on as "3.50", "www.a.org" and "p.m.". */
const MAY_GO_ON =
  /\p{N}[.,:]$|(?:https?|ftp|wss?|file|mailto):$|(?:\/\/|www\.|@)\S{0,2000}$|(?<![\p{L}\p{N}])(?!I)\p{L}\.$/u;

interface Reading {
  readonly end: End;
  readonly heedBrackets: boolean;
  /** Whether the text begins a line. */
  readonly startsLine: boolean;
}

/** All cuts of the beginning of a text, in order. One at the very end needs the character after it, unless the text ends there. */
const findCuts = (text: string, { end: ending, heedBrackets, startsLine }: Reading): Cut[] => {
  const open = ending === 'open' || (ending === 'paused' && MAY_GO_ON.test(text));
  const cuts: Cut[] = [];
  const brackets: string[] = [];
  let code = false;
  let words = 0;
  let inWord = false;
  let tag = false;
  const source = startsLine ? text : ` ${text}`;
  const shift = source.length - text.length;

  const add = (at: number, kind: Cut['kind'], end: number) => {
    if (words === 0 || (heedBrackets && (brackets.length > 0 || tag || code))) return;
    if (at - shift <= 0) return;
    if (cuts.at(-1)?.at === at - shift) cuts.pop();
    cuts.push({
      at: at - shift,
      kind,
      words: Math.floor(words),
      leaning: LEANING.has(wordBefore(source, end).toLowerCase()),
    });
  };

  for (let i = 0; i < source.length;) {
    const character = String.fromCodePoint(source.codePointAt(i) ?? 0);
    const after = i + character.length;
    if (tag) {
      if (character === '>') tag = false;
      i = after;
      continue;
    }
    if (character === '<' && /[a-zA-Z/!]/.test(source.charAt(after))) {
      tag = true;
      i = after;
      continue;
    }
    if (character === '`') {
      const ticks = /^`+/.exec(source.slice(i))?.[0].length ?? 1;
      // Three begin a block, whose lines may be cut.
      if (ticks < 3) code = !code;
      i += ticks;
      continue;
    }
    const closing = OPENING.get(character);
    // ":(" is a face.
    if (closing !== undefined && !/[:;=]-?$/.test(source.slice(Math.max(0, i - 2), i))) brackets.push(closing);
    else if (CLOSING.has(character) && brackets.at(-1) === character) brackets.pop();

    if (UNSPACED_SCRIPT.test(character)) words += 0.5;
    else if (WORD_CHARACTER.test(character) && !inWord) words++;
    inWord = WORD_CHARACTER.test(character) || (inWord && !/[—–]/.test(character));

    const terminates = TERMINATORS.test(character);
    if (!terminates && !CLAUSE_MARKS.test(character) && !isSpace(character)) {
      i = after;
      continue;
    }

    // The marks and closing quotes and brackets that follow belong to this cut.
    let end = after;
    let mark = character;
    if (!isSpace(character)) {
      for (
        let next = source.charAt(end);
        next !== '' && (TERMINATORS.test(next) || CLOSERS.test(next) || CLOSING_TAG.test(source.slice(end, end + 80)));
        next = source.charAt(end)
      ) {
        const closingTag = CLOSING_TAG.exec(source.slice(end, end + 80))?.[0];
        if (closingTag !== undefined) {
          end += closingTag.length;
          continue;
        }
        if (CLOSING.has(next) && brackets.at(-1) === next) brackets.pop();
        if (next === '`') code = !code;
        mark += next;
        end++;
      }
    }
    let at = end;
    while (isSpace(source.charAt(at))) at++;
    const spaced = at > end || isSpace(character);
    const next = at < source.length ? String.fromCodePoint(source.codePointAt(at) ?? 0) : '';
    const known = next !== '' || !open;
    const gap = source.slice(isSpace(character) ? i : end, at);
    const newItem = gap.includes('\n') && (/\n[^\S\n]*\r?\n/.test(gap) || LINE_ITEM.test(source.slice(at, at + 6)));

    if (isSpace(character)) {
      const touchesNumber = /[\p{N}$€£]/u.test(source.charAt(i - 1)) || /[\p{N}%°]/u.test(next);
      if (newItem) add(at, 'sentence', i);
      else if (gap.includes('\n') && known) add(at, 'clause', i);
      else if (/^[-–—]$/.test(next)) {
        // A dash between spaces: the cut comes after it.
      } else if (known && !touchesNumber) add(at, 'word', i);
    } else if (known && (spaced || next === '' || UNSPACED.test(mark))) {
      const dots = /^[.…]+/.exec(mark)?.[0] ?? '';
      const isLower = /\p{Ll}/u.test(next);
      const inner = mark === '.' && isInnerDot(source, i, next);
      const betweenNumbers = /^[,:]$/.test(mark) && /\p{N}/u.test(source.charAt(i - 1)) && /\p{N}/u.test(next);
      if (newItem && !inner) add(at, 'sentence', i);
      else if (terminates && !inner && !(isLower && !UNSPACED.test(mark))) add(at, 'sentence', i);
      else if (terminates && !inner && (dots.length !== 1 || mark.length > 1)) add(at, 'clause', i);
      else if (!terminates && !betweenNumbers) add(at, 'clause', i);
    }
    if (spaced) inWord = false;
    i = at;
  }
  return cuts;
};

/** An address that has begun: cutting it would change what is read. */
const ADDRESS = /^\s*[^\s]{0,40}(?::\/\/|www\.|@)/;

/** Before a surrogate pair rather than inside it. */
const wholeCharacters = (text: string, at: number) =>
  /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at)) ? at - 1 : at;

/** Cuts one utterance's text into chunks. See `TextSplitter`. */
export const createTextSplitter = (options: TextSplitterOptions = {}): TextSplitter => {
  const { firstClauseWords = 3, firstWords = 8, maxLength = 200 } = options;
  let pending = '';
  let charStart = 0;
  let isFirst = true;
  let startsLine = true;
  /** Pauses since text came last. */
  let pauses = 0;

  /** Before a leaning word or two, if that leaves most of the chunk. */
  const restful = (cuts: readonly Cut[], cut: Cut): Cut => {
    const better = cuts.findLast(({ at, words, leaning }) => at <= cut.at && words >= cut.words - 3 && !leaning);
    return better !== undefined && better.words >= 3 ? better : cut;
  };

  const firstCut = (cuts: readonly Cut[], end: End): number | undefined => {
    const natural = cuts.find(
      ({ kind, words }) => kind === 'sentence' || (kind === 'clause' && words >= firstClauseWords),
    );
    if (natural !== undefined && natural.words <= FIRST_SENTENCE_WORDS && natural.at <= maxLength) return natural.at;
    const full = cuts.find(({ words }) => words >= firstWords);
    if (full !== undefined && full.at <= maxLength) return restful(cuts, full).at;
    return end === 'paused' ? cuts.findLast(({ at }) => at <= maxLength)?.at : undefined;
  };

  const overlongCut = (cuts: readonly Cut[]): number | undefined => {
    const fitting = cuts.filter(({ at }) => at <= maxLength);
    const clause = fitting.findLast(({ kind, at }) => kind !== 'word' && at >= maxLength / 4);
    const last = fitting.at(-1);
    return clause?.at ?? (last && restful(fitting, last).at);
  };

  const nextCut = (end: End): number | undefined => {
    if (pending === '') return undefined;
    const text = pending.slice(0, maxLength + 40);
    const whole = text.length === pending.length;
    // A second pause is no pause inside a number.
    const seen = !whole ? 'open' : end === 'paused' && pauses > 1 ? 'final' : end;
    const cuts = findCuts(text, { end: seen, heedBrackets: true, startsLine });
    const early = isFirst
      ? firstCut(cuts, end)
      : (cuts.find(({ kind, at }) => kind === 'sentence' && at <= maxLength)?.at ??
        (end === 'paused' ? cuts.findLast(({ kind, at }) => kind !== 'word' && at === pending.length)?.at : undefined));
    if (early !== undefined) return early;
    if (pending.length <= maxLength) return undefined;
    // A bracket or tag that goes on longer than a chunk is not one.
    const forced = overlongCut(cuts) ?? overlongCut(findCuts(text, { end: 'open', heedBrackets: false, startsLine }));
    if (forced !== undefined) return forced;
    if (ADDRESS.test(text)) {
      const end = pending.slice(0, MAX_UNBROKEN).search(/(?<=\S)\s/);
      if (end > 0) return end;
      if (pending.length < MAX_UNBROKEN) return undefined;
    }
    return wholeCharacters(pending, maxLength);
  };

  const take = (length: number): TextChunk => {
    const text = pending.slice(0, length);
    const chunk = { text, charStart };
    pending = pending.slice(length);
    charStart += length;
    isFirst &&= !WORD_CHARACTER.test(text);
    startsLine = /\n[^\S\n]*$/.test(text.slice(-20));
    return chunk;
  };

  const drain = (end: End): TextChunk[] => {
    pauses = end === 'paused' ? pauses + 1 : 0;
    const chunks: TextChunk[] = [];
    for (let cut = nextCut(end); cut !== undefined; cut = nextCut(end)) chunks.push(take(cut));
    if (end === 'final' && pending !== '') chunks.push(take(pending.length));
    return chunks;
  };

  return {
    push: (delta) => {
      pending += delta;
      return drain('open');
    },
    idle: () => drain('paused'),
    end: () => drain('final'),
  };
};
