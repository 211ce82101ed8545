import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completeWords, wordPieces } from '../../client/page/composer.ts';

describe('completeWords', () => {
  it.each([
    ['', '', ''],
    ['hel', '', 'hel'],
    ['hello ', 'hello ', ''],
    ['hello my fri', 'hello my ', 'fri'],
    ['one\ntwo', 'one\n', 'two'],
  ])('cuts %j', (typed, complete, rest) => {
    expect(completeWords(typed)).toEqual({ complete, rest });
  });
});

describe('wordPieces', () => {
  it('gives one word a piece', () => {
    expect(wordPieces('Yes, I can. ')).toEqual(['Yes,', ' I', ' can. ']);
  });

  it('loses nothing', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\s*\S[\s\S]*$/), (text) => {
        expect(wordPieces(text).join('')).toBe(text);
      }),
    );
  });
});
