import { describe, expect, test } from 'vitest';
import type { SpokenWord } from '../../src/models/english/index.ts';
import { createSequencer } from '../../src/models/phoneme-sequence.ts';

const SYMBOLS = ['_', '^', '$', ' ', ',', '.', '?', '!', 'HH', 'AH0', 'L', 'OW1', 'DH', 'EH1', 'R'];

const word = (text: string, pronunciations: readonly string[], punctuation = ''): SpokenWord => ({
  text,
  charStart: 0,
  charEnd: text.length,
  phonemes: pronunciations.map((phonemes) => phonemes.split(' ')),
  punctuation,
});
const hello = word('Hello', ['HH AH0 L OW1'], ',');
const there = word('there', ['DH EH1 R']);

describe('with the symbols of the embedded voice', () => {
  const sequence = createSequencer(SYMBOLS, false);
  const spell = (words: readonly SpokenWord[]) => sequence(words).ids.map((id) => SYMBOLS[id]);

  test('words stand between marks and boundaries, and the last one gets a full stop', () => {
    expect(spell([hello, there]).join('|')).toBe('^|HH|AH0|L|OW1|,| |DH|EH1|R|.|$');
  });

  test('the symbols of each word are known', () => {
    expect(sequence([hello, there]).words).toMatchObject([
      { word: hello, first: 1, end: 5 },
      { word: there, first: 7, end: 10 },
    ]);
  });

  test('a token that is read as several words has a boundary between them and is one span', () => {
    const both = word('hi2u', ['HH AH0', 'L OW1'], '?');

    const { ids, words } = sequence([both]);

    expect(ids.map((id) => SYMBOLS[id]).join('|')).toBe('^|HH|AH0| |L|OW1|?|$');
    expect(words).toMatchObject([{ word: both, first: 1, end: 6 }]);
  });

  test('a token without sound is skipped, and its mark goes to the word before it', () => {
    const smile = word('🙂', [], '!');

    expect(spell([smile, there, smile]).join('|')).toBe('^|DH|EH1|R|!|$');
  });

  test('nothing to say gives no symbols', () => {
    expect(sequence([word('🙂', [], '!')])).toEqual({ ids: [], words: [] });
  });

  test('a sound that the voice lacks is named', () => {
    expect(() => sequence([word('zoo', ['Z UW1'])])).toThrow(/"zoo" has the sound Z/);
  });

  test('a thousand symbols are the limit', () => {
    const many = Array.from({ length: 250 }, () => there);

    expect(sequence(many.slice(0, 249)).ids).toHaveLength(1 + 249 * 4 - 1 + 2);
    expect(() => sequence(many)).toThrow(expect.objectContaining({ code: 'text_too_long' }));
  });
});

test('an interspersed voice has a pad between every two symbols and none at the ends', () => {
  const sequence = createSequencer(SYMBOLS, true);

  const { ids, words } = sequence([there]);

  expect(ids.map((id) => SYMBOLS[id]).join('|')).toBe('^|_|DH|_|EH1|_|R|_|.|_|$');
  expect(words).toEqual([
    {
      word: there,
      first: 2,
      end: 7,
      phonemes: [
        { phoneme: 'DH', first: 2, end: 4 },
        { phoneme: 'EH1', first: 4, end: 6 },
        { phoneme: 'R', first: 6, end: 7 },
      ],
    },
  ]);
});

test('a voice without word boundaries gets none', () => {
  const symbols = SYMBOLS.filter((symbol) => symbol !== ' ');
  const sequence = createSequencer(symbols, false);

  expect(
    sequence([there, there])
      .ids.map((id) => symbols[id])
      .join('|'),
  ).toBe('^|DH|EH1|R|DH|EH1|R|.|$');
});

test('a voice without start symbol is refused', () => {
  expect(() => createSequencer(['_', '$'], false)).toThrow(/lack "\^"/);
});
