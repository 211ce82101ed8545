/**
 * The excitation that a voice's decoder shapes into speech: a pulse train that follows the pitch, and noise, as in neural
 * source-filter models (Wang et al. 2019, arXiv 1810.11946) and Period VITS (arXiv 2210.15964, §3.2). The same numbers as
 * `training/voice/source.py`.
 */
import { createRandom } from './random.ts';

/** Pulses, noise. */
export const SOURCE_CHANNELS = 2;
/** Pulses have unit power times this: their height is the root of the period in samples, times the gain. */
const PULSE_GAIN = 0.25;

/** How high a chunk of speech is, T latent frames long. */
export interface PitchContour {
  /** float32[T], natural logarithm of Hz at the middle of each frame */
  readonly logPitch: Float32Array;
  /** T times 0 or 1 */
  readonly voiced: Uint8Array;
  /** float64[T], cycles from the beginning of the chunk to that of each frame */
  readonly turns: Float64Array;
}

/** Cycles a sample throughout a frame: the logarithm goes in straight lines from one frame's middle to the next. */
const fillSteps = (logPitch: Float32Array, frame: number, sampleRateHz: number, steps: Float64Array): void => {
  const half = steps.length / 2;
  const here = logPitch[frame]!;
  const before = logPitch[Math.max(0, frame - 1)]!;
  const after = logPitch[Math.min(logPitch.length - 1, frame + 1)]!;
  const rise = (here - before) / steps.length;
  const fall = (after - here) / steps.length;
  let step = Math.exp(here - rise * (half - 0.5)) / sampleRateHz;
  const up = Math.exp(rise);
  for (let i = 0; i < half; i++, step *= up) steps[i] = step;
  step = Math.exp(here + fall * 0.5) / sampleRateHz;
  const down = Math.exp(fall);
  for (let i = half; i < steps.length; i++, step *= down) steps[i] = step;
};

/** How voiced sample `i` of a frame is, 0…1: straight lines between the frames' middles. */
const voicing = (voiced: Uint8Array, frame: number, i: number, hopSamples: number): number => {
  const offset = (i + 0.5) / hopSamples - 0.5;
  const here = voiced[frame]!;
  const there = voiced[Math.min(voiced.length - 1, Math.max(0, frame + Math.sign(offset)))]!;
  return here + (there - here) * Math.abs(offset);
};

/** A contour of `frameCount` frames, of which nothing is known yet. */
export const createPitchContour = (frameCount: number): PitchContour => ({
  logPitch: new Float32Array(frameCount),
  voiced: new Uint8Array(frameCount),
  turns: new Float64Array(frameCount),
});

/**
 * Writes further frames into a contour, whose frames before `first` are known. What depends on the pitch of the frame after
 * is right up to the last but one.
 * @param pitch - float32[2 × n]: natural logarithm of Hz, and the logit of being voiced
 * @param first - the frame that `pitch` begins with
 */
export const extendPitch = (
  { logPitch, voiced, turns }: PitchContour,
  pitch: Float32Array,
  first: number,
  { hopSamples, sampleRateHz }: { readonly hopSamples: number; readonly sampleRateHz: number },
): void => {
  const count = pitch.length / 2;
  logPitch.set(pitch.subarray(0, count), first);
  for (let i = 0; i < count; i++) voiced[first + i] = pitch[count + i]! > 0 ? 1 : 0;
  const steps = new Float64Array(hopSamples);
  for (let frame = Math.max(1, first); frame < first + count; frame++) {
    fillSteps(logPitch, frame - 1, sampleRateHz, steps);
    let sum = turns[frame - 1]!;
    for (const step of steps) sum += step;
    turns[frame] = sum;
  }
};

/**
 * The source of frames `first` to before `end`: float32[2 × (end - first) × hopSamples], channel by channel. A frame's noise
 * depends on the seed and the frame alone.
 * @param noiseStream - the stream of the seed that frame 0 draws its noise from; frame n draws from `noiseStream - n`
 */
export const excite = (
  { logPitch, voiced, turns }: PitchContour,
  [first, end]: readonly [number, number],
  { hopSamples, sampleRateHz }: { readonly hopSamples: number; readonly sampleRateHz: number },
  { seed, noiseStream }: { readonly seed: number; readonly noiseStream: number },
): Float32Array => {
  const length = (end - first) * hopSamples;
  const source = new Float32Array(SOURCE_CHANNELS * length);
  const steps = new Float64Array(hopSamples);
  // One frame more than asked for: a pulse at its very beginning shares its height with the sample before.
  for (let frame = first; frame < Math.min(end + 1, logPitch.length); frame++) {
    const begin = (frame - first) * hopSamples;
    const wanted = frame < end ? hopSamples : 1;
    fillSteps(logPitch, frame, sampleRateHz, steps);
    let turn = turns[frame]!;
    for (let i = 0; i < wanted; i++) {
      const step = steps[i]!;
      const cycle = Math.floor(turn);
      turn += step;
      if (Math.floor(turn) === cycle) continue;
      const since = Math.min(1, (turn - Math.floor(turn)) / step);
      const height = PULSE_GAIN / Math.sqrt(step);
      if (frame < end) source[begin + i]! += height * (1 - since) * voicing(voiced, frame, i, hopSamples);
      if (begin + i > 0) {
        const before =
          i > 0 ? voicing(voiced, frame, i - 1, hopSamples) : voicing(voiced, frame - 1, hopSamples - 1, hopSamples);
        source[begin + i - 1]! += height * since * before;
      }
    }
    if (frame < end) {
      createRandom(seed, noiseStream - frame).fillGaussian(source, length + begin, length + begin + hopSamples);
    }
  }
  return source;
};
