/** A clock that moves only when a test says so. */
import type { Cancel, Clock } from '../../src/clock.ts';

export class FakeClock implements Clock {
  /** Wall time at `nowMs` 0: some day in 2026. */
  readonly startWallMs = 1_780_000_000_000;
  #nowMs: number;
  #timers: { readonly dueMs: number; readonly run: () => void }[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.startWallMs + this.#nowMs;
  }

  at(dueMs: number, run: () => void): Cancel {
    const timer = { dueMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass, running every timer at its time, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#due(endMs); next !== undefined; next = this.#due(endMs)) {
      const timer = next;
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      timer.run();
    }
    this.#nowMs = endMs;
  }

  /** Lets `ms` pass as for a process that was suspended: no timer runs before it is over. */
  sleep(ms: number): void {
    this.#nowMs += ms;
    this.advance(0);
  }

  #due(endMs: number) {
    return this.#timers.filter(({ dueMs }) => dueMs <= endMs).toSorted((a, b) => a.dueMs - b.dueMs)[0];
  }
}
