import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Resampler } from '../../src/pipeline/resampler.ts';

const tone = (hz: number, rateHz: number, samples: number) =>
  Float32Array.from({ length: samples }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rateHz));
const rms = (pcm: Float32Array) => Math.sqrt(pcm.reduce((sum, x) => sum + x * x, 0) / pcm.length);

describe('a resampler', () => {
  test('gives the same samples however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom([16_000, 48_000], [22_050, 48_000], [48_000, 16_000], [22_050, 16_000]),
        fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 8 }),
        ([fromHz = 0, toHz = 0], lengths) => {
          const input = tone(
            440,
            fromHz,
            lengths.reduce((sum, length) => sum + length, 0),
          );
          const inOne = new Resampler(fromHz, toHz).push(input);
          const cut = new Resampler(fromHz, toHz);
          let at = 0;

          const inParts = lengths.flatMap((length) => [...cut.push(input.subarray(at, (at += length)))]);

          expect(inParts).toEqual([...inOne]);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('gives as many samples as the rates say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (samples) => {
        const out = new Resampler(22_050, 48_000).push(new Float32Array(samples));

        expect(Math.abs(out.length - (samples * 48_000) / 22_050)).toBeLessThanOrEqual(48_000 / 22_050);
      }),
    );
  });

  test('keeps a tone and removes what the lower rate cannot carry', () => {
    const kept = new Resampler(48_000, 16_000).push(tone(1000, 48_000, 9600)).subarray(200);
    const removed = new Resampler(48_000, 16_000).push(tone(11_000, 48_000, 9600)).subarray(200);

    expect(rms(kept)).toBeCloseTo(Math.SQRT1_2, 2);
    expect(rms(removed)).toBeLessThan(0.001);
  });

  test('refuses rates that are none', () => {
    expect(() => new Resampler(0, 16_000)).toThrow(RangeError);
  });
});
