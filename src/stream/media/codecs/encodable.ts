/**
 * What may be given to native encoders. Those of FFmpeg believe what they are told: a wrong length is read past its end, a size or
 * rate out of range ends in an assertion, and both would take the whole process along with every session in it. So nothing reaches
 * them that has not passed here.
 */
import { VisavisError } from '../../../errors.ts';

/** Beyond these no encoder is opened. */
const PICTURE_SIZE = { least: 16, most: 4096 } as const;
const SAMPLE_RATE_HZ = { least: 4000, most: 192_000 } as const;
const BITRATE_BPS = { least: 1000, most: 50_000_000 } as const;

/** @throws {VisavisError} `unsupported_media` when an encoder cannot be opened for pictures of `size`². */
export const checkPictureSize = (size: number): void => {
  const { least, most } = PICTURE_SIZE;
  if (Number.isInteger(size) && size % 2 === 0 && size >= least && size <= most) return;
  throw new VisavisError(
    'unsupported_media',
    `A picture is square, of an even number of pixels from ${least} to ${most}, not of ${size}.`,
  );
};

/** @throws {VisavisError} `unsupported_media` when an encoder cannot be opened for sound of that rate. */
export const checkSampleRate = (sampleRateHz: number): void => {
  const { least, most } = SAMPLE_RATE_HZ;
  if (Number.isInteger(sampleRateHz) && sampleRateHz >= least && sampleRateHz <= most) return;
  throw new VisavisError(
    'unsupported_media',
    `A sample rate is a whole number from ${least} to ${most} Hz, not ${sampleRateHz}.`,
  );
};

/** @throws {VisavisError} `unsupported_media` when an encoder cannot be opened for a bit rate. */
export const checkBitrate = (bitrateBps: number): void => {
  const { least, most } = BITRATE_BPS;
  if (Number.isInteger(bitrateBps) && bitrateBps >= least && bitrateBps <= most) return;
  throw new VisavisError(
    'unsupported_media',
    `A bit rate is a whole number from ${least} to ${most} bit/s, not ${bitrateBps}.`,
  );
};

/** @throws {RangeError} when a buffer has not the length that `what` takes. One that was transferred away has length 0. */
export const checkLength = (what: string, unit: string, length: number, expected: number): void => {
  if (length !== expected) throw new RangeError(`${what} takes ${expected} ${unit}, not ${length}.`);
};

/** The same sound, in a buffer of its own, in -1…1: louder samples are clipped, and what is no number is silence. */
export const encodablePcm = (pcm: Float32Array): Float32Array<ArrayBuffer> => {
  const bounded = new Float32Array(pcm.length);
  for (let i = 0; i < pcm.length; i += 1) {
    const sample = pcm[i]!;
    // Comparisons with NaN are false.
    bounded[i] = sample >= 1 ? 1 : sample <= -1 ? -1 : sample > -1 ? sample : 0;
  }
  return bounded;
};
