import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AlignedResampler } from '../../src/pipeline/aligned-resampler.ts';

const tone = (hz: number, rateHz: number, samples: number): Float32Array =>
  Float32Array.from({ length: samples }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rateHz));

const run = (fromHz: number, toHz: number, pcm: Float32Array, cut: number): Float32Array => {
  const resampler = new AlignedResampler(fromHz, toHz);
  const parts: Float32Array[] = [];
  for (let at = 0; at < pcm.length; at += cut) parts.push(resampler.push(pcm.subarray(at, at + cut)));
  parts.push(resampler.end());
  return Float32Array.from(parts.flatMap((part) => [...part]));
};

test('a sound keeps its length at another rate, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(8000, 16_000, 22_050, 24_000, 44_100, 48_000),
      fc.constantFrom(8000, 16_000, 22_050, 24_000, 44_100, 48_000),
      fc.integer({ min: 0, max: 3000 }),
      fc.integer({ min: 1, max: 700 }),
      (fromHz, toHz, samples, cut) => {
        const out = run(fromHz, toHz, tone(300, fromHz, samples), cut);

        expect(out.length).toBe(Math.round((samples * toHz) / fromHz));
      },
    ),
  );
});

test.each([
  [16_000, 24_000],
  [16_000, 22_050],
  [16_000, 8000],
  [22_050, 24_000],
])('from %i to %i Hz a sound is neither late nor changed', (fromHz, toHz) => {
  const out = run(fromHz, toHz, tone(440, fromHz, fromHz / 2), 1024);

  const meant = tone(440, toHz, out.length);
  // At the edges there is silence on one side.
  const inner = out.subarray(100, -100);
  // Half a sample at the higher rate is the most that rounding may shift.
  const shift = Math.PI * (440 / toHz);
  expect(Math.max(...inner.map((sample, i) => Math.abs(sample - meant[i + 100]!)))).toBeLessThan(shift + 0.01);
});
