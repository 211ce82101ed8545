/** Readers of addresses and handles. */
import { readMixed } from './mixed-word.ts';
import { readCardinal } from './numbers.ts';
import { ENDS, sticky } from './patterns.ts';
import { type Reader, reader, spellOut } from './reader.ts';

const TLDS = 'com|org|net|edu|gov|info|io|ai|dev|app|uk|de|fr|eu|ca|au|us|tv|co|tech|xyz|local|example';
const SPELLED_TLDS = new Set(['io', 'ai', 'uk', 'de', 'fr', 'eu', 'ca', 'au', 'us', 'tv', 'xyz']);
const FILE_ENDINGS =
  'js|ts|jsx|tsx|mjs|py|html|css|json|md|txt|pdf|png|jpe?g|gif|svg|mp3|mp4|wav|exe|zip|tar|gz|csv|xml|ya?ml|sh|rb|go|rs|java|cpp|net|onnx|toml';
const SAID_ENDINGS = new Set(['java', 'zip', 'net', 'go', 'toml', 'gif', 'json', 'yaml', 'text']);
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
    pattern: sticky(String.raw`(?:https?|ftp)://[^\s<>"]{1,2000}|www\.[^\s<>"]{1,2000}`, 'i'),
    read: ([match]) => {
      const address = match.replace(/[.,;:!?)'\]*_]{1,9}$/, '');
      const [, www, rest = ''] = /^(?:\w{3,5}:\/\/)?(www\.)?(.*)$/i.exec(address) ?? [];
      const words = [...(www === undefined ? [] : [...spellOut(www), 'dot']), ...readAddress(rest)];
      return { length: address.length, kind: 'other', words };
    },
  },
  reader(
    sticky(
      String.raw`(?<mail>[a-z\d][a-z\d._%+-]{0,63}@[a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){0,5}\.[a-z]{2,12})${ENDS}`,
      'i',
    ),
    'other',
    ({ mail = '' }) => readAddress(mail),
  ),
  reader(
    sticky(
      String.raw`(?<address>[a-zA-Z\d][a-zA-Z\d-]{0,62}(?:\.[a-zA-Z\d-]{1,63}){0,3}\.(?:${TLDS})(?:/[^\s<>"]{0,500}(?<=[\p{L}\p{N}/]))?)${ENDS}`,
    ),
    'other',
    ({ address = '' }) => readAddress(address),
  ),
  reader(
    sticky(String.raw`(?<name>[a-zA-Z][\w-]{0,63}(?:\.[\w-]{1,63}){0,3})\.(?<ending>${FILE_ENDINGS})${ENDS}`),
    'word',
    ({ name = '', ending = '' }) => [
      ...name.split(/[_-]+/).flatMap(readAddress),
      'dot',
      ...(SAID_ENDINGS.has(ending) ? [ending] : readMixed(ending.toUpperCase())),
    ],
  ),
  reader(sticky(String.raw`@(?<name>[A-Za-z]\w{0,63})`), 'word', ({ name = '' }) => ['at', ...readAddress(name)]),
  reader(sticky(String.raw`#(?<number>\d{1,9})\b`), 'number', ({ number = '' }) => ['number', ...readCardinal(number)]),
  reader(sticky(String.raw`#(?<tag>[A-Za-z]\w{0,63})`), 'word', ({ tag = '' }) => ['hashtag', ...readAddress(tag)]),
];
