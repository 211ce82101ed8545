/** Notices a thread that lives and does nothing any more. Pure: time comes in. */
import type { Cancel, Clock } from '../../clock.ts';

const LOOK_MS = 1000;
/** Nothing that a thread does in order takes so long. */
const HUNG_MS = 10_000;

/**
 * Asks a thread for an answer about once a second.
 * @param ask - resolves when the thread has answered.
 * @param onHung - called once, when it has not answered for 10 s in which this process itself did not stand still.
 */
export const watchThread = (clock: Clock, ask: () => Promise<unknown>, onHung: () => void): Cancel => {
  let cancel: Cancel = () => undefined;
  /** Since when an answer is missing, less the time in which nobody could have answered. */
  let askedMs: number | null = null;
  const look = () => {
    if (askedMs === null) {
      askedMs = clock.nowMs();
      // A thread that has ended is told of elsewhere.
      ask().then(
        () => (askedMs = null),
        () => (askedMs = null),
      );
    }
    const dueMs = clock.nowMs() + LOOK_MS;
    cancel = clock.at(dueMs, () => {
      const lateMs = clock.nowMs() - dueMs;
      if (askedMs !== null && lateMs > LOOK_MS) askedMs = clock.nowMs();
      if (askedMs !== null && clock.nowMs() - askedMs >= HUNG_MS) onHung();
      else look();
    });
  };
  look();
  return () => cancel();
};
