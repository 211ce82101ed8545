/**
 * What a voice computes of a text chunk before sound: the prior, the pitch and the latent of its frames, in order and no
 * sooner than they are needed. The first window of sound needs little of it, and then waits for no more.
 */
import { float32, type OnnxSession } from './onnx-session.ts';
import { createRandom } from './random.ts';
import { PLACE_CHANNELS } from './symbol-frames.ts';
import { createPitchContour, extendPitch, type PitchContour } from './voice-source.ts';

/** Frames of a block but the first: long ones share little with their neighbours, short ones take little time. */
const BLOCK_FRAMES = 192;
/** Frames beyond the latent whose pitch sound needs: that of its end goes in a line to the one after. */
const PITCH_AHEAD = 2;

/** In place of what is not needed any more. */
const NOTHING = new Float32Array(0);

/** The graphs and sizes of the voice. */
export interface SpeechGraphs {
  readonly prior: OnnxSession;
  readonly flow: OnnxSession;
  readonly hiddenChannels: number;
  readonly latentChannels: number;
  /** Frames that the graphs see to each side. */
  readonly priorContextFrames: number;
  readonly flowContextFrames: number;
  readonly hopSamples: number;
  readonly sampleRateHz: number;
  /** Of the prior. */
  readonly noiseScale: number;
  /** What the first window of sound needs. */
  readonly firstBlockFrames: number;
}

/** What the encoder says of T frames. */
export interface FrameInputs {
  /** float32[H × T] */
  readonly hidden: Float32Array;
  /** float32[3 × T] */
  readonly places: Float32Array;
  readonly frameCount: number;
}

/** Columns `from` to before `to` of a row-major matrix `width` columns wide. */
export const columns = (matrix: Float32Array, width: number, from: number, to: number): Float32Array => {
  if (from === 0 && to === width) return matrix;
  const rows = matrix.length / width;
  const cut = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++)
    cut.set(matrix.subarray(row * width + from, row * width + to), row * (to - from));
  return cut;
};

/** Copies columns `first` to before `end` of `block`, whose first column is column `from` of the matrix, into the matrix. */
const fill = (
  matrix: Float32Array,
  width: number,
  block: Float32Array,
  from: number,
  [first, end]: readonly [number, number],
): void => {
  const rows = matrix.length / width;
  const blockWidth = block.length / rows;
  for (let row = 0; row < rows; row++) {
    const at = row * blockWidth - from;
    matrix.set(block.subarray(at + first, at + end), row * width + first);
  }
};

/**
 * The frames of one text chunk. They are computed in the same blocks, whatever is asked for: a run of another length rounds
 * otherwise, and after a second of speech a millionth of the pitch is heard as another phase.
 */
export class GrowingSpeech {
  readonly frameCount: number;
  /** Known a little further than the latent that has been asked for. */
  readonly pitch: PitchContour;
  readonly seed: number;
  readonly #graphs: SpeechGraphs;
  #inputs: FrameInputs;
  #prior: Float32Array;
  readonly #latent: Float32Array;
  #priorEnd = 0;
  #latentEnd = 0;

  constructor(graphs: SpeechGraphs, inputs: FrameInputs, seed: number) {
    this.frameCount = inputs.frameCount;
    this.seed = seed;
    this.pitch = createPitchContour(inputs.frameCount);
    this.#graphs = graphs;
    this.#inputs = inputs;
    this.#prior = new Float32Array(graphs.latentChannels * inputs.frameCount);
    this.#latent = new Float32Array(graphs.latentChannels * inputs.frameCount);
  }

  /** The latent of frames `first` to before `end`: float32[C × (end - first)]. */
  async latent(first: number, end: number): Promise<Float32Array> {
    while (end > this.#latentEnd) await this.#flowTo(this.#blockEnd());
    return columns(this.#latent, this.frameCount, first, end);
  }

  #blockEnd(): number {
    const end = this.#latentEnd === 0 ? this.#graphs.firstBlockFrames : this.#latentEnd + BLOCK_FRAMES;
    // A short rest joins the block: alone it would be nearly all context.
    return this.frameCount - end < BLOCK_FRAMES / 2 ? this.frameCount : end;
  }

  async #flowTo(end: number): Promise<void> {
    const { flow, latentChannels, flowContextFrames } = this.#graphs;
    const from = Math.max(0, this.#latentEnd - flowContextFrames);
    const to = Math.min(this.frameCount, end + flowContextFrames);
    const known = Math.min(this.frameCount, end + Math.max(flowContextFrames, PITCH_AHEAD));
    if (known > this.#priorEnd) await this.#priorTo(known);
    const prior = columns(this.#prior, this.frameCount, from, to);
    const flowed = await flow.run({ prior: float32(prior, [1, latentChannels, to - from]) });
    fill(this.#latent, this.frameCount, flowed.get('latent', 'float32').data, from, [this.#latentEnd, end]);
    this.#latentEnd = end;
    if (end === this.frameCount) this.#prior = NOTHING;
  }

  async #priorTo(end: number): Promise<void> {
    const { prior, hiddenChannels, latentChannels, priorContextFrames, noiseScale } = this.#graphs;
    const { hidden, places } = this.#inputs;
    const first = this.#priorEnd;
    const from = Math.max(0, first - priorContextFrames);
    const to = Math.min(this.frameCount, end + priorContextFrames);
    const width = to - from;
    const expected = await prior.run({
      hidden: float32(columns(hidden, this.frameCount, from, to), [1, hiddenChannels, width]),
      places: float32(columns(places, this.frameCount, from, to), [1, PLACE_CHANNELS, width]),
    });
    const mean = expected.get('mean', 'float32').data;
    const logScale = expected.get('log_scale', 'float32').data;
    const noise = new Float32Array(latentChannels);
    for (let frame = first; frame < end; frame++) {
      // A frame's noise depends on seed and frame only.
      createRandom(this.seed, frame).fillGaussian(noise, 0, latentChannels);
      for (let channel = 0; channel < latentChannels; channel++) {
        const at = channel * width + frame - from;
        this.#prior[channel * this.frameCount + frame] =
          mean[at]! + noise[channel]! * Math.exp(logScale[at]!) * noiseScale;
      }
    }
    const pitch = columns(expected.get('pitch', 'float32').data, width, first - from, end - from);
    extendPitch(this.pitch, pitch, first, this.#graphs);
    this.#priorEnd = end;
    if (end === this.frameCount) this.#inputs = { ...this.#inputs, hidden: NOTHING, places: NOTHING };
  }
}
