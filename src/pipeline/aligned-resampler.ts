import { Resampler } from './resampler.ts';

/** Zero crossings on each side of the `Resampler`'s filter: its delay, in samples of the lower rate. */
const DELAY_SAMPLES = 24;

/**
 * Converts the sample rate of a sound that has a beginning and an end: no delay, and exactly as long as the sound,
 * `round(samples × toHz / fromHz)`. For what is measured, such as speech whose characters have times.
 */
export class AlignedResampler {
  readonly #resampler: Resampler;
  readonly #ratio: number;
  readonly #tailSamples: number;
  #toSkip: number;
  #taken = 0;
  #given = 0;

  /** @throws {RangeError} when a rate is not a positive integer. */
  constructor(fromHz: number, toHz: number) {
    this.#resampler = new Resampler(fromHz, toHz);
    this.#ratio = toHz / fromHz;
    const delay = fromHz === toHz ? 0 : Math.ceil(DELAY_SAMPLES / Math.min(1, this.#ratio));
    this.#tailSamples = 2 * delay;
    this.#toSkip = Math.round(delay * this.#ratio);
  }

  /** The samples that the input completes. */
  push(pcm: Float32Array): Float32Array {
    this.#taken += pcm.length;
    return this.#give(this.#resampler.push(pcm));
  }

  /** The rest, once the sound has ended. */
  end(): Float32Array {
    const rest = this.#give(this.#resampler.push(new Float32Array(this.#tailSamples)));
    const due = Math.round(this.#taken * this.#ratio);
    return rest.subarray(0, Math.max(0, rest.length - (this.#given - due)));
  }

  #give(pcm: Float32Array): Float32Array {
    const skipped = Math.min(this.#toSkip, pcm.length);
    this.#toSkip -= skipped;
    this.#given += pcm.length - skipped;
    return pcm.subarray(skipped);
  }
}
