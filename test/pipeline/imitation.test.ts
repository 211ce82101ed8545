import { describe, expect, test } from 'vitest';
import { MOTION_SIZE } from '../../src/media.ts';
import { likenessDb, smoothTrack, windowOf } from '../../src/pipeline/imitation.ts';

const still = (value: number) => new Float32Array(MOTION_SIZE).fill(value);
const first = (track: readonly Float32Array[]) => track.map((row) => row[0]);

describe('smoothTrack', () => {
  test('leaves alone what stands still or moves evenly', () => {
    const track = [0, 0.1, 0.2, 0.3, 0.3, 0.3].map(still);

    const smooth = first(smoothTrack(track));

    expect(smooth).toHaveLength(6);
    expect(smooth[1]).toBeCloseTo(0.1);
    expect(smooth[2]).toBeCloseTo(0.2);
    expect(smooth[4]).toBeCloseTo(0.3);
  });

  test('halves what trembles from frame to frame, and keeps a blink of two frames', () => {
    const trembling = first(smoothTrack([0, 1, 0, 1, 0, 1].map(still)));
    const blink = first(smoothTrack([0, 0, 1, 1, 0, 0].map(still)));

    expect(Math.abs(trembling[2]! - trembling[3]!)).toBeLessThan(0.5);
    expect(blink[2]).toBeGreaterThan(0.8);
  });

  test('takes no frame, and one', () => {
    expect(smoothTrack([])).toEqual([]);
    expect(first(smoothTrack([still(0.5)]))[0]).toBeCloseTo(0.5);
  });
});

test('windowOf puts the frame at its place and stands still beyond the ends', () => {
  const track = [1, 2, 3].map(still);

  const window = windowOf(track, 0, 5, 2);

  expect([0, 1, 2, 3, 4].map((i) => window[i * MOTION_SIZE])).toEqual([1, 1, 1, 2, 3]);
  expect(window).toHaveLength(5 * MOTION_SIZE);
});

test('likenessDb compares luma: equal pictures are far above different ones', () => {
  const white = new Uint8Array(4 * 3).fill(255);
  const asWhite = Uint8Array.of(235, 235, 235, 235, 128, 128);
  const asGrey = Uint8Array.of(125, 125, 125, 125, 128, 128);

  expect(likenessDb(white, asWhite)).toBeGreaterThan(80);
  expect(likenessDb(white, asGrey)).toBeCloseTo(10 * Math.log10(255 ** 2 / 110 ** 2), 3);
});
