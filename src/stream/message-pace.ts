/** Reads a WebSocket's messages no faster than it is allowed to send them: what comes too fast waits in its network. */
import type { Cancel, Clock } from '../clock.ts';
import { MessageBudget } from '../message-budget.ts';

/** A socket that can be left unread. */
interface PausableSocket {
  pause(): void;
  resume(): void;
  once(event: 'close', listener: () => void): unknown;
}

/** @returns what to call with every message */
export const paceMessages = (socket: PausableSocket, clock: Clock, perSecond: number): (() => void) => {
  const budget = new MessageBudget(perSecond, clock.nowMs());
  let cancel: Cancel | null = null;
  socket.once('close', () => cancel?.());
  return () => {
    const waitMs = budget.take(clock.nowMs());
    if (waitMs === 0) return;
    cancel?.();
    socket.pause();
    cancel = clock.at(clock.nowMs() + waitMs, () => socket.resume());
  };
};
