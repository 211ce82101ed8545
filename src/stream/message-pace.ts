/** Reads a WebSocket's messages no faster than it is allowed to send them: what comes too fast waits in its network. */
import type { Cancel, Clock } from '../clock.ts';

/** So many seconds' worth may come at once. */
const BURST_S = 2;
/** A socket that was too fast is read again when it may send so many seconds' worth. */
const RESUMED_S = 0.1;

/** A bucket of tokens, of which each message takes one. Pure; time comes in. */
export class MessageBudget {
  readonly #perSecond: number;
  #tokens: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = BURST_S * perSecond;
    this.#atMs = nowMs;
  }

  /** A message has come. @returns how long no further one should be read, ms; 0: they may come */
  take(nowMs: number): number {
    const earned = ((nowMs - this.#atMs) * this.#perSecond) / 1000;
    this.#tokens = Math.min(BURST_S * this.#perSecond, this.#tokens + earned) - 1;
    this.#atMs = nowMs;
    return this.#tokens >= 0 ? 0 : 1000 * (RESUMED_S - this.#tokens / this.#perSecond);
  }
}

/** A socket that can be left unread. */
interface PausableSocket {
  pause(): void;
  resume(): void;
  once(event: 'close', listener: () => void): unknown;
}

/** @returns what to call with every message */
export const paceMessages = (socket: PausableSocket, clock: Clock, perSecond: number): (() => void) => {
  const budget = new MessageBudget(perSecond, clock.nowMs());
  let cancel: Cancel | null = null;
  socket.once('close', () => cancel?.());
  return () => {
    const waitMs = budget.take(clock.nowMs());
    if (waitMs === 0) return;
    cancel?.();
    socket.pause();
    cancel = clock.at(clock.nowMs() + waitMs, () => socket.resume());
  };
};
