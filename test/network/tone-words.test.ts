import { describe, expect, it } from 'vitest';
import { missingWords, toneWordSlot, wordsIn } from '../support/network/tone-words.ts';

const RATE_HZ = 16_000;
const recording = (slots: number, lost: (sequence: number) => boolean = () => false): Float32Array =>
  Float32Array.from(
    Array.from({ length: slots }, (_, i) =>
      [...toneWordSlot(i, RATE_HZ).pcm].map((sample) => (lost(i) ? 0 : sample)),
    ).flat(),
  );

describe('tone words', () => {
  it('are found in a recording, in order', () => {
    const words = wordsIn(recording(70), RATE_HZ);

    expect(words).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1]);
    expect(missingWords(words)).toBe(0);
  });

  it('are missed when most of one is lost, but not for a short gap', () => {
    expect(
      missingWords(
        wordsIn(
          recording(70, (i) => i >= 14 && i < 18),
          RATE_HZ,
        ),
      ),
    ).toBe(1);
    expect(
      missingWords(
        wordsIn(
          recording(70, (i) => i % 7 === 2),
          RATE_HZ,
        ),
      ),
    ).toBe(0);
  });
});
