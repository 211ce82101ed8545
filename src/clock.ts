/**
 * Time as an input. This is the only file that reads a clock or sets a timer; everything else is passed a `Clock`.
 */

/** A cancelable wait. */
export type Cancel = () => void;

/** Monotonic time and timers. All threads of the process read the same time. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. Same origin in every thread of the process. */
  nowMs(): number;
  /** Milliseconds since 1970, for sender reports and logs; may jump when the system's time is set. */
  wallMs(): number;
  /** Calls `run` once, at `dueMs` of `nowMs` time or right after. */
  at(dueMs: number, run: () => void): Cancel;
}

/** The system's clock, from CLOCK_MONOTONIC, which worker threads share. */
export const systemClock: Clock = {
  nowMs: () => Number(process.hrtime.bigint()) / 1e6,
  wallMs: () => Date.now(),
  at(dueMs, run) {
    const timer = setTimeout(run, Math.max(0, dueMs - this.nowMs()));
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves after `ms` milliseconds, or rejects with the signal's reason when that aborts first.
 */
export const delay = (clock: Clock, ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const cancel = clock.at(clock.nowMs() + ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
