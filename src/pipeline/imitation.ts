/** Motion imitation (PIRenderer, Ren et al. 2021, §4.3): what is done with the descriptors that were read of a video's frames. */
import { MOTION_SIZE } from '../media.ts';

/** How much of the frame before and of the frame after is mixed into one: the reader's errors are independent from frame to frame. */
const NEIGHBOUR = 1 / 6;
/** Luma of BT.601 limited range, of RGB bytes (Rec. ITU-R BT.601-7 §2.5.3). */
const [RED, GREEN, BLUE, BLACK] = [65.481 / 255, 128.553 / 255, 24.966 / 255, 16] as const;

/**
 * Takes the trembling out of a track of descriptors, each float32[59]: a weighted mean of three frames, which keeps a blink of two.
 * The track's length stays; its ends are their own neighbours.
 */
export const smoothTrack = (track: readonly Float32Array[]): Float32Array[] =>
  track.map((own, i) => {
    const [before, after] = [track[i - 1] ?? own, track[i + 1] ?? own];
    return own.map((value, k) => (1 - 2 * NEIGHBOUR) * value + NEIGHBOUR * (before[k]! + after[k]!));
  });

/**
 * What a renderer takes for frame `index` of a track: `frames` descriptors in a row, of which number `centre` is its own. Beyond
 * its ends the track stands still.
 */
export const windowOf = (
  track: readonly Float32Array[],
  index: number,
  frames: number,
  centre: number,
): Float32Array => {
  const window = new Float32Array(frames * MOTION_SIZE);
  for (let i = 0; i < frames; i++) {
    const at = Math.min(track.length - 1, Math.max(0, index + i - centre));
    window.set(track[at] ?? [], i * MOTION_SIZE);
  }
  return window;
};

/**
 * How much a drawn frame looks like the picture that its descriptor was read of: peak signal-to-noise ratio of their luma, in dB.
 * @param rgb - `size`² × 3 bytes
 * @param i420 - `size`² × 1.5 bytes
 */
export const likenessDb = (rgb: Uint8Array, i420: Uint8Array): number => {
  const pixels = rgb.length / 3;
  let squares = 0;
  for (let i = 0; i < pixels; i++) {
    const luma = BLACK + RED * rgb[3 * i]! + GREEN * rgb[3 * i + 1]! + BLUE * rgb[3 * i + 2]!;
    squares += (luma - i420[i]!) ** 2;
  }
  return 10 * Math.log10(255 ** 2 / Math.max(squares / pixels, 1e-4));
};
