/**
 * The decoder of a voice, fed with latent frames as they come. Its layers remember what they still need of the frames before, so
 * nothing is computed twice, however short the pieces; what comes out joins to what the whole gives.
 */
import { float32, int64, type OnnxSession, type Tensor } from './onnx-session.ts';

/** Names of the graph's inputs and outputs that carry what `count` layers remember. */
export const memoryNames = (count: number): { readonly inputs: string[]; readonly outputs: string[] } => {
  const numbers = Array.from({ length: count }, (_, i) => i);
  return { inputs: numbers.map((i) => `remembered_${i}`), outputs: numbers.map((i) => `remember_${i}`) };
};

/** Channels, and columns of zeros before the first piece, of what a layer remembers. */
export type Memory = readonly [channels: number, columns: number];

/** A decoder's graph, and what its layers remember. */
export interface DecoderGraph {
  readonly session: OnnxSession;
  readonly memory: readonly Memory[];
}

/** One pass over the latent of a text chunk, from its first frame to its last one. */
export class StreamedDecoder {
  readonly #session: OnnxSession;
  readonly #names: ReturnType<typeof memoryNames>;
  #memory: readonly Tensor<'float32'>[];
  #fed = 0;

  constructor({ session, memory }: DecoderGraph) {
    this.#session = session;
    this.#names = memoryNames(memory.length);
    this.#memory = memory.map(([channels, columns]) =>
      float32(new Float32Array(channels * columns), [1, channels, columns]),
    );
  }

  /** Frames taken so far. */
  get fed(): number {
    return this.#fed;
  }

  /**
   * Takes the next latent frames, float32[C × n]; the first piece has more than the decoder looks ahead, if it is not the last.
   * @returns the filters that can be told now, float32[F × columns]; all that are left with the last piece
   */
  async feed(latent: Float32Array, latentChannels: number, isLast: boolean): Promise<Tensor<'float32'>> {
    const frames = latent.length / latentChannels;
    const outputs = await this.#session.run({
      latent: float32(latent, [1, latentChannels, frames]),
      edges: int64([this.#fed === 0 ? 1 : 0, isLast ? 1 : 0], [2]),
      ...Object.fromEntries(this.#names.inputs.map((name, i) => [name, this.#memory[i]!])),
    });
    this.#memory = isLast ? [] : this.#names.outputs.map((name) => outputs.get(name, 'float32'));
    this.#fed += frames;
    return outputs.get('filters', 'float32');
  }
}
