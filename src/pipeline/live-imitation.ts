/**
 * Motion imitation (PIRenderer, Ren et al. 2021, §4.3) of a face that is filmed now: descriptors come when they have been read, some
 * twenty a second, late or not at all; the face takes them over softly and goes back to its own life when no more come. Pure.
 */
import { MOTION_SIZE, SLOT_MS } from '../media.ts';
import { MOUTH_INDICES } from './motion-control.ts';

/** What has not been renewed for so long is not imitated any more: a network may hold pictures back for a moment. */
const STALE_MS = 600;
/** How long the face takes to begin with imitating, and to leave it. */
const BEGIN_SLOTS = 300 / SLOT_MS;
const LEAVE_SLOTS = 600 / SLOT_MS;
/** How long the lips take from the filmed face to speech, and back. */
const LIPS_SLOTS = 160 / SLOT_MS;
/** How much of the way to the newest descriptor is gone in a slot: less trembles less and comes later. */
const APPROACH = 0.6;
/** How far heads turn (yaw, pitch, roll, degrees) and move (x, y, z, cm) in the pictures that renderers learn from. */
const POSE_RANGE = [25, 15, 10, 2, 2, 2];
const POSE_AT = MOTION_SIZE - POSE_RANGE.length;

/** The value within 0…1 for a weight, within its range for a number of the pose; what is no number is rest. */
const bounded = (value: number, index: number): number => {
  if (!Number.isFinite(value)) return 0;
  const range = POSE_RANGE[index - POSE_AT];
  return range === undefined ? Math.min(1, Math.max(0, value)) : Math.min(range, Math.max(-range, value));
};

const step = (value: number, up: boolean, upSlots: number, downSlots: number): number =>
  up ? Math.min(1, value + 1 / upSlots) : Math.max(0, value - 1 / downSlots);

const smoothstep = (t: number): number => t * t * (3 - 2 * t);

export class LiveImitation {
  /** The newest descriptor, as it was read. */
  #read: { readonly descriptor: Float32Array; readonly atMs: number } | null = null;
  /** What is followed of it. */
  #followed: Float32Array | null = null;
  /** How much of the face is imitated, and how much of its lips, 0…1. */
  #weight = 0;
  #lips = 1;

  /** A descriptor, float32[59], was read of the face. It is kept. */
  take(descriptor: Float32Array, atMs: number): void {
    this.#read = { descriptor: descriptor.map(bounded), atMs };
  }

  /** No more will come. */
  end(): void {
    this.#read = null;
  }

  /**
   * The descriptor of the next slot as it is to be shown; the same array when nothing is imitated.
   * @param own - float32[59], what the face would do by itself
   * @param speaking - whether its lips belong to speech
   */
  apply(own: Float32Array, speaking: boolean, nowMs: number): Float32Array {
    const read = this.#read;
    const isFresh = read !== null && nowMs - read.atMs <= STALE_MS;
    this.#weight = step(this.#weight, isFresh, BEGIN_SLOTS, LEAVE_SLOTS);
    this.#lips = step(this.#lips, !speaking, LIPS_SLOTS, LIPS_SLOTS);
    if (this.#weight === 0) this.#followed = null;
    else if (isFresh) this.#follow(read.descriptor);
    const followed = this.#followed;
    if (followed === null) return own;
    const shown = own.map((value, index) => value + smoothstep(this.#weight) * (followed[index]! - value));
    const silent = smoothstep(this.#weight) * smoothstep(this.#lips);
    for (const index of MOUTH_INDICES) shown[index] = own[index]! + silent * (followed[index]! - own[index]!);
    return shown;
  }

  #follow(target: Float32Array): void {
    const before = this.#followed ?? target;
    this.#followed = before.map((value, index) => value + APPROACH * (target[index]! - value));
  }
}
