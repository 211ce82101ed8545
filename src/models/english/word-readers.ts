/** Readers of words, abbreviations, roman numerals and symbols, and of what has no sound. */
import { AMBIGUOUS_DOTTED, DOTTED, INITIALISMS, MONTH_NAMES, SYMBOLS, TITLES } from './lexicon.ts';
import { readCapitals, readMixed } from './mixed-word.ts';
import { unitReader } from './quantity-readers.ts';
import { ENDS, sticky } from './patterns.ts';
import { isKnown } from './pronounce.ts';
import { type Place, type Reader, reader, spellOut } from './reader.ts';
import { readRoman } from './roman.ts';

/** No word is longer; what is goes piece by piece. */
const WORD = String.raw`[A-Za-z]{1,60}(?:'[A-Za-z]{1,20}){0,3}`;

/** Whether the nearest words are in capitals too: somebody shouts, and capitals do not make an acronym. */
const isShouted = ({ plain, at }: Place, length: number): boolean => {
  const before = /([A-Za-z']{2,30})[\s,.!?;:"()]{1,5}$/.exec(plain.slice(Math.max(0, at - 36), at))?.[1];
  const after = /^[\s,.!?;:"()]{1,5}([A-Za-z']{2,30})/.exec(plain.slice(at + length, at + length + 36))?.[1];
  const around = [before, after].filter((word) => word !== undefined);
  return around.length > 0 && around.every((word) => word === word.toUpperCase());
};

/** Two letters that are words in capitals too, before a number: "IN 1984". Others are codes: "BA 2490". */
const SHORT_WORDS = new Set('in on at to of or is by no as my we he if do go so up an am us it be me'.split(' '));

/** "Sooooo" is "so", "whaaat" is "what": the word that is drawn out, if there is one. */
const undrawn = (word: string): string | undefined => {
  if (!/([a-z])\1{2}/.test(word)) return undefined;
  const kept = /o{3}$/.test(word) ? ['$1', '$1$1'] : ['$1$1', '$1'];
  return kept.map((letters) => word.replaceAll(/([a-z])\1{2,}/g, letters)).find(isKnown);
};

const startsSentence = (place: Place) => place.previous === undefined || place.previous.ended;

/** What is told apart by letters. */
const LETTERED = new Set(
  'plan gate vitamin type option team group grade class section block row seat hepatitis exhibit appendix part point letter'.split(
    ' ',
  ),
);

/** Whether a capital A is no letter: of "Plan A failed", "B A D", "A B C" and the answer "A." it is one. */
const isArticle = (place: Place): boolean => {
  const { plain, at, previous } = place;
  const after = plain.slice(at + 1, at + 5);
  if (startsSentence(place)) return /^\s(?![A-Z](?:[\s,?!]|\.(?![A-Za-z])|$))/.test(after);
  if (previous?.adjacent === true && (/^[A-Z]$/.test(previous.text) || LETTERED.has(previous.text.toLowerCase()))) {
    return false;
  }
  return /^ [a-z]/.test(after);
};

const readWord = (word: string, place: Place): string[] => {
  const lower = word.toLowerCase();
  const { previous } = place;
  if (previous?.kind === 'number' && previous.adjacent) {
    if (/^[AP]M$/i.test(word)) return spellOut(word);
  }
  if (word === 'A') return isArticle(place) ? ['a'] : ['a.'];
  const numeral = readRoman(word, place);
  if (numeral !== undefined) return numeral;
  if (lower === 'a' || lower === 'i') return lower === 'a' ? ['a'] : ['i.'];
  if (word.length === 1) return spellOut(word);
  if (word === lower && (isKnown(lower) || word.includes("'"))) return [lower];
  const shortened = isKnown(lower) ? undefined : undrawn(lower);
  if (shortened !== undefined) return [shortened];
  if (
    /^[A-Z]{2}$/.test(word) &&
    !SHORT_WORDS.has(lower) &&
    /^ \d{2}/.test(place.plain.slice(place.at + 2, place.at + 5))
  ) {
    return spellOut(word);
  }
  const possessive = /^([A-Z]{2,})'(?:S|s)$/.exec(word)?.[1];
  if (word === word.toUpperCase() && possessive === undefined) return readCapitals(word, isShouted(place, word.length));
  if (/^[A-Z]?[a-z]*(?:'[a-z]+)+$/.test(word)) return [lower];
  if (/^[A-Z]?[a-z']+$/.test(word)) {
    if (MONTH_NAMES.has(lower) && word !== lower && !isKnown(lower)) return [MONTH_NAMES.get(lower) ?? lower];
    return readMixed(lower.includes("'") ? word : lower);
  }
  return readMixed(word);
};

/** Whether the text goes on in the same sentence after an abbreviation's dot. */
const endsSentence = (abbreviation: string, { plain, at }: Place, length: number): boolean => {
  const rest = plain.slice(at + length, at + length + 40);
  if (/^["')\]*_]{0,5}(?:\s*$|\s*\n)/.test(rest)) return at + length + 40 > plain.length || rest.includes('\n');
  return !TITLES.has(abbreviation) && /^["')\]]{0,5}\s{1,5}["'([]{0,3}[A-Z]/.test(rest);
};

const streets = /[A-Z][a-z]+ $|\d(?:st|nd|rd|th) $/;

const readDotted = (abbreviation: string, place: Place): string[] | undefined => {
  const lower = abbreviation.toLowerCase();
  const { plain, at, previous } = place;
  const after = plain.slice(at + abbreviation.length + 1, at + abbreviation.length + 4);
  if (AMBIGUOUS_DOTTED.has(lower)) {
    const isNumbered = /^ ?\d/.test(after);
    const isName = TITLES.has(lower) && abbreviation !== lower && /^ [A-Z]/.test(after);
    if (
      lower === 'no' || lower === 'fig' || lower === 'ch'
        ? !isNumbered
        : !isNumbered && !isName && previous?.kind !== 'number'
    ) {
      if (!(lower === 'co' || lower === 'al') || !/^[,\s]|^$/.test(after)) return undefined;
      if (lower === 'co' && abbreviation === lower) return undefined;
    }
  }
  if (
    (lower === 'st' || lower === 'dr') &&
    streets.test(plain.slice(Math.max(0, at - 24), at)) &&
    !/^ [A-Z]/.test(after)
  ) {
    return [lower === 'st' ? 'street' : 'drive'];
  }
  return DOTTED.get(lower)?.split(' ');
};

/** Initials that may end a sentence as well as stand before a noun. */
const PLACES = new Set(
  'u.s. u.k. u.s.a. d.c. l.a. e.u. u.n. u.s.s.r. a.m. p.m. b.c. a.d. b.c.e. o.k. r.i.p. t.v. p.o.'.split(' '),
);
/** Short forms with a slash, and names with signs. */
const SIGNED: Readonly<Record<string, string>> = {
  'w/o': 'without',
  'w/': 'with',
  'b/c': 'because',
  'c/o': 'care of',
  'n/a': 'n. a.',
  'C++': 'c. plus plus',
  'C#': 'c. sharp',
  'F#': 'f. sharp',
  '.NET': 'dot net',
  'ASP.NET': 'a. s. p. dot net',
  'Wi-Fi': 'wifi',
  'wi-fi': 'wifi',
};

export const WORD_READERS: readonly Reader[] = [
  reader(sticky(String.raw`c\. ?(?=\d{3,4}${ENDS})`), 'other', () => ['circa']),
  reader(
    sticky(String.raw`w/o?|[bc]/[co]|n/a|C\+\+|[CF]#|(?:ASP)?\.NET|[Ww]i-[Ff]i${ENDS}`),
    'word',
    (_, { plain, at }) => {
      const [signed = ''] =
        /^(?:w\/o?|[bc]\/[co]|n\/a|C\+\+|[CF]#|(?:ASP)?\.NET|[Ww]i-[Ff]i)/.exec(plain.slice(at, at + 8)) ?? [];
      return /[\p{L}\p{N}]/u.test(plain.charAt(at + signed.length)) && signed !== 'w/'
        ? undefined
        : SIGNED[signed]?.split(' ');
    },
  ),
  reader(sticky(String.raw`(?<left>[A-Z]{1,3})&(?<right>[A-Z]{1,3})${ENDS}`), 'word', ({ left = '', right = '' }) => [
    ...spellOut(left),
    'and',
    ...spellOut(right),
  ]),
  unitReader,
  {
    pattern: sticky(String.raw`(?:[A-Za-z]\.){2,12}|[Pp]h\.[Dd]\.|[BM]\.Sc\.`),
    read: ([text], place) => {
      const known = INITIALISMS.get(text.toLowerCase());
      // "e.g.x" or the end of "U.S.Army": the last letter belongs to what follows.
      if (/[A-Za-z]/.test(place.plain.charAt(place.at + text.length)) && known === undefined) return undefined;
      // "J.R.R. Tolkien" is one name.
      const isName = known === undefined && !PLACES.has(text.toLowerCase());
      const goesOn = isName ? 'mr' : known === undefined || /^[ap]/i.test(text) ? '' : 'mr';
      const dotted = endsSentence(goesOn, place, text.length);
      return { length: text.length, kind: 'word', words: known?.split(' ') ?? spellOut(text), dotted };
    },
  },
  {
    pattern: sticky(String.raw`(?<abbreviation>[A-Za-z]{2,8})\.(?![\p{L}\p{N}])`),
    read: (match, place) => {
      const abbreviation = match.groups?.['abbreviation'] ?? '';
      if (place.plain.charAt(place.at + match[0].length) === '.') return undefined;
      const spoken = readDotted(abbreviation, place);
      if (spoken === undefined) return undefined;
      const { length } = match[0];
      return { length, kind: 'word', words: spoken, dotted: endsSentence(abbreviation.toLowerCase(), place, length) };
    },
  },
  {
    // An initial: "J. Smith".
    pattern: /(?<letter>[A-Z])\.(?= (?:[A-Z]\. ?){0,3}[A-Z][a-z])/uy,
    read: (match, place) =>
      match.groups?.['letter'] === 'I' && !/[A-Z][a-z]+ $/.test(place.plain.slice(Math.max(0, place.at - 20), place.at))
        ? undefined
        : { length: 2, kind: 'word', words: spellOut(match[0]) },
  },
  reader(
    sticky(
      String.raw`(?:[A-Za-z]{1,20}\d{1,10}|\d{1,10}[A-Za-z]{1,20})(?:[A-Za-z]{1,20}|\d{1,10}|-\d{1,10}){0,6}${ENDS}`,
    ),
    'other',
    (_, place) =>
      readMixed(
        /^[A-Za-z\d-]{1,200}/.exec(place.plain.slice(place.at, place.at + 200))?.[0].replace(/-(?!\d).*$/, '') ?? '',
      ),
  ),
  {
    pattern: sticky(String.raw`'?${WORD}(?:_{1,3}${WORD}){0,10}'?(?![\p{M}])`),
    read: ([text], place) => {
      const [, opening = '', core = '', closing = ''] = /^('?)(.*?)('?)$/.exec(text) ?? [];
      const contracted = opening + core;
      if (opening !== '' && isKnown(contracted.toLowerCase())) {
        return { length: contracted.length, kind: 'word', words: [contracted.toLowerCase()] };
      }
      if (opening !== '') return undefined;
      const lower = core.toLowerCase();
      const isOwner =
        closing !== '' &&
        /(?:s|in)$/.test(lower) &&
        !/(?:^|[\s(])'[^']{0,60}$/.test(place.plain.slice(Math.max(0, place.at - 60), place.at));
      const length = core.length + (isOwner ? 1 : 0);
      if (isOwner && lower.endsWith('in') && !isKnown(lower)) return { length, kind: 'word', words: [`${lower}'`] };
      return {
        length,
        kind: 'word',
        words: core.includes('_') ? core.split(/_+/).flatMap(readMixed) : readWord(core, place),
      };
    },
  },
  reader(/[²³&=%+×÷±≈≤≥≠→°π∞√∑µ§<>~$€£@*]/uy, 'other', (_, { plain, at, previous }) => {
    const symbol = plain.charAt(at);
    const spoken = SYMBOLS.get(symbol)?.split(' ');
    const after = plain.slice(at + 1, at + 3);
    const isOperand = /^ ?[\p{N}\p{L}(]/u.test(after) && previous !== undefined && previous.adjacent;
    if (symbol === '²' || symbol === '³') return /[\p{L}\p{N})]/u.test(plain.charAt(at - 1)) ? spoken : [];
    if (symbol === '&' || symbol === '@') return previous === undefined && after === '' ? [] : spoken;
    if (symbol === '%' || symbol === '°') return previous?.kind === 'number' ? spoken : [];
    if (symbol === '~') return /^\d/.test(after) && !/[\p{L}\p{N}]/u.test(plain.charAt(at - 1)) ? spoken : [];
    if (symbol === '$' || symbol === '€' || symbol === '£') return previous?.kind === 'number' ? spoken : [];
    if (/[*<>]/.test(symbol)) return isOperand && previous.kind === 'number' && /^ ?\d/.test(after) ? spoken : [];
    if (/[+=→]/.test(symbol)) return isOperand ? spoken : [];
    return spoken;
  }),
  // What this voice cannot say: other scripts by the word, emoji and stray signs.
  reader(/[\p{L}\p{M}]{1,200}/uy, 'other', () => []),
  reader(/[^\s\p{P}\p{L}\p{N}]{1,50}|(?!\d)\p{N}/uy, 'other', () => []),
];
