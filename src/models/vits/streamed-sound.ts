/** The sound of a text chunk, made in order and no further than asked for by a decoder that remembers. What was made is kept. */
import type { FramesFeed } from './growing-frames.ts';
import type { Remembered, StreamedDecoderPart } from './streamed-decoder-part.ts';

/** Latent frames have the streams 0, 1, 2 … of the seed, durations -1; the noise in the source of frame n has -2 - n. */
const SOURCE_STREAM = -2;

/** Of a piece. A run reads all weights, however few columns there are, and rounds otherwise for very few. */
const LEAST_FRAMES = 8;

/** What is needed until the last sample has been made. */
interface Making {
  readonly latent: FramesFeed;
  /** What else is handed to the decoder. */
  readonly beside: FramesFeed;
  readonly seed: number;
  remembered: Remembered;
  /** Frames taken so far. */
  fed: number;
}

/** One chunk's sound. */
export class StreamedSound {
  readonly #decoder: StreamedDecoderPart;
  readonly #frameCount: number;
  readonly #sound: Float32Array;
  /** Samples that are known. */
  #known = 0;
  #making: Making | undefined;

  constructor(
    decoder: StreamedDecoderPart,
    frameCount: number,
    { latent, beside, seed }: Pick<Making, 'latent' | 'beside' | 'seed'>,
  ) {
    this.#decoder = decoder;
    this.#frameCount = frameCount;
    this.#sound = new Float32Array(frameCount * decoder.graph.hopSamples);
    this.#making = { latent, beside, seed, remembered: decoder.nothing, fed: 0 };
  }

  /** The sound of frames `first` to before `end`; the caller's own. */
  async samples(first: number, end: number): Promise<Float32Array> {
    const { hopSamples } = this.#decoder.graph;
    if (this.#making && end * hopSamples > this.#known) await this.#makeTo(this.#making, end);
    return this.#sound.slice(first * hopSamples, end * hopSamples);
  }

  async #makeTo(making: Making, end: number): Promise<void> {
    const { hopSamples, lagSamples, leastFrames } = this.#decoder.graph;
    const { latent, beside, seed, fed } = making;
    const least = fed === 0 ? Math.max(leastFrames, LEAST_FRAMES) : fed + LEAST_FRAMES;
    const needed = Math.max(end + Math.ceil(lagSamples / hopSamples), least);
    const to = needed > this.#frameCount - LEAST_FRAMES ? this.#frameCount : needed;
    const isLast = to === this.#frameCount;
    const late = this.#decoder.late(fed, to, isLast);
    const piece = {
      handed: { ...(await latent(fed, to)), ...(await beside(...late)) },
      noise: this.#decoder.noiseOf(seed, SOURCE_STREAM, ...late),
      isFirst: fed === 0,
      isLast,
    };
    const { samples, remembered } = await this.#decoder.take(piece, making.remembered);
    this.#sound.set(samples, this.#known);
    this.#known += samples.length;
    making.remembered = remembered;
    making.fed = to;
    if (isLast) this.#making = undefined;
  }
}
