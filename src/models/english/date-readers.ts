/** Readers of dates, years and times of day. */
import { DAYS, MONTH_NAMES, MONTHS } from './lexicon.ts';
import { pluralOf, readCardinal, readOrdinal, readYear } from './numbers.ts';
import { DASH, ENDS, sticky } from './patterns.ts';
import { type Place, type Reader, reader, spellOut } from './reader.ts';

const isDay = (day: string) => /^\d\d?$/.test(day) && Number(day) >= 1 && Number(day) <= 31;

const isMonth = (word: string) => MONTH_NAMES.has(word.toLowerCase().replace(/\.$/, ''));

/** Two figures below 50 are of this century. */
const readFullYear = (year: string) =>
  year.length === 4 ? readYear(year) : readYear((Number(year) < 50 ? '20' : '19') + year);

const readDate = (month = '', day = '', year = ''): string[] | undefined => {
  const name = MONTHS[Number(month) - 1];
  return name !== undefined && isDay(day) ? [name, ...readOrdinal(day), ...readFullYear(year)] : undefined;
};

const withoutZero = (digits: string) => digits.replace(/^0(?=\d)/, '');

const readMinutes = (minute: string): string[] =>
  minute.startsWith('0') ? ['oh', ...readCardinal(withoutZero(minute))] : readCardinal(minute);

const readTime = (hour: string, minute: string, second: string, sharp: string): string[] | undefined => {
  if (Number(hour) > 24 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(hour) === 0 && Number(minute) + Number(second) === 0 && sharp !== '') return ['midnight'];
  return [
    ...readCardinal(withoutZero(hour)),
    ...(Number(minute) === 0 ? sharp.split(' ').filter(Boolean) : readMinutes(minute)),
    ...(Number(second) === 0 ? [] : ['and', ...readCardinal(withoutZero(second)), 'seconds']),
  ];
};

/** Whether the token before is the name of a month, so that a number after it is a day. */
const afterMonth = ({ previous }: Place) => previous?.adjacent === true && isMonth(previous.text);

/** A day of the month next to its month: "March 3", "3 March", "3rd of March"; undefined for any other number. */
export const readDay = (number: string, place: Place): string[] | undefined => {
  if (!isDay(number)) return undefined;
  if (afterMonth(place)) return readOrdinal(number);
  const next = /^ ([A-Z][a-z]{2,8})\b/.exec(
    place.plain.slice(place.at + number.length, place.at + number.length + 16),
  )?.[1];
  return next !== undefined && isMonth(next) ? ['the', ...readOrdinal(number), 'of'] : undefined;
};

/** Four figures that are likelier a year than a count. */
export const looksLikeYear = (digits: string, { previous }: Place): boolean =>
  /^(?:1[1-9]|20)\d\d$/.test(digits) ||
  (/^10\d\d$/.test(digits) &&
    previous?.adjacent === true &&
    /^(?:in|since|year|circa|ca\.|until)$/i.test(previous.text));

const lasting = (count: string, unit: string): string[] => {
  const words = [...readCardinal(withoutZero(count)), unit];
  return Number(count) === 1 ? words : pluralOf(words);
};

const DAY = 'Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun';

const dayName = (short = ''): string[] => {
  const name = DAYS.find((day) => day.startsWith(short.slice(0, 3).toLowerCase()));
  return name === undefined || short === '' ? [] : [name];
};

/** After these a pair of figures is a day: "on 3/4", "due 12/1", "Tue 5/6". */
const BEFORE_DAYS =
  /^(?:on|due|by|until|till|since|dated|date|through|thru|mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)\.?$/i;
/** Denominators that people write as a fraction with a slash. */
const FRACTIONAL = new Set([2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 32, 64]);
const HALVED = /^ ?(?:of|cup|inch|in\b|mile|teaspoon|tablespoon|tsp|tbsp|full|done|lb|pound|price)/;

/** A day without its year: "12/25". */
const readShortDate = (first: string, second: string, { plain, at, previous }: Place): string[] | undefined => {
  if (first === '9' && second === '11') return ['nine', 'eleven'];
  const rest = plain.slice(at + first.length + second.length + 1, at + first.length + second.length + 14);
  const expected = previous?.adjacent === true && BEFORE_DAYS.test(previous.text) && !HALVED.test(rest);
  if (!expected && (FRACTIONAL.has(Number(second)) || first === second)) return undefined;
  const [month, day] = Number(first) > 12 ? [second, first] : [first, second];
  const name = MONTHS[Number(month) - 1];
  return name !== undefined && isDay(day) ? [name, ...readOrdinal(day)] : undefined;
};

export const DATE_READERS: readonly Reader[] = [
  reader(
    sticky(String.raw`(?<first>[1-9]|[01]\d|3[01]|2\d)/(?<second>[1-9]|[012]\d|3[01])${ENDS}(?!/)`),
    'number',
    ({ first = '', second = '' }, place) => readShortDate(first, second, place),
  ),
  // A season: "2023/24".
  reader(sticky(String.raw`(?<from>(?:19|20)\d\d)/(?<until>\d\d)${ENDS}(?!/)`), 'number', ({ from = '', until = '' }) =>
    (Number(from) + 1) % 100 === Number(until) ? [...readYear(from), ...readMinutes(until)] : undefined,
  ),
  // "Jan 5"; "Jan" may be a name.
  reader(
    sticky(String.raw`(?<month>Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)(?= \d{1,4}${ENDS})`),
    'word',
    ({ month = '' }) => [MONTH_NAMES.get(month.toLowerCase()) ?? ''],
  ),
  // "2h30m", "1h 15m", "3m 20s".
  reader(
    sticky(String.raw`(?<hours>\d{1,3})h ?(?<minutes>\d{1,2})m(?:in)?(?: ?(?<seconds>\d{1,2})s)?${ENDS}`),
    'other',
    ({ hours = '', minutes = '', seconds }) => [
      ...lasting(hours, 'hour'),
      ...lasting(minutes, 'minute'),
      ...(seconds === undefined ? [] : lasting(seconds, 'second')),
    ],
  ),
  reader(
    sticky(String.raw`(?<minutes>\d{1,3})m ?(?<seconds>\d{1,2})s${ENDS}`),
    'other',
    ({ minutes = '', seconds = '' }) => [...lasting(minutes, 'minute'), ...lasting(seconds, 'second')],
  ),
  reader(sticky(`(?<from>${DAY})${DASH}(?<until>${DAY})${ENDS}`), 'word', ({ from, until }) => [
    ...dayName(from),
    'to',
    ...dayName(until),
  ]),
  // "Sat" and "Sun" are words.
  reader(sticky(String.raw`(?<day>Mon|Tues?|Wed|Thu(?:rs?)?|Fri)${ENDS}(?!\.)`), 'word', ({ day }) => dayName(day)),
  reader(
    sticky(
      String.raw`(?<year>\d{4})(?<dash>[-/])(?<month>\d\d?)\k<dash>(?<day>\d\d?)(?:T(?<hour>\d\d):(?<minute>\d\d)(?::\d\d(?:\.\d{1,9})?)?Z?)?${ENDS}`,
    ),
    'other',
    ({ year, month, day, hour, minute = '' }) => {
      const date = readDate(month, day, year);
      const time = hour === undefined ? [] : readTime(hour, minute, '', 'hundred');
      return date && time && [...date, ...(time.length > 0 ? ['at', ...time] : [])];
    },
  ),
  reader(
    sticky(String.raw`(?<first>\d\d?)/(?<second>\d\d?)/(?<year>\d{4}|\d\d)${ENDS}(?!/)`),
    'other',
    ({ first, second, year }) => readDate(first, second, year) ?? readDate(second, first, year),
  ),
  reader(sticky(String.raw`(?<day>\d\d?)\.(?<month>\d\d?)\.(?<year>\d{4})${ENDS}`), 'other', ({ month, day, year }) =>
    readDate(month, day, year),
  ),
  reader(
    sticky(String.raw`(?<hour>\d\d?):(?<minute>\d\d)(?::(?<second>\d\d))?(?<half>[aApP]\.?[mM]\b\.?)?${ENDS}(?!:\d)`),
    'number',
    ({ hour = '', minute = '', second = '', half = '' }, { plain, at }) => {
      const isHalfDay = half !== '' || /^ ?[ap]\.?m\b/i.test(plain.slice(at + hour.length + 3, at + hour.length + 8));
      const time = readTime(hour, minute, second, isHalfDay ? '' : Number(hour) > 12 ? 'hundred' : "o'clock");
      return time && [...time, ...spellOut(half)];
    },
  ),
  reader(sticky(String.raw`(?<hour>1?\d)(?<half>[aApP]\.?[mM]\b\.?)${ENDS}`), 'other', ({ hour = '', half = '' }) => [
    ...readCardinal(hour),
    ...spellOut(half),
  ]),
  reader(sticky(String.raw`'?(?<decade>\d{3}0|[1-9]0)'?s${ENDS}`), 'other', ({ decade = '' }, { plain, at }) => {
    if (decade.length === 4) return pluralOf(readYear(decade));
    // "30s" alone is half a minute.
    const before = plain.slice(Math.max(0, at - 8), at + 1);
    if (!/(?:the|early|mid|late|my|his|her|their|our|your|in)[ -](?:\d)?$|'$/i.test(before)) return undefined;
    return pluralOf(readCardinal(decade));
  }),
  reader(sticky(String.raw`(?<![\p{L}\p{N}])'(?<year>\d\d)${ENDS}`), 'other', ({ year = '' }) => readMinutes(year)),
];
