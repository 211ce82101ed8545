/** Roman numerals after names: "Henry VIII", "Part IV", "Super Bowl LVIII". */
import { readCardinal, readOrdinal } from './numbers.ts';
import type { Place } from './reader.ts';

const SMALL = /^X{0,3}(?:IX|IV|V?I{0,3})$/;
const ANY = /^M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})$/;
const VALUES: Readonly<Record<string, number>> = { I: 1, V: 5, X: 10, L: 50, C: 100, D: 500, M: 1000 };

const valueOf = (numeral: string): number => {
  let sum = 0;
  for (let i = 0; i < numeral.length; i++) {
    const value = VALUES[numeral.charAt(i)] ?? 0;
    sum += value < (VALUES[numeral.charAt(i + 1)] ?? 0) ? -value : value;
  }
  return sum;
};

/** Names of which there was more than one on a throne. */
const RULERS = new Set(
  (
    'henry louis elizabeth george charles edward james william richard napoleon john paul pius benedict philip francis frederick ' +
    'catherine mary nicholas alexander peter leo gregory innocent clement urban ivan ferdinand otto ramses ptolemy darius xerxes ' +
    'christian gustav carl haakon harald olaf sixtus julius boniface victoria joseph leopold albert umberto wilhelm maximilian ' +
    'margrethe beatrix juan felipe alfonso pedro thutmose amenhotep cleopatra constantine theodosius justinian'
  ).split(' '),
);
/** Nouns that are numbered in roman figures. */
const NUMBERED = new Set(
  (
    'war chapter part type volume act scene phase section class stage level mark book title grade appendix figure table schedule ' +
    'article bowl page pages psalm canto amendment factor olympiad'
  ).split(' '),
);

/** Whether "I" is a number here: "World War I", "Elizabeth I of England", and not "in that part I think". */
const isFirst = (name: string, { plain, at }: Place): boolean => {
  if (!/^[A-Z]/.test(name)) return false;
  const rest = plain.slice(at + 1, at + 8);
  return name === 'War' || /^(?:$|[.,;:)?!\n]|'s| of | and | was )/.test(rest);
};

/** A numeral in words, after the word that it numbers; undefined for a word that is none. */
export const readRoman = (word: string, place: Place): string[] | undefined => {
  const [, letters = '', owner = ''] = /^([A-Z]{1,15}|[ivx]{2,8})('s)?$/.exec(word) ?? [];
  const { previous, plain, at } = place;
  if (letters === '') return undefined;
  const numeral = letters.toUpperCase();
  const value = String(valueOf(numeral));
  const owned = (words: string[]) => [...words.slice(0, -1), (words.at(-1) ?? '') + owner];
  if (
    ANY.test(numeral) &&
    letters.length > 1 &&
    /^ (?:century|dynasty)\b/i.test(plain.slice(at + word.length, at + word.length + 9))
  ) {
    return readOrdinal(value);
  }
  if (previous === undefined || !previous.adjacent) return undefined;
  const name = previous.text.toLowerCase();
  if (numeral === 'I' && !isFirst(previous.text, place)) return undefined;
  if (NUMBERED.has(name) && ANY.test(numeral)) return owned(readCardinal(value));
  if (letters !== numeral || !SMALL.test(numeral)) return undefined;
  if (RULERS.has(name)) return owned(['the', ...readOrdinal(value)]);
  if (numeral.length > 1 && /^[A-Z][a-z]+$/.test(previous.text)) return owned(readCardinal(value));
  return undefined;
};
