/**
 * Takes what a client sends to be said, text as it comes or its own speech, and feeds it to the pipeline, one utterance after
 * the other. Everything that waits is bounded.
 */
import { type Observable, ReplaySubject, Subject } from 'rxjs';
import type { Clock } from '../clock.ts';
import { VisavisError } from '../errors.ts';
import type { Voice } from '../models/inference.ts';
import type { UtteranceInput } from '../pipeline/avatar-pipeline.ts';
import type { UtteranceLedger } from '../pipeline/utterance-ledger.ts';

export interface UtteranceFeedsDeps {
  readonly ledger: UtteranceLedger;
  readonly clock: Clock;
  /** The voice of the next utterance. */
  readonly voice: () => Voice;
  /** Speed of the next utterance: 0.5…2; 1 is the voice's own. */
  readonly speed: () => number;
  /** Each utterance's own seed is counted up from it. */
  readonly seed: number;
  /** Of the session's sound, and so of recordings. */
  readonly sampleRateHz: number;
  readonly limits: { readonly textCharacters: number; readonly utterances: number; readonly recordedMs: number };
}

/** Text or sound that may still come. */
type Feed =
  | { readonly kind: 'text'; readonly text$: ReplaySubject<string> }
  | { readonly kind: 'sound'; readonly pcm$: ReplaySubject<Float32Array>; samples: number };

/** The utterances of one session that are still open for more. */
export class UtteranceFeeds {
  readonly #deps: UtteranceFeedsDeps;
  readonly #feeds = new Map<string, Feed>();
  readonly #utterance$ = new Subject<UtteranceInput>();
  #utterances = 0;
  #recordings = 0;

  constructor(deps: UtteranceFeedsDeps) {
    this.#deps = deps;
  }

  /** Utterances, each when its first text or sound comes. */
  get utterance$(): Observable<UtteranceInput> {
    return this.#utterance$;
  }

  /** More text of an utterance; the first starts it. @throws {VisavisError} `text_too_long`, `too_many_utterances`, `bad_order` */
  append(id: string, text: string): void {
    const { ledger, limits, clock, voice, speed, seed } = this.#deps;
    const feed = this.#feeds.get(id);
    if (!feed && ledger.has(id)) {
      throw new VisavisError('bad_order', `utterance "${id}" has ended; choose a new id for what comes next`);
    }
    if (feed && feed.kind !== 'text') {
      throw new VisavisError('bad_order', `utterance "${id}" is the client's own speech; choose another id for text`);
    }
    const pending = ledger.openCharacters + text.length;
    if (pending > limits.textCharacters) {
      throw new VisavisError(
        'text_too_long',
        `at most ${limits.textCharacters} characters may wait, got ${pending}; send the rest when utterances have finished`,
      );
    }
    if (feed) {
      ledger.append(id, text);
      feed.text$.next(text);
      return;
    }
    this.#requireRoom();
    const text$ = new ReplaySubject<string>();
    this.#feeds.set(id, { kind: 'text', text$ });
    ledger.begin(id, clock.nowMs());
    ledger.append(id, text);
    text$.next(text);
    this.#utterances += 1;
    const options = { speed: speed(), seed: (seed + this.#utterances) % 2 ** 32 };
    this.#utterance$.next({ kind: 'text', id, text$, voice: voice(), options });
  }

  /** No more text. @throws {VisavisError} `unknown_utterance` */
  end(id: string): void {
    const feed = this.#feeds.get(id);
    if (!feed || feed.kind !== 'text') {
      throw new VisavisError('unknown_utterance', `there is no utterance "${id}" to end; utterance.append starts one`);
    }
    this.stop(id);
  }

  /** 16-bit PCM of the client's own speech, at the session's rate. @throws {VisavisError} `text_too_long`, `bad_order` */
  recorded(pcm16: Uint8Array, first: boolean, last: boolean): void {
    const { ledger, limits, clock, sampleRateHz } = this.#deps;
    const begins = first || this.#recordings === 0;
    if (begins) this.#recordings += 1;
    const id = `recording-${this.#recordings}`;
    let feed = this.#feeds.get(id);
    if (!feed) {
      // What still comes of a recording that was interrupted is not wanted.
      if (!begins) return;
      this.#requireRoom();
      feed = { kind: 'sound', pcm$: new ReplaySubject<Float32Array>(), samples: 0 };
      this.#feeds.set(id, feed);
      ledger.begin(id, clock.nowMs());
      this.#utterance$.next({ kind: 'sound', id, pcm$: feed.pcm$ });
    }
    if (feed.kind !== 'sound') throw new VisavisError('bad_order', `"${id}" is already the id of an utterance of text`);
    const samples = pcm16.length / 2;
    feed.samples += samples;
    if ((feed.samples / sampleRateHz) * 1000 > limits.recordedMs) {
      const way = `one recording may last ${limits.recordedMs} ms; begin another (flag bit 0)`;
      throw new VisavisError('text_too_long', way);
    }
    const view = new DataView(pcm16.buffer, pcm16.byteOffset, pcm16.byteLength);
    feed.pcm$.next(Float32Array.from({ length: samples }, (_, i) => view.getInt16(2 * i, true) / 32_768));
    if (last) this.stop(id);
  }

  /** Closes an utterance; more of it is not taken. */
  stop(id: string): void {
    const feed = this.#feeds.get(id);
    this.#feeds.delete(id);
    if (feed?.kind === 'text') feed.text$.complete();
    if (feed?.kind === 'sound') feed.pcm$.complete();
  }

  #requireRoom(): void {
    const { ledger, limits } = this.#deps;
    if (ledger.open.length < limits.utterances) return;
    const way = `at most ${limits.utterances} utterances may wait; wait for utterance.finished`;
    throw new VisavisError('too_many_utterances', way);
  }
}
