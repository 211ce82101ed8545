import { expect, test } from 'vitest';
import { phonemeTimes } from '../../../src/models/vits/phoneme-times.ts';

const starts = Float64Array.of(0, 10, 20, 30, 30, 50, 60, 70);

test('a blank belongs to the symbol before it, the first ones to the first symbol', () => {
  const symbols = ['', '', 'h', '', 'ə', '', 'l'];

  expect(phonemeTimes(symbols, starts, { first: 1, end: 7 })).toEqual([
    { phoneme: 'h', startMs: 10, endMs: 30 },
    { phoneme: 'ə', startMs: 30, endMs: 60 },
    { phoneme: 'l', startMs: 60, endMs: 70 },
  ]);
});

test('what lasts no time is left out, and a word without a symbol that lasts has none', () => {
  const symbols = ['', 'a', 'ɪ', 'ˈ', 'ə', '', ''];

  expect(phonemeTimes(symbols, starts, { first: 1, end: 5 })?.map(({ phoneme }) => phoneme)).toEqual(['a', 'ɪ', 'ə']);
  expect(phonemeTimes(symbols, starts, { first: 3, end: 4 })).toBeUndefined();
  expect(phonemeTimes(symbols, starts, { first: 5, end: 7 })).toBeUndefined();
});
