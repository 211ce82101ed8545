/** Chinese text as it is said: numbers, dates, times, money and measures in characters, each with its place in the text. */
import { readCardinal, readDigits, readNumber, readPhone } from './numbers.ts';

/** A piece of text and how it is said. */
export interface ChineseReading {
  readonly spoken: string;
  readonly charStart: number;
  readonly charEnd: number;
}

const NUMBER = String.raw`\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?`;
const CURRENCIES: Readonly<Record<string, string>> = {
  '¥': '元',
  '￥': '元',
  $: '美元',
  '€': '欧元',
  '£': '英镑',
};
const UNITS: Readonly<Record<string, string>> = {
  '℃': '摄氏度',
  '°C': '摄氏度',
  '℉': '华氏度',
  '°': '度',
  km: '公里',
  cm: '厘米',
  mm: '毫米',
  m: '米',
  kg: '公斤',
  g: '克',
  ml: '毫升',
  L: '升',
  'km/h': '公里每小时',
  GB: 'G B',
  '㎡': '平方米',
  h: '小时',
  min: '分钟',
  s: '秒',
};
const MEASURES = '个只条张本位名件次年天周月点块间家辆台座栋层遍种双对杯瓶碗斤倍';

type Reader = readonly [pattern: string, read: (groups: Readonly<Record<string, string>>) => string];

const ofYear = (year: string) => `${readDigits(year)}年`;
const ofDay = (month: string, day: string) =>
  `${readCardinal(String(Number(month)))}月${readCardinal(String(Number(day)))}日`;
const ofTime = (hour: string, minute: string, second?: string): string => {
  const two = (digits: string) =>
    digits.startsWith('0') ? `零${readCardinal(digits.slice(1))}` : readCardinal(digits);
  const minutes = minute === '00' ? '整' : `${two(minute)}分`;
  const hours = Number(hour) === 2 ? '两' : readCardinal(String(Number(hour)));
  return `${hours}点${second === undefined ? minutes : `${two(minute)}分${two(second)}秒`}`;
};
/** 2 before a measure is 两. */
const counted = (number: string) => (number === '2' ? '两' : readNumber(number));

/** The first that fits reads: particular forms before general ones. */
const READERS: readonly Reader[] = [
  [
    String.raw`(?<year>\d{4})[-/.](?<month>0?[1-9]|1[0-2])[-/.](?<day>[12]\d|3[01]|0?[1-9])(?!\d)`,
    ({ year = '', month = '', day = '' }) => ofYear(year) + ofDay(month, day),
  ],
  [String.raw`(?<year>\d{4}|\d{2})年`, ({ year = '' }) => ofYear(year)],
  [
    String.raw`(?<hour>[01]?\d|2[0-4])[:：](?<minute>[0-5]\d)(?:[:：](?<second>[0-5]\d))?(?!\d)`,
    ({ hour = '', minute = '', second }) => ofTime(hour, minute, second),
  ],
  [
    String.raw`(?<phone>1[3-9]\d(?:[- ]?\d{4}){2}|0\d{2,3}-\d{7,8}|400-?\d{3}-?\d{4})(?!\d)`,
    ({ phone = '' }) => readPhone(phone),
  ],
  [
    String.raw`(?<number>-?(?:${NUMBER}))[%％]`,
    ({ number = '' }) => {
      const sign = number.startsWith('-') ? '负' : '';
      return `${sign}百分之${readNumber(number.replace('-', ''))}`;
    },
  ],
  [
    String.raw`(?<sign>[¥￥$€£])(?<number>${NUMBER})(?<scale>[万亿千百]?)`,
    ({ sign = '', number = '', scale = '' }) => `${readNumber(number)}${scale}${CURRENCIES[sign] ?? ''}`,
  ],
  [
    String.raw`(?<number>${NUMBER})(?<scale>[万亿])?元`,
    ({ number = '', scale = '' }) => `${scale === '' ? counted(number) : readNumber(number)}${scale}元`,
  ],
  [
    String.raw`(?<number>-?(?:${NUMBER}))(?<unit>km/h|km|cm|mm|kg|ml|min|GB|°C|[℃℉°㎡mgLhs](?![A-Za-z]))`,
    ({ number = '', unit = '' }) => `${readNumber(number)}${UNITS[unit] ?? ''}`,
  ],
  [
    String.raw`(?<above>\d{1,3})/(?<below>\d{1,3})(?![\d/])`,
    ({ above = '', below = '' }) => `${readCardinal(below)}分之${readCardinal(above)}`,
  ],
  [
    String.raw`(?<from>${NUMBER})(?:[-~～—–]{1,2})(?<to>${NUMBER})(?=[^\d-])`,
    ({ from = '', to = '' }) => `${readNumber(from)}到${readNumber(to)}`,
  ],
  [String.raw`(?<number>2)(?=[${MEASURES}])(?!月|年|点)`, () => '两'],
  [String.raw`(?<![\w-])(?<number>-(?:${NUMBER}))`, ({ number = '' }) => readNumber(number)],
  [String.raw`(?<number>${NUMBER})`, ({ number = '' }) => readNumber(number)],
]; // oxfmt would give each part a line of its own
const PATTERNS = READERS.map(([pattern, read]) => ({ pattern: new RegExp(pattern, 'uy'), read }));

/** Reads a text from its beginning to its end; what is no number stands as it is, character by character. */
export const readChinese = (text: string): ChineseReading[] => {
  const readings: ChineseReading[] = [];
  for (let at = 0; at < text.length;) {
    const found = /[\d¥￥$€£-]/.test(text.charAt(at))
      ? PATTERNS.map(({ pattern, read }) => {
          pattern.lastIndex = at;
          const match = pattern.exec(text);
          return match && { length: match[0].length, spoken: read(match.groups ?? {}) };
        }).find((reading) => reading !== null)
      : undefined;
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const { length, spoken } = found ?? { length: character.length, spoken: character };
    readings.push({ spoken, charStart: at, charEnd: at + length });
    at += length;
  }
  return readings;
};
