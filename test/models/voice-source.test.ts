import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placesOf, repeatColumns } from '../../src/models/symbol-frames.ts';
import { createPitchContour, excite, extendPitch } from '../../src/models/voice-source.ts';
import { root } from '../support/models.ts';

const GRID = { hopSamples: 256, sampleRateHz: 16_000 };
const NOISE = { seed: 1, noiseStream: -2 };

const golden = JSON.parse(await readFile(join(root, 'test/fixtures/voice-source.json'), 'utf8')) as Readonly<
  Record<'frames' | 'pitch' | 'places' | 'pulses', number[]>
>;

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);

test('frames lie in their symbols where PyTorch has them', () => {
  const places = placesOf(Int32Array.from(golden.frames));

  expect(places).toHaveLength(golden.places.length);
  expect(largestDifference(places, golden.places)).toBeLessThan(1e-5);
});

test('a column of each symbol is repeated for each of its frames', () => {
  const repeated = repeatColumns(Float32Array.of(1, 2, 3, 10, 20, 30), Int32Array.of(2, 1, 3));

  expect(repeated.join(' ')).toBe('1 1 2 3 3 3 10 10 20 30 30 30');
});

/** A contour that is known at once, or its frames one after another. */
const contourOf = (pitch: Float32Array, block = pitch.length / 2) => {
  const count = pitch.length / 2;
  const contour = createPitchContour(count);
  for (let first = 0; first < count; first += block) {
    const end = Math.min(count, first + block);
    const part = [...pitch.subarray(first, end), ...pitch.subarray(count + first, count + end)];
    extendPitch(contour, Float32Array.from(part), first, GRID);
  }
  return contour;
};

test('the pulses are those of PyTorch', () => {
  const contour = contourOf(Float32Array.from(golden.pitch));
  const source = excite(contour, [0, 6], GRID, NOISE);
  const samples = 6 * 256;

  expect(source).toHaveLength(2 * samples);
  expect(largestDifference(source.subarray(0, samples), golden.pulses)).toBeLessThan(1e-3);
});

test('windows of any size join to the same source', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: 4, max: 6, noNaN: true }), fc.boolean()), { minLength: 3, maxLength: 30 }),
      fc.nat(),
      (frames, where) => {
        const pitch = Float32Array.from([...frames.map(([log]) => log), ...frames.map(([, on]) => (on ? 1 : -1))]);
        const contour = contourOf(pitch);
        const cut = 1 + (where % (frames.length - 1));
        const whole = excite(contour, [0, frames.length], GRID, NOISE);
        const left = excite(contour, [0, cut], GRID, NOISE);
        const right = excite(contour, [cut, frames.length], GRID, NOISE);
        const length = frames.length * 256;
        for (let channel = 0; channel < 2; channel++) {
          const joined = [
            ...left.subarray(channel * cut * 256, (channel + 1) * cut * 256),
            ...right.subarray(channel * (length - cut * 256), (channel + 1) * (length - cut * 256)),
          ];
          expect(largestDifference(joined, whole.subarray(channel * length, (channel + 1) * length))).toBe(0);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('a contour that becomes known frame by frame is the same', () => {
  const pitch = Float32Array.from(golden.pitch);

  expect(contourOf(pitch, 1)).toEqual(contourOf(pitch));
  expect(contourOf(pitch, 4)).toEqual(contourOf(pitch));
});

test('the noise of a frame follows from the seed and the frame alone', () => {
  const contour = contourOf(Float32Array.from(golden.pitch));
  const noiseOf = (seed: number) => excite(contour, [2, 3], GRID, { ...NOISE, seed }).subarray(256);

  expect(noiseOf(1)).toEqual(noiseOf(1));
  expect(noiseOf(1)).not.toEqual(noiseOf(2));
});
