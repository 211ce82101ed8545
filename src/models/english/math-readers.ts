/** Readers of formulas: powers, scientific notation, operators of code. */
import { fromSuperscript, pluralOf, readCardinal, readCode, readNumber } from './numbers.ts';
import { AMOUNT, ENDS, sticky } from './patterns.ts';
import { type Reader, reader, spellOut } from './reader.ts';

const OPERATORS: Readonly<Record<string, string>> = {
  '==': 'equals',
  '===': 'equals',
  '!=': 'does not equal',
  '!==': 'does not equal',
  '<=': 'is less than or equal to',
  '>=': 'is greater than or equal to',
  '&&': 'and',
  '||': 'or',
  '->': '',
  '=>': '',
  '++': 'plus plus',
};
const COMPARISONS: Readonly<Record<string, string>> = { '<': 'less than', '>': 'greater than' };

const readPower = (exponent: string): string[] => {
  if (exponent === '2') return ['squared'];
  if (exponent === '3') return ['cubed'];
  return ['to', 'the', 'power', 'of', ...readNumber(exponent)];
};

export const MATH_READERS: readonly Reader[] = [
  reader(
    sticky(String.raw`(?<number>\d{1,15}(?:\.\d{1,15})?)[eE](?<exponent>[-+]?\d{1,3})${ENDS}`),
    'number',
    ({ number = '', exponent = '' }) => [
      ...readNumber(number),
      'times',
      'ten',
      'to',
      'the',
      ...(exponent.startsWith('-') ? ['minus'] : []),
      ...readCardinal(exponent.replace(/^[-+]?0*(?=\d)/, '')),
    ],
  ),
  reader(sticky(String.raw`\^\{?(?<exponent>-?\d{1,4})\}?`), 'number', ({ exponent = '' }, { plain, at }) =>
    /[\p{L}\p{N})\]]/u.test(plain.charAt(at - 1)) ? readPower(exponent) : undefined,
  ),
  reader(/[⁻⁺]?[⁰¹²³⁴-⁹]{1,8}/uy, 'number', (_, { plain, at }) => {
    const exponent = fromSuperscript(/^[⁻⁺]?[⁰¹²³⁴-⁹]{1,8}/u.exec(plain.slice(at, at + 9))?.[0] ?? '');
    // After a word it is the number of a footnote.
    return /(?:^|[^\p{L}])\p{L}{1,2}$|[\p{N})]$/u.test(plain.slice(Math.max(0, at - 3), at)) ? readPower(exponent) : [];
  }),
  {
    pattern: sticky(String.raw`===?|!==?|<=|>=|&&|\|\||->|=>|\+\+`),
    read: ([sign], { previous, plain, at }) => {
      // "Stop!=" is no code: an operator has something on both sides.
      if (
        previous === undefined ||
        !/^ ?[\p{L}\p{N}"'(-]|^$/u.test(plain.slice(at + sign.length, at + sign.length + 2))
      ) {
        return { length: sign.length, kind: 'other', words: [] };
      }
      return { length: sign.length, kind: 'other', words: (OPERATORS[sign] ?? '').split(' ').filter(Boolean) };
    },
  },
  reader(sticky(String.raw`[<>](?= ?[-+$€£.]?\d)`), 'other', (_, { plain, at }) =>
    (COMPARISONS[plain.charAt(at)] ?? '').split(' '),
  ),
  {
    pattern: sticky(String.raw`[<>](?= [a-zA-Z]\b)`),
    read: ([sign], { previous, plain, at }) =>
      previous?.adjacent === true && /(?:^|[^\p{L}])\p{L} ?$/u.test(plain.slice(Math.max(0, at - 3), at))
        ? { length: 1, kind: 'other', words: (COMPARISONS[sign] ?? '').split(' ') }
        : undefined,
  },
  {
    pattern: sticky(String.raw`\/(?= \d)`),
    read: (_, { previous }) =>
      previous?.kind === 'number' && previous.adjacent
        ? { length: 1, kind: 'other', words: ['divided', 'by'] }
        : undefined,
  },
  // "4 x 6", "12' x 15'": the sides of something.
  {
    pattern: sticky(String.raw`[x×](?= \d)`),
    read: ([sign], { plain, at }) =>
      sign === 'x' && /\d['"]?\s$/.test(plain.slice(Math.max(0, at - 3), at))
        ? { length: 1, kind: 'other', words: ['by'] }
        : undefined,
  },
  reader(sticky(String.raw`(?<number>${AMOUNT})x${ENDS}`), 'other', ({ number = '' }, { plain, at }) => {
    const rest = plain.slice(at + number.length + 1, at + number.length + 12);
    const compares =
      /^ (?:faster|slower|more|less|better|worse|bigger|larger|smaller|cheaper|higher|lower|longer|the|as)\b/;
    return [...readNumber(number), ...(compares.test(rest) ? ['times'] : spellOut('x'))];
  }),
  reader(sticky(String.raw`(?<letter>[A-Z])\.(?<number>\d{3})${ENDS}`), 'word', ({ letter = '', number = '' }) => [
    ...spellOut(letter),
    ...readCode(number),
  ]),
  // "1's and 0's", "2024's".
  reader(sticky(String.raw`(?<number>\d{1,3})'s${ENDS}`), 'other', ({ number = '' }) => pluralOf(readCardinal(number))),
];
