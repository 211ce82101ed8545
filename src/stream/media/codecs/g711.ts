/** Telephony's logarithmic 8-bit samples (ITU-T G.711), from float32 in -1…1; louder samples are clipped. */

const MU_BIAS = 0x84;
const MU_CLIP = 32_635;

const toInt16 = (sample: number) => Math.round(Math.max(-1, Math.min(1, sample)) * 32_767);

/** µ-law: a byte a sample. */
export const toMuLaw = (pcm: Float32Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(pcm, (sample) => {
    const value = toInt16(sample);
    const magnitude = Math.min(Math.abs(value), MU_CLIP) + MU_BIAS;
    const exponent = 31 - Math.clz32(magnitude) - 7;
    const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    return ~((value < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff;
  });

/** A-law: a byte a sample. */
export const toALaw = (pcm: Float32Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(pcm, (sample) => {
    const value = toInt16(sample);
    // One's complement, so that -1 and 0 differ: G.711 has no zero.
    const magnitude = (value < 0 ? ~value : value) >> 3;
    const exponent = magnitude < 32 ? 0 : 31 - Math.clz32(magnitude) - 4;
    const mantissa = (exponent === 0 ? magnitude >> 1 : magnitude >> exponent) & 0x0f;
    return ((value < 0 ? 0 : 0x80) | (exponent << 4) | mantissa) ^ 0x55;
  });
