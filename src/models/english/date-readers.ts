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
export const looksLikeYear = (digits: string): boolean => /^(?:1[1-9]|20)\d\d$/.test(digits);

const DAY = 'Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun';

const dayName = (short = ''): string[] => {
  const name = DAYS.find((day) => day.startsWith(short.slice(0, 3).toLowerCase()));
  return name === undefined || short === '' ? [] : [name];
};

export const DATE_READERS: readonly Reader[] = [
  reader(sticky(`(?<from>${DAY})${DASH}(?<until>${DAY})${ENDS}`), 'word', ({ from, until }) => [
    ...dayName(from),
    'to',
    ...dayName(until),
  ]),
  // "Sat" and "Sun" are words.
  reader(sticky(String.raw`(?<day>Mon|Tues?|Wed|Thu(?:rs?)?|Fri)${ENDS}(?!\.)`), 'word', ({ day }) => dayName(day)),
  reader(
    sticky(
      String.raw`(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:T(?<hour>\d\d):(?<minute>\d\d)(?::\d\d(?:\.\d{1,9})?)?Z?)?${ENDS}`,
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
  reader(sticky(String.raw`'?(?<decade>\d{3}0|[1-9]0)'?s${ENDS}`), 'other', ({ decade = '' }) =>
    pluralOf(decade.length === 4 ? readYear(decade) : readCardinal(decade)),
  ),
  reader(sticky(String.raw`(?<![\p{L}\p{N}])'(?<year>\d\d)${ENDS}`), 'other', ({ year = '' }) => readMinutes(year)),
];
