/** Readers of addresses, handles and raw phonemes. */
import { readCardinal } from './numbers.ts';
import { ARPABET } from './phones.ts';
import { type Reader, reader, spellOut } from './reader.ts';
import { readMixed } from './mixed-word.ts';

const TLDS = 'com|org|net|edu|gov|info|io|ai|dev|app|uk|de|fr|eu|ca|au|us|tv|co|tech|xyz|local|example';
const SPELLED_TLDS = new Set(['io', 'ai', 'uk', 'de', 'fr', 'eu', 'ca', 'au', 'us', 'tv', 'xyz']);
const FILE_ENDINGS =
  'js|ts|jsx|tsx|mjs|py|html|css|json|md|txt|pdf|png|jpe?g|gif|svg|mp3|mp4|wav|exe|zip|tar|gz|csv|xml|ya?ml|sh|rb|go|rs|java|cpp|net|onnx|toml';
const SIGNS: Readonly<Record<string, string>> = {
  '.': 'dot',
  '/': 'slash',
  '-': 'dash',
  _: 'underscore',
  '@': 'at',
  ':': 'colon',
  '?': 'question mark',
  '=': 'equals',
  '&': 'and',
  '#': 'hash',
  '+': 'plus',
  '%': 'percent',
  '~': 'tilde',
};
/** Of a longer address only this much is read aloud. */
const MAX_PARTS = 40;
const ENDS = String.raw`(?![\p{L}\p{N}])`;

const readAddress = (address: string): string[] => {
  const parts = address.match(/[A-Za-z]+|\d+|[^A-Za-z\d]/g)?.slice(0, MAX_PARTS) ?? [];
  return parts.flatMap((part, i) => {
    const sign = SIGNS[part];
    if (sign !== undefined) return i === parts.length - 1 && part === '/' ? [] : sign.split(' ');
    if (/^\d/.test(part)) return readCardinal(part);
    if (parts[i - 1] === '.' && SPELLED_TLDS.has(part)) return spellOut(part);
    return readMixed(part);
  });
};

export const WEB_READERS: readonly Reader[] = [
  {
    pattern: /\[\[([A-Z0-2 ]{1,1000})\]\]/uy,
    read: (match) => {
      const phones = (match[1] ?? '').trim().split(/ +/);
      return phones.every((phone) => ARPABET.has(phone))
        ? { length: match[0].length, kind: 'word', words: [], phones }
        : undefined;
    },
  },
  {
    pattern: /(?:https?|ftp):\/\/[^\s<>"]{1,2000}|www\.[^\s<>"]{1,2000}/iuy,
    read: (match) => {
      const address = match[0].replace(/[.,;:!?)'\]*_]{1,9}$/, '');
      return {
        length: address.length,
        kind: 'other',
        words: readAddress(address.replace(/^(?:https?|ftp):\/\//i, '').replace(/^www\./i, 'w.w.w.')).flatMap(
          (word) => word,
        ),
      };
    },
  },
  reader(
    new RegExp(
      String.raw`[a-z\d][a-z\d._%+-]{0,63}@[a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){0,5}\.[a-z]{2,12}${ENDS}`,
      'iuy',
    ),
    'other',
    (_, { plain, at }) =>
      readAddress(/^[^\s]{1,500}?(?=[.,;:!?)'">\]]{0,9}(?:\s|$))/.exec(plain.slice(at, at + 500))?.[0] ?? ''),
  ),
  reader(
    new RegExp(
      String.raw`(?<host>[a-zA-Z\d][a-zA-Z\d-]{0,62}(?:\.[a-zA-Z\d-]{1,63}){0,3}\.(?:${TLDS}))(?<path>/[^\s<>"]{0,500}(?<=[\p{L}\p{N}/]))?${ENDS}`,
      'uy',
    ),
    'other',
    ({ host = '', path = '' }) => readAddress(host + path),
  ),
  reader(
    new RegExp(String.raw`(?<name>[a-zA-Z][\w-]{0,63}(?:\.[\w-]{1,63}){0,3})\.(?<ending>${FILE_ENDINGS})${ENDS}`, 'uy'),
    'word',
    ({ name = '', ending = '' }) => [
      ...readAddress(name.replaceAll(/[_-]/g, ' ')).filter((word) => word.trim() !== ''),
      'dot',
      ...(/^(?:java|zip|net|go|toml|gif|json)$/.test(ending) ? [ending] : spellOut(ending)),
    ],
  ),
  reader(/@(?<name>[A-Za-z]\w{0,63})/uy, 'word', ({ name = '' }) => ['at', ...readAddress(name)]),
  reader(/#(?<number>\d{1,9})\b/uy, 'number', ({ number = '' }) => ['number', ...readCardinal(number)]),
  reader(/#(?<tag>[A-Za-z]\w{0,63})/uy, 'word', ({ tag = '' }) => ['hashtag', ...readAddress(tag)]),
];
