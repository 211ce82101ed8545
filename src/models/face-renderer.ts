/** Inference of PIRenderer (Ren et al. 2021, §3.1): the portrait's features once, then a frame for each motion. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VisavisError } from '../errors.ts';
import { MOTION_SIZE } from '../media.ts';
import type { AvatarManifest, Described, RendererManifest } from './manifest.ts';
import { OWN_LAYOUT, readLayout, type MotionLayout } from './motion-layout.ts';
import { float32, OnnxSession, type SessionOptions, type Tensor } from './onnx-session.ts';
import { decodePng } from './png.ts';

/**
 * Reads a portrait as the renderer takes it.
 * @returns float32[1, 3, size, size], RGB 0…1
 * @throws {VisavisError} `bad_model` when the file is missing, no PNG, or of another size
 */
export const readPortrait = async (path: string, size: number): Promise<Tensor<'float32'>> => {
  const file = await readFile(path).catch((cause: unknown) => {
    throw new VisavisError('bad_model', `${path}: the avatar names this portrait, but it cannot be read.`, { cause });
  });
  const { width, height, rgb } = decodePng(file, path);
  if (width !== size || height !== size) {
    throw new VisavisError(
      'bad_model',
      `${path}: expected ${size} × ${size} pixels, got ${width} × ${height}. Scale the portrait.`,
    );
  }
  const plane = size * size;
  const data = new Float32Array(3 * plane);
  for (let i = 0; i < data.length; i++) data[i] = rgb[(i % plane) * 3 + Math.floor(i / plane)]! / 255;
  return float32(data, [1, 3, size, size]);
};

/** A renderer with one portrait, on the thread that calls it; every frame blocks. */
export class FaceRenderer {
  readonly #render: OnnxSession;
  /** What the graph takes beside motion, the same for every frame: features, and the portrait if it looks at it. */
  readonly #still: Readonly<Record<string, Tensor>>;
  readonly #layout: MotionLayout;
  /** Whether it draws several frames in one run. */
  readonly batches: boolean;
  /** Pixels a side of what it draws. */
  readonly size: number;
  /** Descriptors that it takes for a frame, in a row. */
  readonly motionFrames: number;
  /** Which of them is the frame's own. */
  readonly motionCentre: number;

  private constructor(
    render: OnnxSession,
    still: Readonly<Record<string, Tensor>>,
    layout: MotionLayout,
    { files, renderer }: RendererManifest,
  ) {
    const { size, motionFrames, motionCentre } = renderer;
    const [motion, i420] = [files.render.inputs['motion'], files.render.outputs['i420']];
    this.batches = typeof motion?.shape[0] === 'string' && typeof i420?.shape[0] === 'string';
    this.#render = render;
    this.#still = still;
    this.#layout = layout;
    this.size = size;
    this.motionFrames = motionFrames;
    this.motionCentre = motionCentre;
  }

  /** @throws {VisavisError} `bad_model` when the portrait or a file is not what the manifests say. */
  static async load(
    avatar: Described<AvatarManifest>,
    { folder, manifest }: Described<RendererManifest>,
    options: SessionOptions,
  ): Promise<FaceRenderer> {
    const { size } = manifest.renderer;
    const portrait = await readPortrait(join(avatar.folder, avatar.manifest.portrait), size);
    return FaceRenderer.loadWith(portrait.data, { folder, manifest }, options);
  }

  /**
   * As `load`, for a portrait that is no avatar's.
   * @param pixels - float32[1, 3, size, size], RGB 0…1
   */
  static async loadWith(
    pixels: Float32Array,
    { folder, manifest }: Described<RendererManifest>,
    options: SessionOptions,
  ): Promise<FaceRenderer> {
    const { files, renderer } = manifest;
    const portrait = float32(pixels, [1, 3, renderer.size, renderer.size]);
    const layout = typeof renderer.layout === 'string' ? OWN_LAYOUT : await readLayout(folder, renderer.layout);
    const source = await OnnxSession.load(join(folder, files.source.file), files.source, options);
    const features = await source.run({ portrait });
    const still = Object.fromEntries(renderer.features.map((name) => [name, features.any(name)]));
    await source.release();
    const render = await OnnxSession.load(join(folder, files.render.file), files.render, options);
    const looksAtPortrait = 'portrait' in files.render.inputs;
    return new FaceRenderer(render, looksAtPortrait ? { portrait, ...still } : still, layout, manifest);
  }

  /**
   * @param motion - float32[motionFrames × 59] of the layout `visavis-59`, degrees and centimetres
   * @returns I420, size² × 1.5 bytes
   */
  async render(motion: Float32Array): Promise<Uint8Array<ArrayBuffer>> {
    return this.#draw(motion, 1);
  }

  /**
   * Draws several frames in one run, if it `batches`.
   * @param motions - one for each frame, as `render` takes it
   */
  async renderTogether(motions: readonly Float32Array[]): Promise<Uint8Array<ArrayBuffer>[]> {
    const length = this.motionFrames * MOTION_SIZE;
    const all = new Float32Array(motions.length * length);
    for (const [i, motion] of motions.entries()) all.set(motion, i * length);
    const frames = await this.#draw(all, motions.length);
    const bytes = frames.length / motions.length;
    return motions.map((_, i) => frames.slice(i * bytes, (i + 1) * bytes));
  }

  async #draw(motion: Float32Array, frames: number): Promise<Uint8Array<ArrayBuffer>> {
    const outputs = await this.#render.run({
      motion: float32(this.#layout.convert(motion), [frames, this.motionFrames, this.#layout.size]),
      ...this.#still,
    });
    return outputs.get('i420', 'uint8').data;
  }

  /** Frees the native memory. */
  release(): Promise<void> {
    return this.#render.release();
  }
}
