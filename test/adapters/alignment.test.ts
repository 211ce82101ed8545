import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignCharacters } from '../../src/adapters/core/alignment.ts';

const spoken = (
  text: string,
  words: readonly (readonly [string, number, number])[],
  durationMs: number,
  startMs = 0,
) => {
  let from = 0;
  return {
    text,
    charStart: 0,
    startMs,
    durationMs,
    words: words.map(([word, start, end]) => {
      const charStart = text.indexOf(word, from);
      from = charStart + word.length;
      return { text: word, startMs: startMs + start, endMs: startMs + end, charStart, charEnd: from };
    }),
  };
};

describe('the alignment of characters', () => {
  test('spreads words over their letters and pauses over the marks between them', () => {
    const { chars, startsMs, durationsMs } = alignCharacters(
      spoken(
        'Hi, all.',
        [
          ['Hi', 20, 100],
          ['all', 200, 350],
        ],
        500,
      ),
    );

    expect(chars.join('')).toBe('Hi, all.');
    expect(startsMs).toEqual([0, 60, 100, 150, 200, 250, 300, 350]);
    expect(durationsMs).toEqual([60, 40, 50, 50, 50, 50, 50, 150]);
  });

  test('counts from the beginning of the session', () => {
    const { startsMs, durationsMs } = alignCharacters(spoken('ab', [['ab', 0, 100]], 100, 1000));

    expect([startsMs, durationsMs]).toEqual([
      [1000, 1050],
      [50, 50],
    ]);
  });

  test('gives text that is not heard no time', () => {
    expect(alignCharacters(spoken('  ', [], 0)).durationsMs).toEqual([0, 0]);
  });

  test('keeps a character that takes two UTF-16 units whole', () => {
    expect(alignCharacters(spoken('😀 yes', [['yes', 0, 300]], 300)).chars).toEqual(['😀', ' ', 'y', 'e', 's']);
  });

  test('adds up to the length of the sound for any text, and never goes back', () => {
    const word = fc.stringMatching(/^[a-z😀é]{1,6}$/u);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, fc.integer({ min: 1, max: 400 }), fc.constantFrom(' ', ', ', '. ', '-', ''))),
        fc.double({ min: 0, max: 200, noNaN: true }),
        fc.double({ min: 0, max: 100_000, noNaN: true }),
        (parts, tailMs, startMs) => {
          const text = parts.map(([letters, , gap]) => letters + gap).join('');
          let at = 0;
          let ms = startMs;
          const words = parts.map(([letters, lengthMs, gap]) => {
            const found = {
              text: letters,
              startMs: ms,
              endMs: ms + lengthMs,
              charStart: at,
              charEnd: at + letters.length,
            };
            at += letters.length + gap.length;
            ms += lengthMs + 10;
            return found;
          });
          const durationMs = text === '' ? 0 : ms - startMs + tailMs;

          const { chars, startsMs, durationsMs } = alignCharacters({ text, charStart: 0, startMs, durationMs, words });

          expect(chars.join('')).toBe(text);
          expect(durationsMs.every((duration) => duration >= 0)).toBe(true);
          expect(startsMs.every((start, i) => i === 0 || start === startsMs[i - 1]! + durationsMs[i - 1]!)).toBe(true);
          const sum = durationsMs.reduce((total, duration) => total + duration, 0);
          expect(sum).toBe(text === '' ? 0 : Math.round(startMs + durationMs) - Math.round(startMs));
        },
      ),
    );
  });
});
