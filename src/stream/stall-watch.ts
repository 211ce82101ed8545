/** Notices that the whole process stood still: it was suspended, or the machine gave it no time. */
import type { Cancel, Clock } from '../clock.ts';

const LOOK_MS = 500;
/** Shorter pauses are those of a busy machine. */
const STALL_MS = 1500;

/** Calls `onStall` with the length of every such pause, when it is over. */
export const watchStalls = (clock: Clock, onStall: (ms: number) => void): Cancel => {
  let cancel: Cancel = () => undefined;
  const look = () => {
    const dueMs = clock.nowMs() + LOOK_MS;
    cancel = clock.at(dueMs, () => {
      const lateMs = clock.nowMs() - dueMs;
      if (lateMs > STALL_MS) onStall(lateMs);
      look();
    });
  };
  look();
  return () => cancel();
};
