/**
 * The core that every adapter is thin over: text in pieces goes in, sound with the times of its words comes out, without a
 * face. Synthesis keeps a bounded time ahead of whoever reads; leaving the loop, or `close`, stops it at once.
 */
import {
  BehaviorSubject,
  type Observable,
  ReplaySubject,
  type SchedulerLike,
  Subject,
  type Subscription,
  asyncScheduler,
  concat,
  concatMap,
  defer,
  from,
} from 'rxjs';
import { VisavisError } from '../../errors.ts';
import type { WordTiming } from '../../media.ts';
import { AlignedResampler } from '../../pipeline/aligned-resampler.ts';
import { splitUtterance } from '../../pipeline/stages/split-utterance.ts';
import { type SpeechPart, type Synthesizer, synthesizeSpeech } from '../../pipeline/stages/synthesize-speech.ts';

/** Sound made and not yet read, ms; synthesis waits above it. */
const AHEAD_MS = 1500;

export interface SpeechSessionOptions {
  readonly voice: Synthesizer & { readonly sampleRateHz: number };
  /** Rate of the sound that comes out. */
  readonly sampleRateHz: number;
  /** 0.25…4; 1 is the voice's own. */
  readonly speed: number;
  /** Non-negative integer. */
  readonly seed: number;
  /** Characters that may wait to be spoken. */
  readonly maxCharacters: number;
  /** Flushes that may wait to be spoken. */
  readonly maxFlushes: number;
  /** Sound made ahead of the reader, ms. @default 1500 */
  readonly aheadMs?: number;
  /** Time of waits for text. @default real time */
  readonly scheduler?: SchedulerLike;
  /** Is told what operators count. */
  readonly meter?: SpeechMeter;
}

/** What operators count of speech. */
export interface SpeechMeter {
  nowMs(): number;
  /** From the first text after a flush to its first sound. */
  firstSound(latencyMs: number): void;
  finished(reason: 'completed' | 'interrupted'): void;
}

/** A text chunk whose sound comes next. Times are ms from the session's first sample; characters count all text appended. */
export interface SpokenText {
  readonly text: string;
  readonly charStart: number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly words: readonly WordTiming[];
}

export type SpeechEvent =
  | ({ readonly kind: 'text' } & SpokenText)
  /** float32 mono in -1…1; `startMs` counts from the session's first sample. */
  | { readonly kind: 'sound'; readonly pcm: Float32Array; readonly startMs: number }
  /** Everything that was appended before that `flush` has been spoken. */
  | { readonly kind: 'flushed' };

interface Segment {
  readonly charStart: number;
  readonly beganMs: number | undefined;
  readonly text$: ReplaySubject<string>;
}

/** One stream of speech; it has one reader, who iterates over it. */
export class SpeechSession implements AsyncIterable<SpeechEvent> {
  readonly #options: SpeechSessionOptions;
  readonly #segment$ = new Subject<Segment>();
  readonly #hasRoom$ = new BehaviorSubject(true);
  readonly #work: Subscription;
  readonly #queue: SpeechEvent[] = [];
  #open: Segment | null = null;
  #state: 'open' | 'ended' | 'done' | 'closed' = 'open';
  #failure: unknown = null;
  #wake: () => void = () => undefined;
  #appended = 0;
  #spoken = 0;
  #segments = 0;
  #waitingSegments = 0;
  #queuedSamples = 0;
  #madeSamples = 0;

  constructor(options: SpeechSessionOptions) {
    this.#options = options;
    this.#work = this.#segment$.pipe(concatMap((segment) => this.#speak(segment))).subscribe({
      next: (event) => this.#push(event),
      error: (error: unknown) => {
        this.#failure = error;
        this.#finish('done');
      },
      complete: () => this.#finish('done'),
    });
  }

  /** Whether something that was appended has not been read as sound. */
  get busy(): boolean {
    return this.#state !== 'closed' && (this.#waitingSegments > 0 || this.#queue.length > 0);
  }

  /** More text, cut anywhere. @throws {VisavisError} `text_too_long`, `too_many_utterances`; `bad_order` after `end` */
  append(text: string): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'open')
      throw new VisavisError('bad_order', 'this speech has ended; begin another for more text');
    if (text === '') return;
    const { maxCharacters } = this.#options;
    const waiting = this.#appended + text.length - this.#spoken;
    if (waiting > maxCharacters) {
      const way = `at most ${maxCharacters} characters may wait, got ${waiting}; send the rest when some have been spoken`;
      throw new VisavisError('text_too_long', way);
    }
    const segment = this.#open ?? this.#begin();
    this.#appended += text.length;
    segment.text$.next(text);
  }

  /** Speaks all that was appended, to its last character, and says `flushed` after it. */
  flush(): void {
    if (this.#state !== 'open') return;
    const segment = this.#open ?? this.#begin();
    this.#open = null;
    segment.text$.complete();
  }

  /** No more text: the loop ends after the last sound. */
  end(): void {
    if (this.#state !== 'open') return;
    if (this.#open) this.flush();
    this.#state = 'ended';
    this.#segment$.complete();
  }

  /** Stops between two windows; what was not read is dropped. Idempotent. */
  close(): void {
    this.#work.unsubscribe();
    for (; this.#waitingSegments > 0; this.#waitingSegments -= 1) this.#options.meter?.finished('interrupted');
    this.#queue.splice(0);
    this.#finish('closed');
  }

  /** What is spoken, in order. @throws {VisavisError} what the voice threw: `bad_text`, `inference_failed`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SpeechEvent, void> {
    try {
      for (;;) {
        const event = this.#queue.shift();
        if (event) {
          if (event.kind === 'sound') this.#queued(-event.pcm.length);
          yield event;
        } else if (this.#failure !== null) {
          throw this.#failure;
        } else if (this.#state === 'done' || this.#state === 'closed') {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.close();
    }
  }

  #begin(): Segment {
    const { maxFlushes } = this.#options;
    if (this.#waitingSegments >= maxFlushes) {
      const way = `at most ${maxFlushes} flushed texts may wait to be spoken; wait for the sound of some`;
      throw new VisavisError('too_many_utterances', way);
    }
    this.#waitingSegments += 1;
    const beganMs = this.#options.meter?.nowMs();
    const segment = { charStart: this.#appended, beganMs, text$: new ReplaySubject<string>() };
    this.#open = segment;
    this.#segment$.next(segment);
    return segment;
  }

  #speak({ charStart, beganMs, text$ }: Segment): Observable<SpeechEvent> {
    return defer(() => {
      const { voice, sampleRateHz, speed, seed, scheduler = asyncScheduler, meter } = this.#options;
      let isHeard = false;
      const resampler = new AlignedResampler(voice.sampleRateHz, sampleRateHz);
      const baseMs = this.#madeMs;
      let plannedSamples = 0;
      this.#segments += 1;
      const options = { speed, seed: (seed + this.#segments) % 2 ** 32 };

      const take = (part: SpeechPart): SpeechEvent[] => {
        if (part.kind === 'words') {
          const startMs = baseMs + (plannedSamples / voice.sampleRateHz) * 1000;
          plannedSamples += part.durationSamples;
          const { text } = part.chunk;
          this.#spoken += text.length;
          const words = part.words.map((word) => moved(word, startMs, charStart));
          const durationMs = (part.durationSamples / voice.sampleRateHz) * 1000;
          return [{ kind: 'text', text, charStart: charStart + part.chunk.charStart, startMs, durationMs, words }];
        }
        if (part.kind !== 'sound') return [];
        if (!isHeard && beganMs !== undefined) meter?.firstSound(meter.nowMs() - beganMs);
        isHeard = true;
        return this.#sound(resampler.push(part.pcm));
      };
      const spoken$ = text$.pipe(
        splitUtterance(scheduler),
        synthesizeSpeech(voice, options, this.#hasRoom$),
        // Each part gives its events at once, so their order stays.
        concatMap((part) => from(take(part))),
      );
      const rest$ = defer(() => {
        this.#waitingSegments -= 1;
        if (isHeard) meter?.finished('completed');
        return from<SpeechEvent[]>([...this.#sound(resampler.end()), { kind: 'flushed' }]);
      });
      return concat(spoken$, rest$);
    });
  }

  #sound(pcm: Float32Array): SpeechEvent[] {
    if (pcm.length === 0) return [];
    const startMs = this.#madeMs;
    this.#madeSamples += pcm.length;
    return [{ kind: 'sound', pcm, startMs }];
  }

  get #madeMs(): number {
    return (this.#madeSamples / this.#options.sampleRateHz) * 1000;
  }

  #push(event: SpeechEvent): void {
    this.#queue.push(event);
    if (event.kind === 'sound') this.#queued(event.pcm.length);
    this.#wake();
  }

  #queued(samples: number): void {
    this.#queuedSamples += samples;
    const { aheadMs = AHEAD_MS, sampleRateHz } = this.#options;
    const hasRoom = (this.#queuedSamples / sampleRateHz) * 1000 < aheadMs;
    if (hasRoom !== this.#hasRoom$.value) this.#hasRoom$.next(hasRoom);
  }

  #finish(state: 'done' | 'closed'): void {
    if (this.#state !== 'closed') this.#state = state;
    this.#wake();
  }
}

const moved = (word: WordTiming, byMs: number, characters: number): WordTiming => ({
  ...word,
  startMs: word.startMs + byMs,
  endMs: word.endMs + byMs,
  charStart: word.charStart + characters,
  charEnd: word.charEnd + characters,
});
