/**
 * Looks for the way back to WebRTC while media come over the WebSocket: the network may have changed. Tries it on a connection of its
 * own, so that nothing that is heard or seen is touched, and goes over in silence.
 */

/** After the fall: what blocks UDP seldom goes within seconds. Doubles with every attempt. */
const FIRST_PAUSE_MS = 30_000;
const MAX_PAUSE_MS = 600_000;
/** After a lost connection, or when the browser is online again: on another network it may be there at once. */
const SHORT_PAUSE_MS = 1000;
/** How often it is looked whether all has been said. */
const LOOK_EVERY_MS = 250;

export interface WayBackDeps {
  /** Whether WebRTC gets through now. */
  readonly probe: (signal: AbortSignal) => Promise<boolean>;
  /** Whether nothing is being said, nor waits to be. */
  readonly isIdle: () => boolean;
  /** It gets through, and nothing is being said. */
  readonly found: () => void;
}

export class WayBack {
  readonly #deps: WayBackDeps;
  #pauseMs = FIRST_PAUSE_MS;
  #hurries = false;
  #search: AbortController | null = null;

  constructor(deps: WayBackDeps) {
    this.#deps = deps;
  }

  /** Media come over the WebSocket from now on. */
  begin(): void {
    this.end();
    this.#search = new AbortController();
    void this.#run(this.#search.signal);
  }

  /** Stops looking. */
  end(): void {
    this.#search?.abort();
    this.#search = null;
  }

  /** Something has changed: the next attempt is made soon after `begin`, and the pauses are short again. */
  hurry(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#hurries = true;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { probe, isIdle, found } = this.#deps;
    const goOnline = () => this.hurry();
    globalThis.addEventListener('online', goOnline, { signal });
    let isFound = false;
    while (!signal.aborted && !isFound) {
      await this.#pause(signal);
      if (signal.aborted) return;
      // The probe is a session too, if only for sound: it takes nothing from what is being said.
      await idle(isIdle, signal);
      isFound = !signal.aborted && (await probe(signal));
    }
    await idle(isIdle, signal);
    if (!signal.aborted) found();
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const beganMs = performance.now();
    const pauseMs = this.#pauseMs;
    while (!signal.aborted && !this.#hurries && performance.now() - beganMs < pauseMs)
      await wait(LOOK_EVERY_MS, signal);
    if (this.#hurries) await wait(SHORT_PAUSE_MS, signal);
    else this.#pauseMs = Math.min(MAX_PAUSE_MS, 2 * pauseMs);
    this.#hurries = false;
  }
}

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });

const idle = async (isIdle: () => boolean, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted && !isIdle()) await wait(LOOK_EVERY_MS, signal);
};
