/** Numbers in words, as American English reads them. All take digits as text, so that no precision is lost. */

const ONES = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen'
).split(' ');
const TENS = ' ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const SCALES = ['', 'thousand', 'million', 'billion', 'trillion'];
const IRREGULAR_ORDINALS: Readonly<Record<string, string>> = {
  one: 'first',
  two: 'second',
  three: 'third',
  five: 'fifth',
  eight: 'eighth',
  nine: 'ninth',
  twelve: 'twelfth',
};
/** Longer numbers are read digit by digit: nobody counts in quadrillions. */
const MAX_DIGITS = 15;

const belowHundred = (n: number): string[] => {
  if (n < 20) return [ONES[n] ?? ''];
  return n % 10 === 0 ? [TENS[n / 10] ?? ''] : [TENS[Math.floor(n / 10)] ?? '', ONES[n % 10] ?? ''];
};

const belowThousand = (n: number): string[] => {
  if (n < 100) return belowHundred(n);
  const rest = n % 100;
  return [ONES[Math.floor(n / 100)] ?? '', 'hundred', ...(rest === 0 ? [] : belowHundred(rest))];
};

/** Each digit on its own: "555" → five five five. */
export const readDigits = (digits: string): string[] => Array.from(digits, (digit) => ONES[Number(digit)] ?? '');

/** A whole number: "1204" → one thousand two hundred four. Leading zeros and very long numbers are read digit by digit. */
export const readCardinal = (digits: string): string[] => {
  if (digits.length > MAX_DIGITS || (digits.length > 1 && digits.startsWith('0'))) return readDigits(digits);
  let n = Number(digits);
  if (n === 0) return ['zero'];
  const words: string[] = [];
  for (let scale = 0; n > 0; scale++, n = Math.floor(n / 1000)) {
    const group = n % 1000;
    if (group > 0) words.unshift(...belowThousand(group), ...(scale === 0 ? [] : [SCALES[scale] ?? '']));
  }
  return words;
};

/** "21" → twenty first. */
export const readOrdinal = (digits: string): string[] => {
  const words = readCardinal(digits.replace(/^0+(?=\d)/, ''));
  const last = words.pop() ?? '';
  const ordinal = IRREGULAR_ORDINALS[last] ?? (last.endsWith('y') ? `${last.slice(0, -1)}ieth` : `${last}th`);
  return [...words, ordinal];
};

/** A year of four digits: "1984" → nineteen eighty four, "2005" → two thousand five, "1905" → nineteen oh five. */
export const readYear = (digits: string): string[] => {
  const [century, rest] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  if (digits.length !== 4 || century < 10 || (century % 10 === 0 && rest < 10)) return readCardinal(digits);
  if (rest === 0) return [...belowHundred(century), 'hundred'];
  return [...belowHundred(century), ...(rest < 10 ? ['oh'] : []), ...belowHundred(rest)];
};

/** Makes the last word plural: "1980" → nineteen eighties. */
export const pluralOf = (words: readonly string[]): string[] => {
  const last = words.at(-1) ?? '';
  const plural = last.endsWith('y') ? `${last.slice(0, -1)}ies` : last.endsWith('x') ? `${last}es` : `${last}s`;
  return [...words.slice(0, -1), plural];
};

/** A number as written: sign, thousands separators, decimals. "-1,204.50" → minus one thousand two hundred four point five zero. */
export const readNumber = (number: string): string[] => {
  const [, sign = '', whole = '', fraction] = /^([-+]?)([\d,]*)(?:\.(\d+))?$/.exec(number) ?? [];
  const digits = whole.replaceAll(',', '');
  return [
    ...(sign === '-' ? ['minus'] : sign === '+' ? ['plus'] : []),
    ...(digits === '' ? [] : readCardinal(digits)),
    ...(fraction === undefined ? [] : ['point', ...readDigits(fraction)]),
  ];
};

/** Figures that name something: three as one and two, four as two and two. "737" → seven thirty seven. */
export const readCode = (digits: string): string[] => {
  if (digits.length > 4) return readDigits(digits);
  if (digits.startsWith('0') || digits.endsWith('00')) return readCardinal(digits);
  if (digits.length === 4) return readYear(digits);
  if (digits.length < 3) return readCardinal(digits);
  const [hundreds = '', tens = '', ones = ''] = digits;
  return [...readCardinal(hundreds), ...(tens === '0' ? ['oh', ...readCardinal(ones)] : readCardinal(tens + ones))];
};

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** Raised figures as plain ones: "⁻¹²" → "-12". */
export const fromSuperscript = (raised: string): string =>
  Array.from(raised, (character) => {
    if (character === '⁻') return '-';
    return character === '⁺' ? '' : String(SUPERSCRIPTS.indexOf(character));
  }).join('');
