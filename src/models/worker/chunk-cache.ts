/** Encoded text chunks on the thread that decodes them: what a window needs is too large to travel with each call. */
import type { SpeechOptions } from '../inference.ts';
import type { EncodedChunk } from '../voice-model.ts';

/** What decides a chunk to the last sample. */
export interface ChunkKey {
  /** Name of the voice, with its speaker. */
  readonly voice: string;
  readonly text: string;
  readonly options: SpeechOptions;
}

/** More chunks than one thread can speak in real time; each holds some hundred kilobytes. */
const MAX_CHUNKS = 48;

/**
 * The chunks used last. One that was forgotten, or encoded on a thread that has died, is encoded again when it is asked for: the
 * same key gives the same chunk.
 */
export class ChunkCache {
  readonly #encode: (key: ChunkKey) => Promise<EncodedChunk>;
  readonly #chunks = new Map<string, EncodedChunk>();

  /** @param encode - makes a chunk that is not there */
  constructor(encode: (key: ChunkKey) => Promise<EncodedChunk>) {
    this.#encode = encode;
  }

  /** @throws what `encode` throws */
  async get({ voice, text, options }: ChunkKey): Promise<EncodedChunk> {
    const key = JSON.stringify([voice, text, options.speed, options.seed]);
    const chunk = this.#chunks.get(key) ?? (await this.#encode({ voice, text, options }));
    // Put in last: a Map forgets in the order of insertion.
    this.#chunks.delete(key);
    this.#chunks.set(key, chunk);
    const [oldest] = this.#chunks.keys();
    if (this.#chunks.size > MAX_CHUNKS && oldest !== undefined) this.#chunks.delete(oldest);
    return chunk;
  }
}
