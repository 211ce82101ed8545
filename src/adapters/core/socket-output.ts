import { delay } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';
import type { AdapterSocket, SpeechHost } from './adapter.ts';

/** How often a full socket is looked at again. */
const POLL_MS = 20;

/**
 * Resolves when a socket owes its network less than `limits.unsentBytes`: what is sent only then does not grow.
 * @throws {VisavisError} `slow_consumer` when it has owed that much for `limits.unreadMs`; the signal's reason
 */
export const roomOn = async (
  socket: Pick<AdapterSocket, 'unsentBytes'>,
  { clock, limits }: SpeechHost,
  signal: AbortSignal,
): Promise<void> => {
  const untilMs = clock.nowMs() + limits.unreadMs;
  while (socket.unsentBytes() > limits.unsentBytes) {
    if (clock.nowMs() > untilMs) {
      throw new VisavisError('slow_consumer', `the socket has not been read for ${limits.unreadMs} ms`);
    }
    await delay(clock, POLL_MS, signal);
  }
};
