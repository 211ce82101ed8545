/** How many messages may come in a time. */

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

  /** `count` messages have come. @returns how long no further one should be read, ms; 0: they may come */
  take(nowMs: number, count = 1): number {
    const earned = ((nowMs - this.#atMs) * this.#perSecond) / 1000;
    this.#tokens = Math.min(BURST_S * this.#perSecond, this.#tokens + earned) - count;
    this.#atMs = nowMs;
    return this.#tokens >= 0 ? 0 : 1000 * (RESUMED_S - this.#tokens / this.#perSecond);
  }
}
