/** How late the calling thread's event loop is, by Node's own measure. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Node looks so often; what it tells contains this time itself. */
const RESOLUTION_MS = 10;

/** Lag over a time, ms. */
export interface LoopLag {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

/** Starts to watch; the function that it gives tells the lag since it was called last. */
export const watchEventLoop = (): (() => LoopLag) => {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const lagOf = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  return () => {
    const lag = {
      p50: lagOf(delays.percentile(50)),
      p99: lagOf(delays.percentile(99)),
      worst: delays.count === 0 ? 0 : lagOf(delays.max),
    };
    delays.reset();
    return lag;
  };
};
