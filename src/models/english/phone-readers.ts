/** Readers of what the user says how to pronounce: `[[HH AH0 L OW1]]` in the text, words of the user's dictionary. */
import { sticky } from './patterns.ts';
import { ARPABET, parsePhones, type Phones } from './phones.ts';
import { pluralSound } from './pronounce.ts';
import type { Pronunciations } from './pronunciations.ts';
import type { Reader } from './reader.ts';

/** "[[Some page]]" is a link in many notes: only what looks like phonemes is taken for them. */
const looksLikePhones = (written: string): boolean => {
  const parts = written.trim().split(/\s+/);
  return (
    parts.some((part) => ARPABET.has(part)) ||
    parts.every((part) => ARPABET.has(part.toUpperCase())) ||
    parts.every((part) => /^[A-Z]{1,3}\d?$/.test(part)) ||
    /[^\p{ASCII}]/u.test(written)
  );
};

export const rawPhonesReader: Reader = {
  pattern: sticky(String.raw`\[\[(?<phones>[^[\]\n]{1,1000})\]\]`),
  read: ({ 0: written, groups }) => {
    const { length } = written;
    const phones = groups?.['phones'] ?? '';
    if (!/\S/.test(phones) || !looksLikePhones(phones)) return undefined;
    const parsed = parsePhones(phones);
    if ('phones' in parsed) return { length, kind: 'word', words: [], phones: parsed.phones };
    return { length, kind: 'word', words: [], problem: parsed.problem };
  },
};

const CANDIDATE = sticky(String.raw`[a-z\d][a-z\d'.+#&_/-]{0,61}`, 'i');
const isWordEnd = (plain: string, at: number) => !/[\p{L}\p{N}]/u.test(plain.charAt(at));

/** Reads the words of a dictionary: the longest entry that ends with a word, also as a possessive or plural with "'s". */
export const dictionaryReader = (pronunciations: Pronunciations): Reader => ({
  pattern: CANDIDATE,
  read: ([candidate], { plain, at }) => {
    const lower = candidate.toLowerCase();
    for (let length = candidate.length; length > 0; length--) {
      const phones: Phones | undefined = pronunciations.get(lower.slice(0, length));
      if (phones === undefined) continue;
      if (/^'s(?![\p{L}\p{N}])/u.test(plain.slice(at + length, at + length + 3))) {
        return { length: length + 2, kind: 'word', words: [], phones: pluralSound(phones) };
      }
      if (isWordEnd(plain, at + length)) return { length, kind: 'word', words: [], phones };
    }
    return undefined;
  },
});
