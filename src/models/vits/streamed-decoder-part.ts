/** The decoder of a cut voice as a graph that remembers: made from its nodes, tried out, and run piece by piece. */
import { columns } from '../growing-speech.ts';
import { float32, int64, OnnxSession, type SessionOptions, type Tensor } from '../onnx-session.ts';
import { createRandom, gaussianNoise } from '../random.ts';
import type { CutVoice, Handed } from './cut-voice.ts';
import { descendants } from './graph-walk.ts';
import { columnsPerFrame, framesOf, type Handovers } from './handovers.ts';
import { createNode, createValue, type ElementType, type OnnxModel } from './onnx-file.ts';
import { type Memory, SWITCHES } from './stream-builder.ts';
import { NotStreamable, type StreamedGraph, streamGraph } from './streamed-graph.ts';
import type { Trial } from './tensor-lanes.ts';

/** Pieces equal the whole when no sample differs by more, as a share of the peak: what float32 rounds differently. */
const TOLERANCE = 1e-5;
/** Frames of the runs that tell how tensors grow. */
const TRIAL_FRAMES = [6, 8] as const;
/** Their fixed inputs are weights, whose numbers no rule asks for. */
const WEIGHTED = new Set(['Conv', 'ConvTranspose', 'MatMul']);

/** What the decoder is made from, and an utterance to try it with. */
export interface DecoderSource {
  readonly cut: Pick<CutVoice, 'latent' | 'sound' | 'decoderNodes' | 'decoder'>;
  readonly weights: OnnxModel['weights'];
  readonly handed: readonly Handed[];
  readonly toDecoder: Handovers;
  readonly frameCount: number;
  readonly latentChannels: number;
}

/** A piece of what a decoder takes. */
export interface Piece {
  /** The latent of these frames, and what else is handed to the decoder. */
  readonly handed: Handovers;
  /** Of `noise`, by name. */
  readonly noise: Handovers;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** What the layers remember. */
export type Remembered = Handovers;

const emptyOf = ({ dtype, shape }: Memory): Tensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  if (dtype === 'float32') return float32(new Float32Array(count), shape);
  if (dtype === 'float64') return { dtype, data: new Float64Array(count), shape };
  if (dtype === 'int64') return { dtype, data: new BigInt64Array(count), shape };
  if (dtype === 'int32') return { dtype, data: new Int32Array(count), shape };
  return { dtype, data: new Uint8Array(count), shape };
};

/** The largest difference between two sounds, as a share of the peak; not a number when they are not equally long. */
const differenceOf = (made: Float32Array, wanted: Float32Array): number => {
  if (made.length !== wanted.length) return Number.NaN;
  let [worst, peak] = [0, 0];
  for (const [i, sample] of wanted.entries()) {
    peak = Math.max(peak, Math.abs(sample));
    worst = Math.max(worst, Math.abs(sample - made[i]!));
  }
  return worst === 0 ? 0 : worst / peak;
};

const check = (difference: number): number => {
  if (difference <= TOLERANCE) return difference;
  throw new NotStreamable(`makes another sound piece by piece, ${difference} of the peak off`);
};

/** A decoder's graph that remembers; what it remembers of a text chunk the caller keeps. */
export class StreamedDecoderPart {
  readonly graph: StreamedGraph;
  readonly #session: OnnxSession;
  readonly #sound: string;
  #pieceError = Number.POSITIVE_INFINITY;

  private constructor(graph: StreamedGraph, session: OnnxSession, { cut }: DecoderSource) {
    this.graph = graph;
    this.#session = session;
    this.#sound = cut.sound;
  }

  /**
   * Rewrites a decoder.
   * @param name - of the graph in messages
   * @throws {NotStreamable} when there is something in it that no rule is known for
   * @throws {VisavisError} `bad_model` when onnxruntime refuses what came of it
   */
  static async create(source: DecoderSource, name: string, options: SessionOptions): Promise<StreamedDecoderPart> {
    const { cut, weights, handed, toDecoder, frameCount } = source;
    const running = Object.keys(toDecoder).filter((key) => columnsPerFrame(toDecoder[key]!, frameCount) !== undefined);
    const inputs = [cut.latent, ...running];
    const trials = await runTrials(source, inputs, name, options);
    const graph = streamGraph({ nodes: cut.decoderNodes, weights, inputs, output: cut.sound, trials });
    const value = (input: string, type: ElementType, dimensions: number) =>
      createValue(
        input,
        type,
        Array.from({ length: dimensions }, (_, i) => `${input}.${i}`),
      );
    const bytes = cut.decoder(handed, {
      nodes: graph.nodes,
      weights: graph.weights,
      inputs: [
        ...graph.memory.map(({ input, dtype, shape }) => value(input, dtype, shape.length)),
        ...graph.noise.map((noise) => value(noise.name, 'float32', noise.shape.length + 1)),
        ...(graph.switches.length > 0 ? [value(SWITCHES, 'int64', 1)] : []),
      ],
      outputs: graph.memory.map(({ output }) => output),
    });
    const part = new StreamedDecoderPart(graph, await OnnxSession.fromBytes(bytes, name, options), source);
    try {
      await part.#compare(trials[1], source);
      await part.#compareSplit(source);
      return part;
    } catch (error) {
      await part.release();
      throw error;
    }
  }

  /** Largest difference between pieces of noise and the whole of it, as a share of the peak. */
  get pieceError(): number {
    return this.#pieceError;
  }

  /** The whole sound of as many frames, with the noise of seed 0. */
  async whole(handed: Handovers, frames: number): Promise<Float32Array> {
    const noise = this.noiseOf(0, 0, 0, frames);
    return (await this.take({ handed, noise, isFirst: true, isLast: true }, this.nothing)).samples;
  }

  /** What layers remember before the first piece. */
  get nothing(): Remembered {
    return Object.fromEntries(this.graph.memory.map((memory) => [memory.input, emptyOf(memory)]));
  }

  /** The frames of what comes later than the latent, with the latent of frames `first` to before `end`. */
  late(first: number, end: number, isLast: boolean): readonly [first: number, end: number] {
    const { delayFrames } = this.graph;
    return [Math.max(0, first - delayFrames), isLast ? end : end - delayFrames];
  }

  /** Normal noise of frames `first` to before `end`, for graphs that take some; a frame's depends on the seed and the frame. */
  noiseOf(seed: number, stream: number, first: number, end: number): Handovers {
    const { noise } = this.graph;
    const all = noise.map(({ name, shape, rate }) => {
      const rows = shape.reduce((product, size) => product * size, 1);
      const columns = (end - first) * rate;
      return { name, rows, rate, columns, shape: [...shape, columns], data: new Float32Array(rows * columns) };
    });
    if (all.length === 0) return {};
    for (let frame = first; frame < end; frame++) {
      const random = createRandom(seed, stream - frame);
      for (const { rows, rate, columns, data } of all) {
        for (let row = 0; row < rows; row++) {
          const at = row * columns + (frame - first) * rate;
          random.fillGaussian(data, at, at + rate);
        }
      }
    }
    return Object.fromEntries(all.map(({ name, data, shape }) => [name, float32(data, shape)]));
  }

  /** Takes a piece. @returns the samples that can be told now, and what is remembered for the next piece */
  async take(
    { handed, noise, isFirst, isLast }: Piece,
    remembered: Remembered,
  ): Promise<{ readonly samples: Float32Array; readonly remembered: Remembered }> {
    const { switches, memory } = this.graph;
    const isAt = { first: isFirst, last: isLast };
    const outputs = await this.#session.run({
      ...handed,
      ...noise,
      ...remembered,
      ...(switches.length > 0 && {
        [SWITCHES]: int64(
          switches.map(({ piece, here, elsewhere }) => (isAt[piece] ? here : elsewhere)),
          [switches.length],
        ),
      }),
    });
    return {
      samples: outputs.get(this.#sound, 'float32').data,
      remembered: isLast ? {} : Object.fromEntries(memory.map(({ input, output }) => [input, outputs.any(output)])),
    };
  }

  release(): Promise<void> {
    return this.#session.release();
  }

  /** Whether the rewritten graph gives what the original one gave. */
  async #compare({ tensors }: Trial, { toDecoder, cut }: DecoderSource): Promise<void> {
    const given = (name: string): Tensor => {
      const tensor = tensors.get(name);
      if (!tensor) throw new NotStreamable(`has no tensor "${name}"`);
      return tensor;
    };
    const all = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, given(name)]));
    const { samples } = await this.take(
      {
        handed: {
          ...toDecoder,
          [cut.latent]: given(cut.latent),
          ...all(Object.keys(toDecoder).filter((name) => tensors.has(name))),
        },
        noise: all(this.graph.noise.map(({ name }) => name)),
        isFirst: true,
        isLast: true,
      },
      this.nothing,
    );
    check(differenceOf(samples, given(cut.sound).data as Float32Array));
  }

  /** Whether pieces join to the whole. */
  async #compareSplit({ cut, latentChannels, toDecoder, frameCount }: DecoderSource): Promise<void> {
    const { leastFrames } = this.graph;
    const ends = [leastFrames, leastFrames + 1, leastFrames + 4, leastFrames + 9];
    const frames = ends.at(-1) ?? 0;
    const latent = gaussianNoise(createRandom(4), latentChannels * frames);
    const piece = (first: number, end: number): Handovers => ({
      ...framesOf(toDecoder, frameCount, ...this.late(first, end, end === frames)),
      [cut.latent]: float32(columns(latent, frames, first, end), [1, latentChannels, end - first]),
    });
    const whole = await this.whole(piece(0, frames), frames);
    const joined = new Float32Array(whole.length);
    let remembered = this.nothing;
    let known = 0;
    for (const [i, end] of ends.entries()) {
      const first = ends[i - 1] ?? 0;
      const taken = await this.take(
        {
          handed: piece(first, end),
          noise: this.noiseOf(0, 0, ...this.late(first, end, end === frames)),
          isFirst: i === 0,
          isLast: end === frames,
        },
        remembered,
      );
      if (known + taken.samples.length > whole.length) throw new NotStreamable('makes more sound piece by piece');
      joined.set(taken.samples, known);
      known += taken.samples.length;
      remembered = taken.remembered;
    }
    this.#pieceError = check(known === whole.length ? differenceOf(joined, whole) : Number.NaN);
  }
}

/** Runs the decoder as it is with two lengths, and gives all tensors that the rules may ask for. */
const runTrials = async (
  { cut, weights, handed, toDecoder, frameCount, latentChannels }: DecoderSource,
  inputs: readonly string[],
  name: string,
  options: SessionOptions,
): Promise<readonly [Trial, Trial]> => {
  const hears = descendants(cut.decoderNodes, inputs);
  const path = cut.decoderNodes.filter((node) => node.inputs.some((input) => hears.has(input)));
  const made = new Set(cut.decoderNodes.flatMap((node) => node.outputs));
  const fixed = new Set(
    path.filter(({ op }) => !WEIGHTED.has(op)).flatMap((node) => node.inputs.filter((input) => !hears.has(input))),
  );
  const copies = [...fixed].filter((input) => weights.has(input));
  const copyOf = (input: string) => `visavis.copy.${input}`;
  const asked = [
    ...path.flatMap((node) => node.outputs.filter((output) => output !== '' && output !== cut.sound)),
    ...[...fixed].filter((input) => made.has(input)),
  ];
  const session = await OnnxSession.fromBytes(
    cut.decoder(handed, {
      nodes: [...cut.decoderNodes, ...copies.map((input) => createNode('Identity', [input], [copyOf(input)]))],
      outputs: [...asked, ...copies.map(copyOf)],
    }),
    name,
    options,
  );
  try {
    const run = async (frames: number): Promise<Trial> => {
      const latent = float32(gaussianNoise(createRandom(3), latentChannels * frames), [1, latentChannels, frames]);
      const beside = framesOf(toDecoder, frameCount, 0, frames);
      const outputs = await session.run({ ...beside, [cut.latent]: latent });
      return {
        frames,
        tensors: new Map<string, Tensor>([
          [cut.latent, latent],
          ...inputs.filter((input) => input !== cut.latent).map((input) => [input, beside[input]!] as const),
          ...[cut.sound, ...asked].map((output) => [output, outputs.any(output)] as const),
          ...copies.map((input) => [input, outputs.any(copyOf(input))] as const),
        ]),
      };
    };
    return [await run(TRIAL_FRAMES[0]), await run(TRIAL_FRAMES[1])];
  } finally {
    await session.release();
  }
};
