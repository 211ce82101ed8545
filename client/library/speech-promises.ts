/** A promise for every utterance: kept when it was said or stopped, broken when it cannot be. */
import type { SessionError } from './errors.ts';
import type { Spoken } from './utterance-book.ts';

interface Settler {
  readonly promise: Promise<Spoken>;
  resolve(spoken: Spoken): void;
  reject(error: SessionError): void;
}

export class SpeechPromises {
  readonly #settlers = new Map<string, Settler>();

  /** The promise of an utterance that has not been settled. */
  of(utterance: string): Promise<Spoken> {
    const present = this.#settlers.get(utterance);
    if (present) return present.promise;
    let settle: Omit<Settler, 'promise'> | undefined;
    const promise = new Promise<Spoken>((resolve, reject) => {
      settle = { resolve, reject };
    });
    // Nobody has to listen.
    promise.catch(() => undefined);
    if (settle) this.#settlers.set(utterance, { promise, ...settle });
    return promise;
  }

  resolve(spoken: Spoken): void {
    this.#take(spoken.utterance)?.resolve(spoken);
  }

  reject(utterance: string, error: SessionError): void {
    this.#take(utterance)?.reject(error);
  }

  rejectAll(error: SessionError): void {
    for (const utterance of this.#settlers.keys()) this.reject(utterance, error);
  }

  #take(utterance: string): Settler | undefined {
    const settler = this.#settlers.get(utterance);
    this.#settlers.delete(utterance);
    return settler;
  }
}
