/** Frames of several sessions that one run draws together, on devices for which that is faster than one after another. */
import type { Clock } from '../../clock.ts';
import type { DeadlineQueue } from './deadline-queue.ts';

/** How frames are drawn together. */
export interface BatchOptions {
  /** Frames of one run, at most; 1: each by itself. */
  readonly frames: number;
  /** How long the first of them waits for others. */
  readonly waitMs: number;
}

interface Due {
  readonly id: number;
  readonly dueMs: number;
}

/**
 * Joins a call with those like it that wait, and with those that come within a moment. The most urgent call of all is always the one
 * that begins a batch (`DeadlineQueue.take`), so whoever waits is at most a batch and a moment later than alone; nobody starves.
 */
export class BatchGatherer<Call extends Due> {
  readonly #queue: DeadlineQueue<Call>;
  readonly #options: BatchOptions;
  readonly #clock: Clock;
  #arrived: () => void = () => undefined;

  constructor(queue: DeadlineQueue<Call>, options: BatchOptions, clock: Clock) {
    this.#queue = queue;
    this.#options = options;
    this.#clock = clock;
  }

  /** A call has come into the queue. */
  arrived(): void {
    this.#arrived();
  }

  /**
   * The call and others that are `alike`, the most urgent first; it waits for them no longer than is allowed, nor than the call is due.
   * @param most - of this batch; at most the options' are taken
   */
  async gather(
    first: Call,
    alike: (call: Call) => boolean,
    most: number = this.#options.frames,
  ): Promise<readonly Call[]> {
    const others = Math.min(most, this.#options.frames) - 1;
    const isFull = () => this.#queue.count(alike) >= others;
    const untilMs = Math.min(this.#clock.nowMs() + this.#options.waitMs, first.dueMs);
    if (!isFull() && untilMs > this.#clock.nowMs()) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.at(untilMs, resolve);
        this.#arrived = () => {
          if (!isFull()) return;
          cancel();
          resolve();
        };
      });
      this.#arrived = () => undefined;
    }
    return [first, ...this.#queue.takeAlike(alike, others)];
  }
}
