/** Zero crossings of the windowed sinc on each side: 24 give more than 70 dB of stop band with a Blackman window. */
const ZERO_CROSSINGS = 24;

/** Greatest common divisor of two positive integers. */
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/**
 * Converts the sample rate of a stream, block by block, with a polyphase windowed-sinc filter; the state lives between the
 * blocks, so a stream cut anywhere gives the same samples. Delay: 24 samples of the lower rate.
 */
export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #taps: number;
  readonly #phases: readonly Float32Array[];
  #past: Float32Array;
  /** Position of the next output, in input samples × up, from the first sample of `#past`. */
  #position: number;

  /** @throws {RangeError} when a rate is not a positive integer. */
  constructor(fromHz: number, toHz: number) {
    if (!Number.isInteger(fromHz) || !Number.isInteger(toHz) || fromHz <= 0 || toHz <= 0) {
      throw new RangeError(`sample rates must be positive integers, got ${fromHz} and ${toHz}`);
    }
    const common = gcd(fromHz, toHz);
    this.#up = toHz / common;
    this.#down = fromHz / common;
    const cutoff = Math.min(1, toHz / fromHz);
    const half = Math.ceil(ZERO_CROSSINGS / cutoff);
    this.#taps = 2 * half;
    this.#phases = Array.from({ length: this.#up }, (_, phase) => sincPhase(phase / this.#up, half, cutoff));
    this.#past = new Float32Array(this.#taps - 1);
    this.#position = 0;
  }

  /** The samples that the input completes; about `input.length × toHz / fromHz` of them. */
  push(input: Float32Array): Float32Array {
    if (this.#up === this.#down) return input;
    const samples = new Float32Array(this.#past.length + input.length);
    samples.set(this.#past);
    samples.set(input, this.#past.length);
    // The last position whose taps are all there.
    const end = (samples.length - this.#taps + 1) * this.#up - 1;
    const out = new Float32Array(Math.max(0, Math.floor((end - this.#position) / this.#down) + 1));
    for (let i = 0; i < out.length; i += 1) {
      const first = Math.floor(this.#position / this.#up);
      const weights = this.#phases[this.#position % this.#up] as Float32Array;
      let sum = 0;
      for (let k = 0; k < weights.length; k += 1) sum += (weights[k] as number) * (samples[first + k] as number);
      out[i] = sum;
      this.#position += this.#down;
    }
    const consumed = samples.length - (this.#taps - 1);
    this.#past = samples.slice(consumed);
    this.#position -= consumed * this.#up;
    return out;
  }
}

/** Weights of one fractional delay, float32[2 × half], scaled to a gain of 1 at 0 Hz. */
const sincPhase = (fraction: number, half: number, cutoff: number): Float32Array => {
  const weights = Float32Array.from({ length: 2 * half }, (_, k) => {
    const t = k - (half - 1) - fraction;
    const x = Math.PI * t * cutoff;
    const w = (Math.PI * t) / half;
    const blackman = Math.abs(t) >= half ? 0 : 0.42 + 0.5 * Math.cos(w) + 0.08 * Math.cos(2 * w);
    return blackman * (x === 0 ? 1 : Math.sin(x) / x);
  });
  const gain = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / gain);
};
