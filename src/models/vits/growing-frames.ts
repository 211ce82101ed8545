/** What a part of a voice makes of the frames of a text chunk: block by block, and no further than asked for. */
import { float32, type OnnxSession } from '../onnx-session.ts';
import { createRandom } from '../random.ts';
import { ADDED } from './cut-voice.ts';
import { framesOf, type Handovers } from './handovers.ts';

/** Frames of a block but the first: long ones share little with their neighbours. */
const BLOCK_FRAMES = 192;

/** Tensors of frames `from` to before `to`, by name. */
export type FramesFeed = (from: number, to: number) => Promise<Handovers>;

/** A part whose outputs have one column a frame. */
export interface FramesPart {
  readonly session: OnnxSession;
  /** Names of its outputs, float32[1, C, T]. */
  readonly gives: readonly string[];
  /** Frames that it sees to each side; null: all. */
  readonly contextFrames: number | null;
  /** Of the first block: what the first window of sound needs. */
  readonly firstFrames: number;
}

/** Standard normal noise for the flow, float32[1, C, T]; a frame's depends on seed and frame only. */
export const noiseFeed =
  (channels: number, seed: number): FramesFeed =>
  async (from, to) => {
    const width = to - from;
    const noise = new Float32Array(channels * width);
    const column = new Float32Array(channels);
    for (let frame = from; frame < to; frame++) {
      createRandom(seed, frame).fillGaussian(column, 0, channels);
      for (let channel = 0; channel < channels; channel++) noise[channel * width + frame - from] = column[channel]!;
    }
    return { [ADDED.noise]: float32(noise, [1, channels, width]) };
  };

/** One chunk. It is computed in the same blocks, whatever is asked for: runs of other lengths round otherwise. */
export class GrowingFrames {
  readonly #part: FramesPart;
  readonly #frameCount: number;
  #feed: FramesFeed | undefined;
  #made: Handovers = {};
  #known = 0;

  constructor(part: FramesPart, feed: FramesFeed, frameCount: number) {
    this.#part = part;
    this.#feed = feed;
    this.#frameCount = frameCount;
  }

  /** Columns `from` to before `to` of all outputs. */
  async columns(from: number, to: number): Promise<Handovers> {
    while (to > this.#known && this.#feed) await this.#next(this.#feed);
    return framesOf(this.#made, this.#frameCount, from, to);
  }

  #blockEnd(): number {
    const { contextFrames, firstFrames } = this.#part;
    const end = this.#known === 0 ? firstFrames : this.#known + BLOCK_FRAMES;
    // A short rest joins the block: alone it would be nearly all context.
    return contextFrames === null || this.#frameCount - end < BLOCK_FRAMES / 2 ? this.#frameCount : end;
  }

  async #next(feed: FramesFeed): Promise<void> {
    const { session, gives, contextFrames } = this.#part;
    const width = this.#frameCount;
    const end = this.#blockEnd();
    const context = contextFrames ?? 0;
    const from = Math.max(0, this.#known - context);
    const to = Math.min(width, end + context);
    const outputs = await session.run(await feed(from, to));
    for (const name of gives) {
      const block = outputs.get(name, 'float32').data;
      const rows = block.length / (to - from);
      const made = this.#made[name] ?? float32(new Float32Array(rows * width), [1, rows, width]);
      this.#made = { ...this.#made, [name]: made };
      for (let row = 0; row < rows; row++) {
        const at = row * (to - from) - from;
        (made.data as Float32Array).set(block.subarray(at + this.#known, at + end), row * width + this.#known);
      }
    }
    this.#known = end;
    if (end === width) this.#feed = undefined;
  }
}
