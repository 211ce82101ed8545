/** Keeps trying until a session is open again, ever more patiently. */

/** First wait after a failure, in milliseconds; doubles up to `MAX_WAIT_MS`. */
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;

/**
 * How long to wait before attempt `attempt` (0 is the first after a failure), in milliseconds.
 *
 * @param random - 0…1: spreads the clients of a restarted server over half of the wait.
 */
export const backOffMs = (attempt: number, random: number): number =>
  Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.5 + random / 2);

const hasWindow = typeof addEventListener === 'function';

/** Resolves after `ms`, or as soon as the browser is online again or `signal` aborts. */
export const patientWait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      if (hasWindow) removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (hasWindow) addEventListener('online', done);
    signal.addEventListener('abort', done, { once: true });
  });
