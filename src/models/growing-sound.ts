/**
 * The sound of a text chunk, made in order and no further than asked for: the decoder's filters of the latent, and the source
 * that goes through them. What has been made is kept, and what it was made of is let go.
 */
import { columns, GrowingSpeech, type FrameInputs, type SpeechGraphs } from './growing-speech.ts';
import { float32, type OnnxSession } from './onnx-session.ts';
import { type DecoderGraph, StreamedDecoder } from './streamed-decoder.ts';
import { excite, SOURCE_CHANNELS } from './voice-source.ts';

/** Latent frames have the streams 0, 1, 2 … of the seed, the noise in the source of frame n has stream -2 - n. */
const SOURCE_STREAM = -2;

/** The graphs and sizes of the voice. */
export interface SoundGraphs extends SpeechGraphs {
  readonly decoder: DecoderGraph;
  readonly filter: OnnxSession;
  readonly filtersPerFrame: number;
  /** Frames that filters are heard in to each side. */
  readonly filterContextFrames: number;
  /** Frames of latent that a frame's filters wait for. */
  readonly decoderLookaheadFrames: number;
  /** Factor on the samples. */
  readonly gain: number;
}

/** What is needed until the last sample has been made. */
interface Making {
  readonly speech: GrowingSpeech;
  readonly decoder: StreamedDecoder;
  /** Filters that are still needed, float32[F × columns]. */
  filters: Float32Array;
  /** First column of `filters`, and the one after its last. */
  first: number;
  end: number;
}

/** Two row-major matrices of as many rows, side by side. */
const beside = (a: Float32Array, b: Float32Array, rows: number): Float32Array => {
  const [left, right] = [a.length / rows, b.length / rows];
  const joined = new Float32Array(a.length + b.length);
  for (let row = 0; row < rows; row++) {
    joined.set(a.subarray(row * left, (row + 1) * left), row * (left + right));
    joined.set(b.subarray(row * right, (row + 1) * right), row * (left + right) + left);
  }
  return joined;
};

/** The sound of one text chunk. */
export class GrowingSound {
  readonly frameCount: number;
  readonly #graphs: SoundGraphs;
  readonly #sound: Float32Array;
  /** Frames whose sound is known. */
  #known = 0;
  #making: Making | undefined;

  constructor(graphs: SoundGraphs, inputs: FrameInputs, seed: number) {
    this.frameCount = inputs.frameCount;
    this.#graphs = graphs;
    this.#sound = new Float32Array(inputs.frameCount * graphs.hopSamples);
    this.#making = {
      speech: new GrowingSpeech(graphs, inputs, seed),
      decoder: new StreamedDecoder(graphs.decoder),
      filters: new Float32Array(0),
      first: 0,
      end: 0,
    };
  }

  /** The sound of frames `first` to before `end`, float32[(end - first) × hopSamples], -1…1; the caller's own. */
  async samples(first: number, end: number): Promise<Float32Array> {
    if (this.#making && end > this.#known) await this.#makeTo(this.#making, end);
    const { hopSamples } = this.#graphs;
    return this.#sound.slice(first * hopSamples, end * hopSamples);
  }

  async #makeTo(making: Making, end: number): Promise<void> {
    const { filter, filtersPerFrame, filterContextFrames, hopSamples, gain } = this.#graphs;
    const from = Math.max(0, this.#known - filterContextFrames);
    const to = Math.min(this.frameCount, end + filterContextFrames);
    await this.#decodeTo(making, to);
    const rows = making.filters.length / (making.end - making.first);
    const filters = columns(
      making.filters,
      making.end - making.first,
      from * filtersPerFrame - making.first,
      to * filtersPerFrame - making.first,
    );
    const { pitch, seed } = making.speech;
    const source = excite(pitch, [from, to], this.#graphs, { seed, noiseStream: SOURCE_STREAM });
    const filtered = await filter.run({
      filters: float32(filters, [1, rows, (to - from) * filtersPerFrame]),
      source: float32(source, [1, SOURCE_CHANNELS, (to - from) * hopSamples]),
    });
    const audio = filtered.get('audio', 'float32').data;
    for (let i = this.#known * hopSamples, at = (this.#known - from) * hopSamples; i < end * hopSamples; i++, at++) {
      this.#sound[i] = Math.min(1, Math.max(-1, audio[at]! * gain));
    }
    this.#known = end;
    if (end === this.frameCount) this.#making = undefined;
  }

  /** Makes the filters of the frames before `end`, and forgets those that no further sound needs. */
  async #decodeTo(making: Making, end: number): Promise<void> {
    const { filtersPerFrame, filterContextFrames, decoderLookaheadFrames, latentChannels } = this.#graphs;
    const { speech, decoder } = making;
    const to = Math.min(this.frameCount, end + decoderLookaheadFrames);
    if (to <= decoder.fed) return;
    const latent = await speech.latent(decoder.fed, to);
    const { data, shape } = await decoder.feed(latent, latentChannels, to === this.frameCount);
    const [, rows = 0, width = 0] = shape;
    const needed = Math.max(0, this.#known - filterContextFrames) * filtersPerFrame;
    const kept = columns(making.filters, making.end - making.first, needed - making.first, making.end - making.first);
    making.filters = beside(kept, data, rows);
    making.first = needed;
    making.end += width;
  }
}
