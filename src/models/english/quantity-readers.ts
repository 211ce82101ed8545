/** Readers of counts and measures, and of figures that name something: telephone numbers, versions, fractions, ratios. */
import { looksLikeYear, readDay } from './date-readers.ts';
import { SCALES, UNITS } from './lexicon.ts';
import { pluralOf, readCardinal, readCode, readDigits, readNumber, readOrdinal, readYear } from './numbers.ts';
import { AMOUNT, DASH, ENDS, sticky } from './patterns.ts';
import { type Place, type Reader, type Reading, reader } from './reader.ts';

const UNIT = String.raw`(?:[a-zA-Zµ]{1,4}/[a-z]|[%‰Ω]|°[CF]?|[a-zA-ZµΩ]{1,5}[²³23]?)${ENDS}`;
const ATTACHED_UNIT = sticky(UNIT);
const SPACED_UNIT = sticky(` ${UNIT}`);
/** After a number these are thousands and billions before they are kelvins and bits. */
const RATHER_SCALE = new Set(['K', 'b', 'B', 'M', 'T']);
const TELEPHONE = String.raw`\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,6}|(?:1[-. ])?\(\d{3}\) ?\d{3}[-. ]\d{4}|(?:1[-. ])?\d{3}[-. ]\d{3}[-. ]\d{4}|\d{3}-\d{4}`;
const MIN_TELEPHONE_DIGITS = 7;

const interleave = (parts: readonly (readonly string[])[], between: string): string[] =>
  parts.flatMap((part, i) => (i > 0 ? [between].concat(part) : part));

const readUnit = (unit: string, number: string): string[] | undefined => {
  const [one, many] = UNITS.get(unit)?.split('|') ?? [];
  if (one === undefined) return undefined;
  if (/^[-+]?1$/.test(number)) return one.split(' ');
  return many?.split(' ') ?? pluralOf(one.split(' '));
};

const readFraction = (over: string, under: string): string[] => {
  if (over === under) return [...readCardinal(over), ...readCardinal(under)];
  if (under.length > 2 || over.length > 2 || Number(under) < 2) {
    return interleave([readCardinal(over), readCardinal(under)], 'over');
  }
  const part = under === '2' ? ['half'] : under === '4' ? ['quarter'] : readOrdinal(under);
  if (over === '1') return ['one', ...part];
  return [...readCardinal(over), ...(under === '2' ? ['halves'] : pluralOf(part))];
};

const readCount = (number: string, place: Place): string[] =>
  looksLikeYear(number, place) ? readYear(number) : readNumber(number);

/** A number or a range of numbers, with its sign and an attached unit or scale. */
const readQuantity = (match: RegExpExecArray, place: Place): Reading | undefined => {
  const { sign = '', number = '', until } = match.groups ?? {};
  const { plain, at } = place;
  const isRange = until !== undefined && !/^[-–—,]\d/.test(plain.slice(at + match[0].length));
  const last = isRange ? until : number;
  const length = isRange ? match[0].length : sign.length + number.length;
  // "A-5" has a hyphen, not a minus.
  const isSigned = sign !== '' && !/[\p{L}\p{N})]/u.test(plain.charAt(at - 1));
  const signs = !isSigned ? [] : sign === '-' ? ['minus'] : ['plus'];

  const read = (readOne: (digits: string) => string[]) => [
    ...signs,
    ...(isRange ? interleave([readOne(number), readOne(last)], 'to') : readOne(number)),
  ];

  ATTACHED_UNIT.lastIndex = at + length;
  const unit = ATTACHED_UNIT.exec(plain)?.[0];
  if (unit !== undefined) {
    const scale = unit === 'K' ? ['k.'] : SCALES.get(unit)?.split(' ');
    const measure = readUnit(unit, isSigned ? sign + last : last);
    const spoken = RATHER_SCALE.has(unit) ? scale : (measure ?? scale);
    return spoken && { length: length + unit.length, kind: 'other', words: [...read(readNumber), ...spoken] };
  }
  // "12ab" is a code; "3.5z" can only be a number.
  if (/\p{L}/u.test(plain.charAt(at + length)) && /^\d+$/.test(number)) return undefined;

  SPACED_UNIT.lastIndex = at + length;
  const spacedUnit = SPACED_UNIT.exec(plain)?.[0].trim();
  if (spacedUnit !== undefined && UNITS.has(spacedUnit) && spacedUnit !== 'in') {
    return { length, kind: 'number', words: read(readNumber) };
  }
  const day = isSigned ? undefined : readDay(number, place);
  if (day !== undefined) {
    return { length, kind: 'number', words: isRange ? interleave([day, readOrdinal(last)], 'to') : day };
  }
  return { length, kind: 'number', words: read((count) => readCount(count, place)) };
};

/** A unit that stands apart from its number: "5 km". */
export const unitReader: Reader = {
  pattern: sticky(String.raw`(?:sq|cu)\.? ?(?:ft|in|yd|mi|km|cm|m)${ENDS}|${UNIT}`),
  read: ([unit], { previous, plain, at }) => {
    if (previous?.kind !== 'number' || !previous.adjacent) return undefined;
    if (unit === 'in') {
      // "10 in" is a measure only where no place or time can follow.
      const rest = plain.slice(at + 2, at + 10);
      if (!/^(?:\s*$|[,;)]|\.(?:\s|$)| (?:long|wide|tall|high|deep|thick|by|x)\b)/.test(rest)) return undefined;
    }
    const [, power, measured = ''] = /^(sq|cu)\.? ?(ft|in|yd|mi|km|cm|m)$/.exec(unit) ?? [];
    if (power !== undefined) {
      const words = readUnit(measured, '2') ?? [];
      return { length: unit.length, kind: 'other', words: [power === 'sq' ? 'square' : 'cubic', ...words] };
    }
    const words = readUnit(unit, /[-+]?[\d.,]{1,40}$/.exec(previous.text)?.[0] ?? '');
    return words && { length: unit.length, kind: 'other', words };
  },
};

export const QUANTITY_READERS: readonly Reader[] = [
  reader(sticky(String.raw`(?<digits>\d{41,200})`), 'other', ({ digits = '' }) => readDigits(digits)),
  reader(sticky(String.raw`(?<number>${TELEPHONE})${ENDS}(?![-,]\d)`), 'other', ({ number = '' }) => {
    const digits = number.replaceAll(/\D/g, '');
    if (digits.length < MIN_TELEPHONE_DIGITS) return undefined;
    return [...(number.startsWith('+') ? ['plus'] : []), ...readDigits(digits)];
  }),
  reader(sticky(String.raw`(?<number>\d{1,9})(?:st|nd|rd|th|ST|ND|RD|TH)${ENDS}`), 'number', ({ number = '' }) =>
    readOrdinal(number),
  ),
  // "5'10\"": a height.
  reader(
    sticky(String.raw`(?<feet>\d{1,2})'\s?(?<inches>\d{1,2})(?:"|'')?${ENDS}`),
    'other',
    ({ feet = '', inches = '' }) => [...readCardinal(feet), 'foot', ...readCardinal(inches)],
  ),
  reader(sticky(`24/7${ENDS}`), 'other', () => ['twenty', 'four', 'seven']),
  reader(
    sticky(String.raw`(?<over>\d{1,4})/(?<under>\d{1,4})${ENDS}(?!/)`),
    'number',
    ({ over = '', under = '' }, { previous }) => {
      const fraction = readFraction(over, under);
      if (previous?.kind !== 'number' || !previous.adjacent) return fraction;
      return over === '1' ? ['and', 'a', ...fraction.slice(1)] : ['and', ...fraction];
    },
  ),
  reader(sticky(String.raw`[vV]?(?<version>\d{1,9}(?:\.\d{1,9}){2,6})${ENDS}(?!\.\d)`), 'number', ({ version = '' }) =>
    interleave(version.split('.').map(readNumber), 'point'),
  ),
  reader(sticky(String.raw`[vV](?<version>\d{1,9}(?:\.\d{1,9})?)${ENDS}`), 'number', ({ version = '' }) => [
    'version',
    ...readNumber(version),
  ]),
  reader(sticky(String.raw`(?<sides>\d{1,5}(?:[x×]\d{1,5}){1,2})${ENDS}`), 'number', ({ sides = '' }) =>
    interleave(sides.split(/[x×]/).map(readCode), 'by'),
  ),
  reader(sticky(String.raw`(?<ratio>\d{1,3}:\d{1,3})${ENDS}`), 'number', ({ ratio = '' }) =>
    interleave(ratio.split(':').map(readCardinal), 'to'),
  ),
  {
    pattern: sticky(
      String.raw`(?<sign>[-+]?)(?<number>${AMOUNT}|\.\d{1,20})(?:(?:${DASH}| – )(?<until>${AMOUNT}))?(?!\d)`,
    ),
    read: readQuantity,
  },
];
