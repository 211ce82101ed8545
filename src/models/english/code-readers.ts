/** Readers of figures that name something and are not counted: telephone and card numbers, rooms, routes. */
import { readCardinal, readCode, readDigits } from './numbers.ts';
import { ENDS, sticky } from './patterns.ts';
import { type Place, type Reader, reader, spellOut } from './reader.ts';

/** What is numbered, so that its figures are a name. */
const NAMED = new Set(
  'route highway interstate flight room boeing airbus bus channel apartment apt suite unit gate flat seat platform line model form area'.split(
    ' ',
  ),
);
/** What has a figure and a letter. */
const LETTERED = new Set(
  'apartment apt suite unit gate flat seat platform room row section block building page figure exhibit line house number no grade year class at'.split(
    ' ',
  ),
);
const CALLED = new Set([
  'call',
  'dial',
  'text',
  'ring',
  'phone',
  'called',
  'dialed',
  'zip',
  'extension',
  'code',
  'pin',
]);

const previousWord = ({ previous }: Place): string =>
  previous?.adjacent === true ? previous.text.toLowerCase().replace(/\.$/, '') : '';

export const CODE_READERS: readonly Reader[] = [
  // Cards in fours, social security numbers, ISBNs.
  reader(
    sticky(String.raw`(?<number>\d{4}(?:[ -]\d{4}){3}|\d{3}-\d\d-\d{4}|97[89]-\d[\d-]{8,12}\d)${ENDS}(?!-)`),
    'other',
    ({ number = '' }) => readDigits(number.replaceAll(/\D/g, '')),
  ),
  reader(sticky(String.raw`1-(?<area>\d{3})-(?<name>[A-Z]{3,8})${ENDS}`), 'other', ({ area = '', name = '' }) => [
    'one',
    ...readCardinal(area),
    name.toLowerCase(),
  ]),
  // Ten figures and more without commas are no count.
  reader(sticky(String.raw`(?<number>\d{10,40})${ENDS}(?![.,]\d)`), 'number', ({ number = '' }) => readDigits(number)),
  reader(
    sticky(
      String.raw`(?<number>\d{1,3}(?: \d{3}){2,4}|\d{1,3} 000|\d{1,3}(?:'\d{3}){1,4}|\d{1,3}(?:\.\d{3}){2})${ENDS}(?![.,]\d)`,
    ),
    'number',
    ({ number = '' }) => readCardinal(number.replaceAll(/\D/g, '')),
  ),
  {
    pattern: sticky(String.raw`(?<number>\d{2,6})${ENDS}(?![-.,:/–]\d|%| ?(?:percent|million|billion|thousand)\b)`),
    read: ([number], place) => {
      const word = previousWord(place);
      if (CALLED.has(word)) return { length: number.length, kind: 'number', words: readDigits(number) };
      if (!NAMED.has(word) || number.length > 4) return undefined;
      return { length: number.length, kind: 'number', words: readCode(number) };
    },
  },
  {
    // "Room 12A", "221B Baker Street".
    pattern: sticky(String.raw`(?<number>\d{1,4})(?<letter>[A-Z])${ENDS}`),
    read: (match, place) => {
      const { number = '', letter = '' } = match.groups ?? {};
      const { length } = match[0];
      const word = previousWord(place);
      const named = /^ [A-Z][a-z]/.test(place.plain.slice(place.at + length, place.at + length + 3));
      if (
        !(LETTERED.has(word) && (word !== 'at' || named)) &&
        !(number.length === 3 && /[A-H]/.test(letter) && named)
      ) {
        return undefined;
      }
      return { length, kind: 'other', words: [...readCode(number), ...spellOut(letter)] };
    },
  },
  // "401(k)"
  reader(sticky(String.raw`(?<number>\d{3})\((?<letter>[a-z])\)`), 'other', ({ number = '', letter = '' }) => [
    ...readCode(number),
    ...spellOut(letter),
  ]),
];
