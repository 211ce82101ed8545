/**
 * Which slots get a frame, and of which face, on a rung of the ladder. Between rungs the face does not jump: what is let go
 * comes to rest, and goes on, over a few frames. Pure; it counts slots.
 */
import { FRAMES_PER_SECOND, MOTION_SIZE } from '../media.ts';
import { MOUTH_INDICES } from './motion-control.ts';
import type { Rung } from './rungs.ts';

/** A face that does not move is drawn so often anyway: for viewers who have just come, or have lost a picture. */
const REFRESH_SLOTS = 2 * FRAMES_PER_SECOND;
/** Weights of 0…1: a mouth that has moved less looks the same. */
const MOUTH_STEP = 0.04;
/** Slots over which what was held goes on, or comes to rest. */
const BLEND_SLOTS = 10;

const isMouth = new Set(MOUTH_INDICES);
const REST = Array.from({ length: MOTION_SIZE }, (_, index) => index).filter((index) => !isMouth.has(index));

/** A part of the descriptor that is held, and how much: 0 moves freely, 1 is still. */
interface Hold {
  readonly indices: readonly number[];
  /** The part as it stands; what is held of the mouth is a closed one. */
  held: Float32Array;
  weight: number;
}

/** A slot that asks for a frame. */
interface Asking {
  readonly sequence: number;
  /** float32[59] */
  readonly descriptor: Float32Array;
  /** An utterance begins in it: its sound waits for its frame. */
  readonly opens: boolean;
}

export class DrawPlan {
  readonly #face: Hold = { indices: REST, held: new Float32Array(MOTION_SIZE), weight: 0 };
  readonly #mouth: Hold = { indices: MOUTH_INDICES, held: new Float32Array(MOTION_SIZE), weight: 0 };
  #shown: Float32Array = new Float32Array(MOTION_SIZE);
  #drawn: { readonly sequence: number; readonly descriptor: Float32Array } | null = null;

  /** The face of a slot as it is shown, and whether it is to be drawn. Slots come in order, but for interruptions. */
  next({ sequence, descriptor, opens }: Asking, rung: Rung): { descriptor: Float32Array; isDrawn: boolean } {
    if (this.#drawn !== null && sequence <= this.#drawn.sequence) this.#drawn = null;
    this.#hold(this.#face, rung.moves !== 'all', this.#shown);
    this.#hold(this.#mouth, rung.moves === 'nothing', null);
    const shown = this.#face.weight + this.#mouth.weight > 0 ? this.#blended(descriptor) : descriptor;
    this.#shown = shown;
    const isDrawn = this.#wants(sequence, shown, opens, rung);
    if (isDrawn) this.#drawn = { sequence, descriptor: shown };
    return { descriptor: shown, isDrawn };
  }

  #wants(sequence: number, shown: Float32Array, opens: boolean, { everySlots, moves }: Rung): boolean {
    if (this.#drawn === null) return true;
    const passed = sequence - this.#drawn.sequence;
    if (moves === 'nothing') return passed >= (this.#mouth.weight < 1 ? everySlots : REFRESH_SLOTS);
    if (opens) return true;
    if (passed < everySlots) return false;
    return moves === 'all' || passed >= REFRESH_SLOTS || hasMoved(this.#drawn.descriptor, shown);
  }

  /** @param asShown - what is held when holding begins, as it was shown last; null: the resting face. */
  #hold(hold: Hold, isHeld: boolean, asShown: Float32Array | null): void {
    if (isHeld && hold.weight === 0) hold.held = (asShown ?? new Float32Array(MOTION_SIZE)).slice();
    // A part that stays as it was shown stays at once; one that comes to rest takes its time.
    if (isHeld) hold.weight = asShown ? 1 : Math.min(1, hold.weight + 1 / BLEND_SLOTS);
    else hold.weight = Math.max(0, hold.weight - 1 / BLEND_SLOTS);
    if (hold.weight < 1e-6) hold.weight = 0;
  }

  #blended(descriptor: Float32Array): Float32Array {
    const shown = descriptor.slice();
    for (const { indices, held, weight } of [this.#face, this.#mouth]) {
      if (weight === 0) continue;
      for (const index of indices) shown[index]! += weight * (held[index]! - shown[index]!);
    }
    return shown;
  }
}

const hasMoved = (a: Float32Array, b: Float32Array): boolean =>
  MOUTH_INDICES.some((index) => Math.abs(a[index]! - b[index]!) >= MOUTH_STEP);
