/**
 * Inference of the reader: a picture of a face to its motion descriptor, for motion imitation (PIRenderer, Ren et al. 2021,
 * §4.3; there a 3DMM estimator, here a network trained on renders whose descriptor is known).
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VisavisError } from '../errors.ts';
import { MOTION_SIZE } from '../media.ts';
import { type Described, type ReaderManifest, readManifest } from './manifest.ts';
import { OnnxSession, type SessionOptions, uint8 } from './onnx-session.ts';

/** A reader on the thread that calls it; every picture blocks. */
export class MotionReader {
  readonly #read: OnnxSession;
  /** Pixels a side of the pictures that it takes. */
  readonly size: number;
  /** The avatars whose faces it has seen; of others it reads nothing that can be trusted. */
  readonly avatars: readonly string[];

  private constructor(read: OnnxSession, { size, avatars }: ReaderManifest['reader']) {
    this.#read = read;
    this.size = size;
    this.avatars = avatars;
  }

  /** @throws {VisavisError} `bad_model` when the file is not what the manifest says. */
  static async load({ folder, manifest }: Described<ReaderManifest>, options: SessionOptions): Promise<MotionReader> {
    const { read } = manifest.files;
    return new MotionReader(await OnnxSession.load(join(folder, read.file), read, options), manifest.reader);
  }

  /**
   * @param rgb - RGB, row by row from the top, `size`² × 3 bytes
   * @returns float32[59] of the layout `visavis-59`, expression weights within 0…1
   */
  async read(rgb: Uint8Array<ArrayBuffer>): Promise<Float32Array> {
    const outputs = await this.#read.run({ picture: uint8(rgb, [1, this.size, this.size, 3]) });
    return outputs.get('motion', 'float32').data.slice(0, MOTION_SIZE);
  }

  /** Frees the native memory. */
  release(): Promise<void> {
    return this.#read.release();
  }
}

/**
 * The first reader of a models folder, `readers/NAME/`; null: there is none.
 * @throws {VisavisError} `bad_model` when its manifest is wrong
 */
export const readReader = async (modelsDir: string): Promise<Described<ReaderManifest> | null> => {
  const folder = join(modelsDir, 'readers');
  const [first] = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.')).sort();
  if (first === undefined) return null;
  const { manifest } = await readManifest(join(folder, first));
  if (manifest.kind !== 'reader') {
    throw new VisavisError(
      'bad_model',
      `${join(folder, first)}: expected a model of kind reader, got ${manifest.kind}.`,
    );
  }
  return { folder: join(folder, first), manifest };
};

/**
 * As `readReader`, for whoever cannot do without.
 * @throws {VisavisError} `bad_model` when there is none, or its manifest is wrong
 */
export const findReader = async (modelsDir: string): Promise<Described<ReaderManifest>> => {
  const found = await readReader(modelsDir);
  if (found) return found;
  throw new VisavisError(
    'bad_model',
    `${join(modelsDir, 'readers')}: expected a folder with a reader of motion, got none.`,
  );
};
