/**
 * The CMU pronouncing dictionary, kept as the bytes of its file with a hash table over them: 6 MB and some 30 ms to load, where
 * importing it as an object would take 60 MB and 140 ms in every worker.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { VisavisError } from '../../errors.ts';
import type { Phones } from './phones.ts';

const SLOTS = 1 << 18; // a power of two, about twice the number of words
const EXPECTED_WORDS = 100_000;
const QUOTE = 0x22;
const NEWLINE = 0x0a;
const VARIANT = 0x28; // "word(2)" is another pronunciation of a word
const INDENT = '  "'.length;
const BETWEEN = '": "'.length;
/** A few entries say after it where the word comes from. */
const REMARK = ' #';

interface Dictionary {
  readonly bytes: Buffer;
  /** Open addressing: where the word of each slot begins in `bytes`, 0 when free. */
  readonly slots: Uint32Array;
}

let loaded: Dictionary | undefined;

/** FNV-1a over the bytes up to the closing quote; undefined for another pronunciation of a word. */
const hashUntilQuote = (bytes: Uint8Array, start: number): number | undefined => {
  let hash = 0x811c9dc5;
  for (let i = start; bytes[i] !== QUOTE; i++) {
    const byte = bytes[i];
    if (byte === VARIANT || byte === undefined) return undefined;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
};

const load = (): Dictionary => {
  const file = createRequire(import.meta.url).resolve('cmu-pronouncing-dictionary');
  const bytes = readFileSync(file);
  const slots = new Uint32Array(SLOTS);
  let words = 0;
  for (let line = bytes.indexOf(NEWLINE) + 1; line > 0; line = bytes.indexOf(NEWLINE, line) + 1) {
    const start = line + INDENT;
    if (bytes[start - 1] !== QUOTE) continue;
    let slot = hashUntilQuote(bytes, start);
    if (slot === undefined) continue;
    while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    slots[slot] = start;
    if (++words >= SLOTS - 1) break;
  }
  if (words < EXPECTED_WORDS) {
    throw new VisavisError(
      'bad_model',
      `the CMU dictionary has ${words} words that can be read, expected ${EXPECTED_WORDS} or more: ${file}; reinstall with npm ci`,
    );
  }
  return { bytes, slots };
};

/**
 * The first pronunciation that the CMU dictionary has for a lower-case word, or undefined. The first call loads the dictionary.
 * @throws {VisavisError} `bad_model` when the dictionary is not the file it should be.
 */
export const lookUp = (word: string): Phones | undefined => {
  loaded ??= load();
  const { bytes, slots } = loaded;
  const key = Buffer.from(`${word}"`, 'latin1');
  const hash = hashUntilQuote(key, 0);
  if (hash === undefined || key.length === 1) return undefined;
  for (let slot = hash, start = slots[slot]; start; slot = (slot + 1) & (SLOTS - 1), start = slots[slot]) {
    if (bytes.compare(key, 0, key.length, start, start + key.length) === 0) {
      const from = start + key.length - 1 + BETWEEN;
      const [phones = ''] = bytes.toString('latin1', from, bytes.indexOf(QUOTE, from)).split(REMARK);
      return phones.split(' ');
    }
  }
  return undefined;
};
