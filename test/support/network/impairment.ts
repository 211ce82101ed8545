/** What a bad network does to datagrams in one direction. Pure and seeded: time comes in, delivery times come out. */
import { createRandom, type Random } from '../../../src/models/random.ts';

/** How bad a direction is; what is left out is perfect. */
export interface ImpairmentOptions {
  /** Share of datagrams lost, each by itself, 0…1. */
  readonly loss?: number;
  /**
   * Losses in bursts (Gilbert 1960, Elliott 1963): chances per datagram to enter and to leave the bad state, and the share lost
   * while in it.
   */
  readonly burst?: { readonly enter: number; readonly leave: number; readonly loss: number };
  /** Time that every datagram takes. */
  readonly delayMs?: number;
  /** Up to this much is added to or taken from the delay, evenly; the order stays. */
  readonly jitterMs?: number;
  /** Share of datagrams that come `reorderMs` later than they should, behind others. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  /** Share of datagrams that come twice. */
  readonly duplicate?: number;
  /** What the narrowest link carries, headers of IP and UDP (28 bytes) counted. */
  readonly rateBps?: number;
  /** How long a datagram may wait for that link; those that would wait longer are lost. Default 300. */
  readonly queueMs?: number;
}

/** Counts of one direction. */
export interface ImpairmentCounts {
  offered: number;
  lost: number;
  overflowed: number;
}

const HEADER_BYTES = 28;

export class Impairment {
  readonly counts: ImpairmentCounts = { offered: 0, lost: 0, overflowed: 0 };
  readonly #random: Random;
  #options: ImpairmentOptions = {};
  #isBad = false;
  /** When the narrow link is free again. */
  #freeAtMs = 0;
  #lastDueMs = 0;

  constructor(seed: number, stream: number) {
    this.#random = createRandom(seed, stream);
  }

  /** Changes the network from now on. */
  set(options: ImpairmentOptions): void {
    this.#options = options;
    this.#isBad = false;
  }

  /** When a datagram that is sent at `nowMs` arrives: never (empty), once or twice. */
  pass(nowMs: number, bytes: number): number[] {
    const { loss = 0, delayMs = 0, jitterMs = 0, reorder = 0, reorderMs = 30, duplicate = 0 } = this.#options;
    this.counts.offered += 1;
    // Every datagram draws the same numbers, so that one that is lost does not change the fate of the next.
    const [lossDraw, burstDraw, badDraw, jitterDraw, reorderDraw, twiceDraw] = Array.from({ length: 6 }, () =>
      this.#random.uniform(),
    ) as [number, number, number, number, number, number];
    if (this.#inBurst(burstDraw, badDraw) || lossDraw < loss) {
      this.counts.lost += 1;
      return [];
    }
    const leftMs = this.#through(nowMs, bytes);
    if (leftMs === null) {
      this.counts.overflowed += 1;
      return [];
    }
    const dueMs = leftMs + Math.max(0, delayMs + jitterMs * (2 * jitterDraw - 1));
    if (reorderDraw < reorder) return [dueMs + reorderMs];
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs);
    return twiceDraw < duplicate ? [this.#lastDueMs, this.#lastDueMs] : [this.#lastDueMs];
  }

  #inBurst(changeDraw: number, lossDraw: number): boolean {
    const { burst } = this.#options;
    if (burst === undefined) return false;
    if (changeDraw < (this.#isBad ? burst.leave : burst.enter)) this.#isBad = !this.#isBad;
    return this.#isBad && lossDraw < burst.loss;
  }

  /** When the datagram has left the narrow link; null: there is no room. */
  #through(nowMs: number, bytes: number): number | null {
    const { rateBps, queueMs = 300 } = this.#options;
    if (rateBps === undefined) return nowMs;
    const startMs = Math.max(nowMs, this.#freeAtMs);
    if (startMs - nowMs > queueMs) return null;
    this.#freeAtMs = startMs + ((bytes + HEADER_BYTES) * 8 * 1000) / rateBps;
    return this.#freeAtMs;
  }
}
