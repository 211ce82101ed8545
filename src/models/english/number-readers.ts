/** Readers of everything that begins with a figure or a currency sign. More particular forms come first. */
import { CURRENCIES, CURRENCY_CODES, MONTH_NAMES, MONTHS, SCALES, UNITS } from './lexicon.ts';
import { pluralOf, readCardinal, readDigits, readNumber, readOrdinal, readYear } from './numbers.ts';
import { type Place, type Reader, reader, spellOut } from './reader.ts';

const AMOUNT = String.raw`(?:\d{1,3}(?:,\d{3}){1,6}|\d{1,40})(?:\.\d{1,20})?`;
const ENDS = String.raw`(?![\p{L}\p{N}])`;
/** Longest unit in characters. */
const MAX_UNIT = 5;
const DASH = '[-–—]';

const sticky = (source: string) => new RegExp(source, 'uy');

const words = (text: string) => text.split(' ');

const isOne = (number: string) => /^[-+]?1$/.test(number);

/** A unit for a number: singular only for exactly one. */
export const readUnit = (unit: string, number: string): string[] | undefined => {
  const known = UNITS.get(unit);
  if (known === undefined) return undefined;
  const [one = '', many] = known.split('|');
  if (isOne(number)) return words(one);
  return many === undefined ? pluralOf(words(one)) : words(many);
};

const month = (number: string) => MONTHS[Number(number) - 1];
const isDay = (day: string) => Number(day) >= 1 && Number(day) <= 31;

const fullYear = (year: string) =>
  year.length === 4 ? readYear(year) : readYear((Number(year) < 50 ? '20' : '19') + year);

const readDate = (monthNumber: string, day: string, year: string): string[] | undefined => {
  const name = month(monthNumber);
  return name !== undefined && isDay(day) ? [name, ...readOrdinal(day), ...fullYear(year)] : undefined;
};

const readClock = (hour: string, minute: string, second = '', half = ''): string[] | undefined => {
  if (Number(hour) > 24 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const minutes =
    minute === ''
      ? []
      : minute === '00'
        ? []
        : minute.startsWith('0')
          ? ['oh', ...readCardinal(minute.slice(1))]
          : readCardinal(minute);
  const sharp = minute === '00' && half === '' && second === '';
  const hours = readCardinal(hour.replace(/^0(?=\d)/, ''));
  return [
    ...hours,
    ...(sharp ? [Number(hour) > 12 || Number(hour) === 0 ? 'hundred' : "o'clock"] : minutes),
    ...(second === '' || second === '00' ? [] : ['and', ...readCardinal(second.replace(/^0(?=\d)/, '')), 'seconds']),
    ...spellOut(half),
  ];
};

const readMoney = (sign: string, amount: string, scale = ''): string[] => {
  const [one, many, cent, cents] = CURRENCIES.get(sign) ?? ['', '', '', ''];
  const [whole = '', fraction = ''] = amount.replaceAll(',', '').split('.');
  if (scale !== '') return [...readNumber(amount), scale, many];
  if (fraction.length !== 2) return [...readNumber(amount), isOne(whole) && fraction === '' ? one : many];
  const minor =
    fraction === '00' ? [] : [...readCardinal(fraction.replace(/^0/, '')), fraction === '01' ? cent : cents];
  const major = Number(whole) === 0 && minor.length > 0 ? [] : [...readCardinal(whole), isOne(whole) ? one : many];
  return [...major, ...(major.length > 0 && minor.length > 0 ? ['and'] : []), ...minor];
};

/** Groups of a telephone number, a pause between them left to the voice. */
const readTelephone = (number: string): string[] => [
  ...(number.startsWith('+') ? ['plus'] : []),
  ...readDigits(number.replaceAll(/\D/g, '')),
];

const DENOMINATORS: Readonly<Record<string, string>> = { 2: 'half', 4: 'quarter' };

const readFraction = (over: string, under: string): string[] => {
  if (Number(under) === 0 || under.length > 2 || over.length > 2)
    return [...readCardinal(over), 'over', ...readCardinal(under)];
  const part = DENOMINATORS[under] === undefined ? readOrdinal(under) : [DENOMINATORS[under]];
  if (isOne(over)) return [...readCardinal(over), ...part];
  return [...readCardinal(over), ...(under === '2' ? ['halves'] : pluralOf(part))];
};

/** Four figures that are likelier a year than a count. */
const looksLikeYear = (digits: string) => /^(?:1[1-9]|20)\d\d$/.test(digits);

const readCount = (number: string): string[] => (looksLikeYear(number) ? readYear(number) : readNumber(number));

const BIG = /^ ?(?:hundred|thousand|million|billion|trillion)\b/;

const followedBy = (place: Place, length: number, pattern: RegExp) =>
  pattern.exec(place.plain.slice(place.at + length, place.at + length + 20));

const unitPattern = sticky(String.raw` ?(?:[a-zA-Zµ]{1,4}/[a-z]|[%‰Ω]|°[CF]?|[a-zA-ZµΩ]{1,${MAX_UNIT}}[²³23]?)${ENDS}`);

/** Digits one at a time, tens together: model numbers and codes, "737" → seven thirty seven. */
export const readCode = (digits: string): string[] => {
  if (digits.length === 3 && !digits.endsWith('00') && !digits.startsWith('0')) {
    const rest = digits.slice(1);
    return [
      ...readDigits(digits.charAt(0)),
      ...(rest.startsWith('0') ? ['oh', ...readDigits(rest.charAt(1))] : readCardinal(rest)),
    ];
  }
  if (digits.length === 4 && !digits.endsWith('00') && !digits.startsWith('0')) return readYear(digits);
  return digits.length > 4 ? readDigits(digits) : readCardinal(digits);
};

const isMonth = (word: string) => MONTH_NAMES.has(word.toLowerCase().replace(/\.$/, ''));

/** Whether a token before is the name of a month, so that a number after it is a day. */
const afterMonth = (place: Place) => place.previous?.adjacent === true && isMonth(place.previous.text);

export const NUMBER_READERS: readonly Reader[] = [
  reader(
    sticky(
      String.raw`(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:T(?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:\.\d{1,9})?)?Z?)?${ENDS}`,
    ),
    'other',
    ({ year = '', month: m = '', day = '', hour, minute = '' }) => {
      const date = readDate(m, day, year);
      return date && [...date, ...(hour === undefined ? [] : ['at', ...(readClock(hour, minute) ?? [])])];
    },
  ),
  reader(
    sticky(String.raw`(?<month>\d\d?)/(?<day>\d\d?)/(?<year>\d{4}|\d\d)${ENDS}(?!/)`),
    'other',
    (g) =>
      readDate(g['month'] ?? '', g['day'] ?? '', g['year'] ?? '') ??
      readDate(g['day'] ?? '', g['month'] ?? '', g['year'] ?? ''),
  ),
  reader(sticky(String.raw`(?<day>\d\d?)\.(?<month>\d\d?)\.(?<year>\d{4})${ENDS}`), 'other', (g) =>
    readDate(g['month'] ?? '', g['day'] ?? '', g['year'] ?? ''),
  ),
  reader(
    sticky(
      String.raw`(?<hour>\d\d?)(?::(?<minute>\d\d)(?::(?<second>\d\d))?)(?:(?<half>[aApP])\.?[mM]\b\.?)?${ENDS}(?!:\d)`,
    ),
    'number',
    ({ hour = '', minute = '', second, half }, place) => {
      const half12 = half === undefined ? '' : `${half}m`;
      const sharp = minute === '00' && followedBy(place, hour.length + 3, /^ ?[ap]\.?m\b/i);
      return sharp ? readCardinal(hour.replace(/^0(?=\d)/, '')) : readClock(hour, minute, second, half12);
    },
  ),
  reader(
    sticky(String.raw`(?<hour>\d\d?)(?<half>[aApP])\.?[mM](?:\b\.?)${ENDS}`),
    'other',
    ({ hour = '', half = '' }) => readClock(hour, '', '', `${half}m`),
  ),
  reader(
    sticky(
      String.raw`(?<number>\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,6}|(?:1[-. ])?\(\d{3}\) ?\d{3}[-. ]\d{4}|(?:1[-. ])?\d{3}[-. ]\d{3}[-. ]\d{4}|\d{3}-\d{4})${ENDS}(?![-,]\d)`,
    ),
    'other',
    ({ number = '' }) => (number.replaceAll(/\D/g, '').length >= 7 ? readTelephone(number) : undefined),
  ),
  {
    pattern: sticky(
      String.raw`(?<sign>(?:US|A|C|HK|NZ)?\$|[€£¥₹₽₩])(?<amount>${AMOUNT})(?:${DASH}[$€£¥₹₽₩]?(?<until>${AMOUNT}))?(?<scale>[kKmMbBT]|bn|mn|mln|tn)?${ENDS}`,
    ),
    read: (match) => {
      const { sign = '', amount = '', until, scale } = match.groups ?? {};
      const currency = sign.slice(-1);
      const { length } = match[0];
      const big = followedBy({ plain: match.input, at: match.index, previous: undefined }, length, BIG);
      const scaleWord = scale === undefined ? undefined : SCALES.get(scale);
      if (until !== undefined) {
        return {
          length,
          kind: 'number',
          words: [...readNumber(amount), 'to', ...readMoney(currency, until, scaleWord)],
        };
      }
      if (big !== null) {
        return { length, kind: 'number', words: readNumber(amount), carried: [CURRENCIES.get(currency)?.[1] ?? ''] };
      }
      return { length, kind: 'number', words: readMoney(currency, amount, scaleWord) };
    },
  },
  reader(
    sticky(String.raw`(?<amount>${AMOUNT}) ?(?<code>[€£¥₹¢]|(?:USD|EUR|GBP|JPY|INR)\b)`),
    'number',
    ({ amount = '', code = '' }) => readMoney(CURRENCY_CODES.get(code) ?? code, amount),
  ),
  reader(
    sticky(String.raw`(?<code>USD|EUR|GBP|JPY|INR) (?<amount>${AMOUNT})${ENDS}`),
    'number',
    ({ amount = '', code = '' }) => readMoney(CURRENCY_CODES.get(code) ?? '', amount),
  ),
  reader(sticky(String.raw`(?<number>\d{1,9})(?:st|nd|rd|th|ST|ND|RD|TH)${ENDS}`), 'number', ({ number = '' }) =>
    readOrdinal(number),
  ),
  reader(sticky(String.raw`'?(?<decade>\d{3}0|[1-9]0)'?s${ENDS}`), 'other', ({ decade = '' }) =>
    pluralOf(decade.length === 4 ? readYear(decade) : readCardinal(decade)),
  ),
  reader(sticky(String.raw`'(?<year>\d\d)${ENDS}`), 'other', ({ year = '' }) =>
    year.startsWith('0') ? ['oh', ...readCardinal(year.slice(1))] : readCardinal(year),
  ),
  reader(sticky(String.raw`24/7${ENDS}`), 'other', () => ['twenty', 'four', 'seven']),
  reader(
    sticky(String.raw`(?<over>\d{1,4})/(?<under>\d{1,4})${ENDS}(?!/)`),
    'number',
    ({ over = '', under = '' }, place) => [
      ...(place.previous?.kind === 'number' && place.previous.adjacent ? ['and'] : []),
      ...(place.previous?.kind === 'number' && place.previous.adjacent && over === '1'
        ? ['a', ...readFraction(over, under).slice(1)]
        : readFraction(over, under)),
    ],
  ),
  reader(sticky(String.raw`[vV]?(?<version>\d{1,9}(?:\.\d{1,9}){2,6})${ENDS}(?!\.\d)`), 'number', ({ version = '' }) =>
    version.split('.').flatMap((part, i) => [...(i > 0 ? ['point'] : []), ...readNumber(part)]),
  ),
  reader(sticky(String.raw`[vV](?<version>\d{1,9}(?:\.\d{1,9})?)${ENDS}`), 'number', ({ version = '' }) => [
    'version',
    ...readNumber(version),
  ]),
  reader(sticky(String.raw`(?<width>\d{1,5})[x×](?<height>\d{1,5})(?:[x×](?<depth>\d{1,5}))?${ENDS}`), 'number', (g) =>
    [g['width'], g['height'], g['depth']].flatMap((side, i) =>
      side === undefined ? [] : [...(i > 0 ? ['by'] : []), ...readCount(side)],
    ),
  ),
  reader(sticky(String.raw`(?<one>\d{1,3}):(?<other>\d{1,3})${ENDS}`), 'number', ({ one = '', other = '' }) => [
    ...readCardinal(one),
    'to',
    ...readCardinal(other),
  ]),
  {
    // A number, or a range of numbers, with what it counts: sign, scale, percent, unit.
    pattern: sticky(
      String.raw`(?<sign>[-+]?)(?<number>${AMOUNT}|\.\d{1,20})(?:(?<dash>${DASH}| – )(?<until>${AMOUNT}))?(?![\p{N}])`,
    ),
    read: (match, place) => {
      const { sign = '', number = '', until, dash = '-' } = match.groups ?? {};
      const { plain, at } = place;
      const isRange = until !== undefined && !/^[-–—,]\d/.test(plain.slice(at + match[0].length));
      const length = isRange ? match[0].length : sign.length + number.length;
      const last = isRange ? until : number;
      // "A-5" and "2020-21" have a hyphen, not a minus.
      const signed = sign !== '' && !/[\p{L}\p{N})]/u.test(plain.charAt(at - 1)) ? sign : '';
      const counted = (of: string) =>
        looksLikeYear(of) || (isRange && looksLikeYear(number) && /^\d\d$/.test(of))
          ? readYearOrCount(of)
          : readNumber(of);
      const said = [
        ...(signed === '' ? [] : [signed === '-' ? 'minus' : 'plus']),
        ...(afterMonth(place) && /^\d\d?$/.test(number) && isDay(number) ? readOrdinal(number) : counted(number)),
        ...(isRange
          ? ['to', ...(afterMonth(place) && dash !== '' && isDay(last) ? readOrdinal(last) : counted(last))]
          : []),
      ];

      unitPattern.lastIndex = at + length;
      const unitMatch = unitPattern.exec(plain)?.[0];
      const unit = unitMatch?.trim();
      if (unitMatch !== undefined && unit !== undefined) {
        const attached = unitMatch === unit;
        const scale = attached ? SCALES.get(unit) : undefined;
        const metric = readUnit(unit, last);
        const spokenUnit =
          (unit === 'm' && looksLikeYear(last)) || unit === 'K' || unit === 'b'
            ? scale && [scale]
            : (metric ?? (scale && [scale]));
        const isPlainNumber = /^\d{4}$/.test(last) && metric !== undefined;
        if (attached && spokenUnit !== undefined) {
          const amount =
            isPlainNumber && !isRange ? [...(signed === '' ? [] : said.slice(0, 1)), ...readNumber(last)] : said;
          return { length: length + unitMatch.length, kind: 'other', words: [...amount, ...spokenUnit] };
        }
        if (!attached && metric !== undefined && isPlainNumber && !isRange) {
          return { length, kind: 'number', words: readNumber(last) };
        }
        if (attached && /^[\p{L}\d]/u.test(unit)) return undefined; // "3D", "4x": letters and figures together
      }
      if (/[\p{L}]/u.test(plain.charAt(at + length))) return undefined;
      // A day before its month: "3 March 2024".
      const next = /^ (?:of )?([A-Z][a-z]{2,8})\b/.exec(plain.slice(at + length, at + length + 16))?.[1];
      if (next !== undefined && isMonth(next) && !isRange && signed === '' && /^\d\d?$/.test(number) && isDay(number)) {
        return {
          length,
          kind: 'number',
          words: ['the', ...readOrdinal(number), ...(plain.startsWith(' of', at + length) ? [] : ['of'])],
        };
      }
      return { length, kind: 'number', words: said };
    },
  },
];

const readYearOrCount = (digits: string): string[] => (digits.length === 4 ? readYear(digits) : readCardinal(digits));

/** Words that are units only after a number; the reader of words asks. */
export const unitAfter = (word: string, number: string): string[] | undefined =>
  readUnit(word, /[\d.,]+$/.exec(number)?.[0] ?? '');
