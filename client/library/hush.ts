/**
 * Silence after an interruption: what was stopped is not to be heard any more, though it is on its way or in the browser's
 * buffers. Pure; `nowMs` is on the clock of `performance.now()`.
 */

/** A hush ends by then in any case: longer than browsers buffer sound. */
const LONGEST_MS = 1000;
/** The clocks are right to about that. */
const MARGIN_MS = 40;

export class Hush {
  #present: { readonly sinceMs: number; readonly untilMediaMs: number } | null = null;

  /** Speech was told to stop. */
  begin(nowMs: number): void {
    this.#present = { sinceMs: nowMs, untilMediaMs: Infinity };
  }

  /** The server has stopped it: the last of it has that media time; null when none of it was sent. */
  stopped(endMediaMs: number | null): void {
    if (this.#present === null) return;
    const endMs = (endMediaMs ?? -Infinity) + MARGIN_MS;
    const { sinceMs, untilMediaMs } = this.#present;
    this.#present = { sinceMs, untilMediaMs: untilMediaMs === Infinity ? endMs : Math.max(untilMediaMs, endMs) };
  }

  /** Whether it is to be silent at `nowMs`, when media time `heardMs` comes out of the loudspeaker. */
  isOn(nowMs: number, heardMs: number | null): boolean {
    if (this.#present === null) return false;
    const { sinceMs, untilMediaMs } = this.#present;
    if ((heardMs ?? Infinity) >= untilMediaMs || nowMs >= sinceMs + LONGEST_MS) this.#present = null;
    return this.#present !== null;
  }
}
