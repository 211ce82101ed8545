/** Words that are not plain lower-case words: acronyms, camelCase, product names, letters with figures. */
import { readCode } from './numbers.ts';
import { isKnown } from './pronounce.ts';
import { spellOut } from './reader.ts';

/** Read as letters although the dictionary has a word of the same spelling. */
const SPELLED = new Set(
  'us it id ip api ceo ai ir ar vr pr hr pc tv cd dvd uk eu un la ny dc gi gp er ad bc am pm os ui ux io cia fbi usa ceo cto faq'.split(
    ' ',
  ),
);
/** Capital words that are said as words though no dictionary has them. */
const SAID = new Set('nasa nato unesco unicef opec gif jpeg json covid lidar ram laser yaml rest crud'.split(' '));
const MAX_SPELLED = 5;

/** Whether English could say it: a vowel, and no pile of consonants at either end. */
const isSayable = (word: string) =>
  /[aeiouy]/.test(word) &&
  !/^[^aeiouy]{4}|[^aeiouy]{5}$|[^aeiouy]{5}/.test(word) &&
  !/^(?:[^aeiouylr][^aeiouylrhwmntk])/.test(word);

/**
 * A word in capital letters: spelled, or said when it is a word.
 * @param shouted the words about it are in capitals too, so that these say nothing
 */
export const readCapitals = (word: string, shouted = false): string[] => {
  const lower = word.toLowerCase();
  if (lower.length === 1) return spellOut(lower);
  if (SAID.has(lower)) return [lower];
  if (SPELLED.has(lower) && !shouted) return spellOut(lower);
  if (isKnown(lower)) return [lower];
  if (lower.length <= MAX_SPELLED ? !shouted || !isSayable(lower) : !isSayable(lower)) return spellOut(lower);
  return [lower];
};

const PIECES = /\d+|\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+(?:'\p{L}+)?|\p{L}/gu;

/** One piece of letters of one case pattern. */
const readPiece = (piece: string): string[] => {
  const lower = piece.toLowerCase();
  if (/^\d/.test(piece)) return readCode(piece);
  if (piece.length === 1) return spellOut(lower);
  if (piece === piece.toUpperCase()) return readCapitals(piece);
  if (piece.length <= MAX_SPELLED && !isKnown(lower) && !isSayable(lower)) return spellOut(lower);
  return [lower];
};

/** A word of mixed case or with figures, cut where its pieces meet: "iPhone15" → i. phone fifteen. */
export const readMixed = (word: string): string[] => {
  const lower = word.toLowerCase();
  if (word === lower && /^[a-z]+$/.test(word)) return readPiece(word);
  const plural = /^(\p{Lu}{2,})'?s$/u.exec(word)?.[1];
  if (plural !== undefined) {
    const letters = readCapitals(plural);
    return [...letters.slice(0, -1), `${letters.at(-1)}'s`];
  }
  if (word !== word.toUpperCase() && isKnown(lower.replace(/'s?$/, ''))) return [lower];
  // "CO2" is no company.
  const isFormula = /\d/.test(word);
  return (word.match(PIECES) ?? []).flatMap((piece) =>
    isFormula && /^[A-Z]{1,3}$/.test(piece) ? spellOut(piece) : readPiece(piece),
  );
};
