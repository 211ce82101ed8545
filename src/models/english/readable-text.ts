import { HIDDEN, hideMarkup } from './markup.ts';

/**
 * A text as it is read: markup and invisible characters gone, accents folded, typographic marks made plain.
 * Character i of `plain` comes from the characters `from[i]` to before `to[i]` of the original.
 */
export interface ReadableText {
  readonly plain: string;
  readonly from: Uint32Array;
  readonly to: Uint32Array;
}

const PLAIN: Readonly<Record<string, string>> = {
  '‘': "'",
  '’': "'",
  '‚': "'",
  '‛': "'",
  ʼ: "'",
  '＇': "'",
  '´': "'",
  '“': '"',
  '”': '"',
  '„': '"',
  '«': '"',
  '»': '"',
  '‹': '"',
  '›': '"',
  '「': '"',
  '」': '"',
  '『': '"',
  '』': '"',
  '‐': '-',
  '‑': '-',
  '−': '-',
  '‒': '–',
  '―': '—',
  '。': '.',
  '．': '.',
  '｡': '.',
  '।': '.',
  '॥': '.',
  '۔': '.',
  '！': '!',
  '？': '?',
  '؟': '?',
  '，': ',',
  '、': ',',
  '،': ',',
  '；': ';',
  '؛': ';',
  '：': ':',
  '…': '...',
  '‽': '?',
  '¡': ' ',
  '¿': ' ',
  '⁄': '/',
  '∕': '/',
  '·': ' ',
  '•': ' ',
  ß: 'ss',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'Th',
  ı: 'i',
  ħ: 'h',
  Ħ: 'H',
  ŋ: 'ng',
  ə: 'a',
  '№': 'No.',
  '℃': '°C',
  '℉': '°F',
  '㎞': 'km',
  '㎏': 'kg',
  '㎝': 'cm',
  '㎜': 'mm',
  µ: 'µ',
  μ: 'µ',
  '™': ' ',
  '®': ' ',
  '©': ' ',
  º: '°',
  '˚': '°',
};
const ASCII_ONLY = /^[!-~]+$/;
const MARK = /\p{M}/u;
const MARKS = /\p{M}/gu;
// Superscripts and other scripts' digits mean something else than the figure itself.
const KEEP = /[²³¹⁰-ⁿ\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]/u;
const FRACTION = /[\u00bc-\u00be\u2150-\u215f\u2189]/;

const fold = (char: string): string => {
  const known = PLAIN[char];
  if (known !== undefined) return known;
  if (MARK.test(char)) return '';
  if (KEEP.test(char)) return char;
  const folded = char.normalize('NFKD').replaceAll('⁄', '/').replaceAll(MARKS, '');
  return ASCII_ONLY.test(folded) ? folded : char;
};

/** A text with accents folded and typographic marks made plain, without markup in mind. */
export const foldText = (text: string): string => Array.from(text, fold).join('');

/** Makes a text readable, keeping where each character came from. Linear in the length of the text. */
export const toReadable = (text: string): ReadableText => {
  const parts: string[] = [];
  const from: number[] = [];
  const to: number[] = [];
  let at = 0;
  const push = (part: string, start: number, end: number) => {
    parts.push(part);
    for (let i = 0; i < part.length; i++) {
      from.push(start);
      to.push(end);
    }
  };
  for (const char of hideMarkup(text)) {
    const end = at + char.length;
    if (char !== HIDDEN) {
      const isAscii = char.length === 1 && char.charCodeAt(0) < 0x80;
      // "3½" is three and a half, not thirty-one halves.
      if (!isAscii && FRACTION.test(char)) push(' ', at, end);
      push(isAscii ? char : fold(char), at, end);
    }
    at = end;
  }
  return { plain: parts.join(''), from: Uint32Array.from(from), to: Uint32Array.from(to) };
};
