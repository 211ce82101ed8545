import { MOTION_SIZE } from '../media.ts';

/**
 * The descriptors of a session by slot, from which the flow's history and the renderer's window are read. Going back to an
 * earlier slot needs nothing but asking for it again, so an interruption continues from the face that was last seen.
 */
export class MotionTrack {
  readonly #kept: number;
  readonly #descriptors = new Map<number, Float32Array>();

  /** @param keptFrames - How many descriptors stay, counted back from the newest. */
  constructor(keptFrames: number) {
    this.#kept = keptFrames;
  }

  /** Stores the descriptor, float32[59], of a slot. */
  set(sequence: number, descriptor: Float32Array): void {
    this.#descriptors.set(sequence, descriptor);
    this.#descriptors.delete(sequence - this.#kept);
  }

  /**
   * float32[count × 59]: the descriptors of `count` slots that end at `last`, oldest first. Slots before the first known one
   * show the resting face (zeros), a gap or a slot not made yet repeats the descriptor before it.
   */
  window(last: number, count: number): Float32Array {
    const out = new Float32Array(count * MOTION_SIZE);
    let held: Float32Array | undefined;
    for (let i = 0; i < count; i += 1) {
      held = this.#descriptors.get(last - count + 1 + i) ?? held;
      if (held) out.set(held, i * MOTION_SIZE);
    }
    return out;
  }
}
