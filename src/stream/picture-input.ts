/**
 * Pictures of a face that a client sends to be imitated, as descriptors. One is read at a time and one waits: a newer one takes the place
 * of that, so that what is read is never old.
 */
import type { Clock } from '../clock.ts';
import { VisavisError, asVisavisError } from '../errors.ts';
import { MessageBudget } from '../message-budget.ts';
import { type FaceReader, OverdueError } from '../models/inference.ts';

/** What was read later than that after it came is old: the head is elsewhere. */
const LATE_MS = 250;
/** A client that is too fast is told so no more often. */
const TELL_EVERY_MS = 2_000;

/** What became of a picture. */
export type PictureOutcome = 'read' | 'dropped' | 'refused';

export interface PictureInputDeps {
  readonly reader: FaceReader;
  readonly clock: Clock;
  readonly limits: { readonly pictureBytes: number; readonly picturesPerSecond: number };
  /** Takes a descriptor, float32[59]. */
  readonly onRead: (descriptor: Float32Array) => void;
  /** Told why a picture could not be read; the next one may. */
  readonly onError: (error: VisavisError) => void;
  readonly onOutcome: (outcome: PictureOutcome) => void;
}

export class PictureInput {
  readonly #deps: PictureInputDeps;
  readonly #budget: MessageBudget;
  #isReading = false;
  #waiting: Uint8Array | null = null;
  #toldAtMs = -Infinity;
  /** Counts the times that all before was given up. */
  #begun = 0;

  constructor(deps: PictureInputDeps) {
    this.#deps = deps;
    this.#budget = new MessageBudget(deps.limits.picturesPerSecond, deps.clock.nowMs());
  }

  /**
   * Takes a picture; it is copied.
   * @throws {VisavisError} `bad_message` when it is too large, or comes too soon after the others
   */
  take(jpeg: Uint8Array): void {
    const { clock, limits, onOutcome } = this.#deps;
    const { pictureBytes, picturesPerSecond } = limits;
    const nowMs = clock.nowMs();
    if (this.#budget.take(nowMs) > 0) {
      onOutcome('dropped');
      if (nowMs - this.#toldAtMs < TELL_EVERY_MS) return;
      this.#toldAtMs = nowMs;
      throw new VisavisError(
        'bad_message',
        `expected at most ${picturesPerSecond} pictures a second, got more: what comes beyond that is not read`,
      );
    }
    if (jpeg.length === 0 || jpeg.length > pictureBytes) {
      onOutcome('refused');
      throw new VisavisError(
        'bad_message',
        `expected a picture of at most ${pictureBytes} bytes, got ${jpeg.length}: send a smaller one, or one compressed more`,
      );
    }
    if (this.#waiting !== null) onOutcome('dropped');
    this.#waiting = jpeg.slice();
    if (!this.#isReading) void this.#readAll();
  }

  /** Gives up all pictures that have come: nothing is told of them any more. */
  drop(): void {
    this.#begun += 1;
    this.#waiting = null;
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    for (let jpeg = this.#next(); jpeg; jpeg = this.#next()) await this.#read(jpeg);
    this.#isReading = false;
  }

  #next(): Uint8Array | null {
    const next = this.#waiting;
    this.#waiting = null;
    return next;
  }

  async #read(jpeg: Uint8Array): Promise<void> {
    const { reader, clock, onRead, onError, onOutcome } = this.#deps;
    const begun = this.#begun;
    try {
      const descriptor = await reader.read(jpeg, { dueMs: clock.nowMs() + LATE_MS, orNever: true });
      if (begun !== this.#begun) return;
      onOutcome('read');
      onRead(descriptor);
    } catch (cause) {
      if (begun !== this.#begun) return;
      if (cause instanceof OverdueError) return onOutcome('dropped');
      onOutcome('refused');
      onError(asVisavisError(cause, 'inference_failed'));
    }
  }
}
