import type { Clock } from '../../clock.ts';

/** Calls `expire` when nothing has been touched for `timeoutMs`; while something is busy, time does not count. */
export class Inactivity {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #expire: () => void;
  readonly #busy: () => boolean;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, timeoutMs: number, busy: () => boolean, expire: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#busy = busy;
    this.#expire = expire;
    this.touch();
  }

  touch(): void {
    this.#cancel();
    this.#cancel = this.#clock.at(this.#clock.nowMs() + this.#timeoutMs, () =>
      this.#busy() ? this.touch() : this.#expire(),
    );
  }

  stop(): void {
    this.#cancel();
  }
}
