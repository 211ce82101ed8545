/** Holds a session's media back while its socket does not take what it has been given. */
import type { Clock } from '../clock.ts';
import { VisavisError } from '../errors.ts';

/** How often a full socket is looked at again. */
const POLL_MS = 20;

export interface OutputRoomDeps {
  readonly clock: Clock;
  /** Bytes handed over and not yet taken by the network. */
  readonly unsentBytes: () => number;
  readonly limits: { readonly unsentBytes: number; readonly unreadMs: number };
  /** Told when the socket has not been read for `limits.unreadMs`. */
  readonly fail: (error: VisavisError) => void;
}

export class OutputRoom {
  readonly #deps: OutputRoomDeps;
  #owedSinceMs: number | null = null;
  #closed = false;

  constructor(deps: OutputRoomDeps) {
    this.#deps = deps;
  }

  /** Calls `more` when there is room: at once, or as soon as the socket has been read. Never after `close`. */
  whenThereIs(more: () => void): void {
    const { clock, unsentBytes, limits, fail } = this.#deps;
    if (this.#closed) return;
    if (unsentBytes() <= limits.unsentBytes) {
      this.#owedSinceMs = null;
      more();
      return;
    }
    const nowMs = clock.nowMs();
    this.#owedSinceMs ??= nowMs;
    if (nowMs - this.#owedSinceMs > limits.unreadMs) {
      fail(new VisavisError('slow_consumer', `the socket has not been read for ${limits.unreadMs} ms`));
      return;
    }
    clock.at(nowMs + POLL_MS, () => this.whenThereIs(more));
  }

  close(): void {
    this.#closed = true;
  }
}
