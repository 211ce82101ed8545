/** Ends a WebRTC session whose viewer never comes, or has gone: the time without a way for its media is bounded. */
import type { Cancel, Clock } from '../clock.ts';
import { VisavisError } from '../errors.ts';
import type { MediaEvent } from './media/media-channel.ts';

export interface MediaPathDeps {
  readonly clock: Clock;
  readonly limits: { readonly mediaPathMs: number };
  readonly output: { fail(error: VisavisError): void };
}

/** Watches one session's connection. A lost one may come back, by an ICE restart for example, until its time is over. */
export class MediaPath {
  readonly #deps: MediaPathDeps;
  #cancel: Cancel | null = null;
  #closed = false;

  constructor(deps: MediaPathDeps) {
    this.#deps = deps;
  }

  /** Waits for the first connection. */
  begin(): void {
    this.#wait();
  }

  /** Notes what became of the connection. */
  changed(state: Extract<MediaEvent, { type: 'state' }>['state']): void {
    switch (state) {
      case 'connected':
        this.found();
        break;
      case 'disconnected':
      case 'failed':
      case 'closed':
        this.#wait();
        break;
      case 'connecting':
        break;
    }
  }

  /** Media can flow. */
  found(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  close(): void {
    this.#closed = true;
    this.found();
  }

  #wait(): void {
    const { clock, limits, output } = this.#deps;
    if (this.#closed || this.#cancel !== null) return;
    this.#cancel = clock.at(clock.nowMs() + limits.mediaPathMs, () => {
      const way = 'open another session, or use transport "websocket" where UDP is blocked';
      output.fail(new VisavisError('timeout', `no WebRTC connection for ${limits.mediaPathMs} ms; ${way}`));
    });
  }
}
