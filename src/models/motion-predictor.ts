/** Inference of the flow from sound to motion (PIRenderer §3.4), one frame a step. */
import { join } from 'node:path';
import { MOTION_SIZE } from '../media.ts';
import type { Described, MotionManifest } from './manifest.ts';
import { float32, OnnxSession, type SessionOptions } from './onnx-session.ts';

/** A motion model on the thread that calls it; every step blocks. What came before is the caller's to keep. */
export class MotionPredictor {
  readonly #step: OnnxSession;
  readonly #historyFrames: number;

  private constructor(step: OnnxSession, historyFrames: number) {
    this.#step = step;
    this.#historyFrames = historyFrames;
  }

  /** @throws {VisavisError} `bad_model` when the file is not what the manifest says. */
  static async load(
    { folder, manifest }: Described<MotionManifest>,
    options: SessionOptions,
  ): Promise<MotionPredictor> {
    const { step } = manifest.files;
    return new MotionPredictor(
      await OnnxSession.load(join(folder, step.file), step, options),
      manifest.motion.historyFrames,
    );
  }

  /**
   * @param pcm - float32[windowSamples], -1…1
   * @param history - float32[historyFrames × 59], oldest first
   * @param noise - float32[59], standard normal × temperature
   * @returns float32[59]
   */
  async next(pcm: Float32Array, history: Float32Array, noise: Float32Array): Promise<Float32Array> {
    const outputs = await this.#step.run({
      pcm: float32(pcm, [1, pcm.length]),
      history: float32(history, [1, this.#historyFrames, MOTION_SIZE]),
      noise: float32(noise, [1, MOTION_SIZE]),
    });
    return outputs.get('motion', 'float32').data;
  }

  /** Frees the native memory. */
  release(): Promise<void> {
    return this.#step.release();
  }
}
