/** Readers of amounts of money. */
import { CURRENCIES, CURRENCY_CODES, SCALES } from './lexicon.ts';
import { readCardinal, readNumber } from './numbers.ts';
import { AMOUNT, DASH, ENDS, sticky } from './patterns.ts';
import { type Reader, reader } from './reader.ts';

const SIGNS = '[$€£¥₹₽₩]';
const CODES = 'USD|EUR|GBP|JPY|INR|CHF|CAD|AUD|CNY|KRW|SEK|NOK|DKK|PLN|BRL|MXN|BTC|ETH';

const readMoney = (sign: string, amount: string, scale?: string): string[] => {
  const [one = [], many = [], cent = [], cents = []] = (CURRENCIES.get(sign) ?? []).map((name) => name.split(' '));
  const [whole = '', fraction = ''] = amount.replaceAll(',', '').split('.');
  if (scale !== undefined) return [...readNumber(amount), scale, ...many];
  if (fraction.length !== 2 || cents.join('') === '') return [...readNumber(amount), ...(amount === '1' ? one : many)];
  const minor =
    fraction === '00' ? [] : [...readCardinal(fraction.replace(/^0/, '')), ...(fraction === '01' ? cent : cents)];
  const major =
    Number(whole) === 0 && minor.length > 0 ? [] : [...readCardinal(whole), ...(whole === '1' ? one : many)];
  return [...major, ...(major.length > 0 && minor.length > 0 ? ['and'] : []), ...minor];
};

export const MONEY_READERS: readonly Reader[] = [
  {
    pattern: sticky(
      String.raw`(?<minus>-?)(?:US|A|C|HK|NZ)?(?<sign>${SIGNS}) ?(?<below>-?)(?<amount>${AMOUNT}|\.\d\d)(?:${DASH}${SIGNS}?(?<until>${AMOUNT}))?(?<scale>[kKmMbBT]|bn|mn|mln|tn)?${ENDS}`,
    ),
    read: (match, { plain, at }) => {
      const { sign = '', amount = '', until, scale = '', minus = '', below = '' } = match.groups ?? {};
      const { length } = match[0];
      if (minus !== '' && /[\p{L}\p{N}]/u.test(plain.charAt(at - 1))) return undefined;
      const signs = minus + below === '' ? [] : ['minus'];
      const from = until === undefined ? signs : [...signs, ...readNumber(amount), 'to'];
      const last = until ?? amount;
      // The word for the scale is a token of its own, and the currency comes after it.
      if (/^ (?:hundred|thousand|million|billion|trillion)\b/.test(plain.slice(at + length, at + length + 12))) {
        const many = CURRENCIES.get(sign)?.[1] ?? '';
        return { length, kind: 'number', words: [...from, ...readNumber(last)], carried: [many] };
      }
      return { length, kind: 'number', words: [...from, ...readMoney(sign, last, SCALES.get(scale))] };
    },
  },
  reader(
    sticky(String.raw`(?<amount>${AMOUNT}) ?(?<code>[€£¥₹¢₽₩]|(?:${CODES})\b)`),
    'number',
    ({ amount = '', code = '' }) => readMoney(CURRENCY_CODES.get(code) ?? code, amount),
  ),
  reader(sticky(String.raw`(?<code>${CODES}) (?<amount>${AMOUNT})${ENDS}`), 'number', ({ amount = '', code = '' }) =>
    readMoney(CURRENCY_CODES.get(code) ?? '', amount),
  ),
  // "$1.5M-$2M", "9:00-17:00", "9am-5pm": the second stands for itself.
  reader(sticky(String.raw`[-–—](?=\d{1,2}(?::\d\d|[ap]\.?m)|${SIGNS}\d)`), 'other', (_, { plain, at }) =>
    /[\p{L}\p{N}]/u.test(plain.charAt(at - 1)) ? ['to'] : undefined,
  ),
];
