/** The latent of a text chunk: the flow of its noise, block by block and no further than asked for. */
import { columns } from '../growing-speech.ts';
import { float32, type OnnxSession } from '../onnx-session.ts';
import { createRandom } from '../random.ts';
import { ADDED } from './cut-voice.ts';
import { framesOf, type Handovers } from './handovers.ts';

/** Frames of a block but the first. */
const BLOCK_FRAMES = 128;

/** The flow of a voice. */
export interface FlowPart {
  readonly session: OnnxSession;
  /** Name of its output. */
  readonly latent: string;
  /** Frames that it sees to each side; null: all. */
  readonly contextFrames: number | null;
  /** Of the first block: what the first window of sound needs. */
  readonly firstFrames: number;
}

/**
 * Runs a flow once.
 * @param noise - float32[C × frameCount], standard normal
 * @param handed - what the encoder says of these frames
 * @returns float32[C × frameCount]
 */
export const runFlow = async (
  { session, latent }: FlowPart,
  noise: Float32Array,
  handed: Handovers,
  frameCount: number,
): Promise<Float32Array> => {
  const shape = [1, noise.length / frameCount, frameCount];
  return (await session.run({ ...handed, [ADDED.noise]: float32(noise, shape) })).get(latent, 'float32').data;
};

/** The latent of one chunk. It is computed in the same blocks, whatever is asked for: runs of other lengths round otherwise. */
export class GrowingLatent {
  readonly #flow: FlowPart;
  readonly #frameCount: number;
  readonly #latent: Float32Array;
  readonly #seed: number;
  readonly #channels: number;
  /** float32[C × frameCount], standard normal, known up to `#drawn`. */
  #noise: Float32Array;
  #drawn = 0;
  #handed: Handovers;
  #known = 0;

  constructor(
    flow: FlowPart,
    handed: Handovers,
    size: { readonly channels: number; readonly frameCount: number },
    seed: number,
  ) {
    this.#flow = flow;
    this.#handed = handed;
    this.#frameCount = size.frameCount;
    this.#channels = size.channels;
    this.#seed = seed;
    this.#noise = new Float32Array(size.channels * size.frameCount);
    this.#latent = new Float32Array(size.channels * size.frameCount);
  }

  /** Columns `first` to before `end`: float32[C × (end - first)]. */
  async columns(first: number, end: number): Promise<Float32Array> {
    while (end > this.#known) await this.#next();
    return columns(this.#latent, this.#frameCount, first, end);
  }

  #blockEnd(): number {
    const { contextFrames, firstFrames } = this.#flow;
    const end = this.#known === 0 ? firstFrames : this.#known + BLOCK_FRAMES;
    // A short rest joins the block: alone it would be nearly all context.
    return contextFrames === null || this.#frameCount - end < BLOCK_FRAMES / 2 ? this.#frameCount : end;
  }

  async #next(): Promise<void> {
    const width = this.#frameCount;
    const end = this.#blockEnd();
    const context = this.#flow.contextFrames ?? 0;
    const from = Math.max(0, this.#known - context);
    const to = Math.min(width, end + context);
    this.#drawTo(to);
    const noise = columns(this.#noise, width, from, to);
    const made = await runFlow(this.#flow, noise, framesOf(this.#handed, width, from, to), to - from);
    const rows = this.#latent.length / width;
    for (let row = 0; row < rows; row++) {
      const at = row * (to - from) - from;
      this.#latent.set(made.subarray(at + this.#known, at + end), row * width + this.#known);
    }
    this.#known = end;
    if (end < width) return;
    this.#noise = new Float32Array(0);
    this.#handed = {};
  }

  #drawTo(end: number): void {
    const column = new Float32Array(this.#channels);
    for (; this.#drawn < end; this.#drawn++) {
      // A frame's noise depends on seed and frame only.
      createRandom(this.#seed, this.#drawn).fillGaussian(column, 0, column.length);
      for (const [channel, value] of column.entries()) this.#noise[channel * this.#frameCount + this.#drawn] = value;
    }
  }
}
