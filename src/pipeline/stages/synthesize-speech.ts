import {
  Observable,
  type ObservableInput,
  type OperatorFunction,
  catchError,
  concat,
  concatMap,
  defer,
  filter,
  finalize,
  firstValueFrom,
  from,
  fromEvent,
  merge,
  tap,
  throwError,
} from 'rxjs';
import { VisavisError } from '../../errors.ts';
import type { TextChunk, WordTiming } from '../../media.ts';
import type { CallOptions, SpeechOptions, SpeechPlan, TextProblem } from '../../models/inference.ts';
import { concatMapEager } from '../operators/concat-map-eager.ts';

/** Chunks in work at once: the one that is decoded, and the next, which is encoded as soon as the first has sound. */
const CHUNKS_IN_WORK = 2;
/** Problems told of one utterance. */
const MAX_REPORTS: Readonly<Record<TextProblem['kind'], number>> = {
  'bad-phonemes': 8,
  unreadable: 1,
  'unknown-symbols': 1,
};
/** A chunk that is too long is cut down to pieces of this many characters at least. */
const MIN_CUT = 10;

/** What synthesis gives of a chunk: its words, then its sound in windows, then its end. */
export type SpeechPart =
  /** Times from the chunk's first sample, characters from the utterance's first; how long the chunk will be, in samples of the voice. */
  | {
      readonly kind: 'words';
      readonly words: readonly WordTiming[];
      readonly chunk: TextChunk;
      readonly durationSamples: number;
    }
  /** float32 in -1…1 at the voice's rate. */
  | { readonly kind: 'sound'; readonly pcm: Float32Array }
  | { readonly kind: 'chunk-end' }
  /** Something in the text is not spoken; all else is. */
  | { readonly kind: 'problem'; readonly error: VisavisError };

/** The part of a voice that the stage needs. */
export interface Synthesizer {
  plan(text: string, options: SpeechOptions, signal?: AbortSignal, call?: CallOptions): Promise<SpeechPlan>;
}

/**
 * Speaks text chunks: VITS encodes a chunk, then decodes it window by window, each window only when there is room for it.
 * Unsubscribing stops between two windows and aborts what is being encoded.
 *
 * @param hasRoom$ - Whether more sound may be made; replays its latest value. The bound of the queue after this stage.
 * @param call - How urgent the next call is. Default: as a call is that does not say so.
 */
export const synthesizeSpeech =
  (
    voice: Synthesizer,
    options: SpeechOptions,
    hasRoom$: Observable<boolean>,
    call: () => CallOptions = () => ({}),
  ): OperatorFunction<TextChunk, SpeechPart> =>
  (chunk$) =>
    defer(() => {
      const report = createReporter();
      const speak = (chunk: TextChunk, sounds: () => void): Observable<SpeechPart> =>
        from(speakChunk(voice, chunk, { options, hasRoom$, report, call, sounds })).pipe(
          // Figures and addresses may be much longer spoken than written. It is known before anything is said.
          catchError((error: unknown) =>
            isTooLong(error, chunk) ? concat(...halvesOf(chunk).map((half) => speak(half, sounds))) : fail(error),
          ),
        );
      /** Resolves when the chunk before sounds or waits: encoding the next one must not delay the first sound. */
      let before: Promise<void> = Promise.resolve();
      const speakNext = (chunk: TextChunk): Observable<SpeechPart> => {
        const turn = before;
        let sounds: () => void = () => undefined;
        before = new Promise((resolve) => {
          sounds = resolve;
        });
        return from(turn).pipe(
          concatMap(() => speak(chunk, sounds)),
          finalize(sounds),
        );
      };
      return chunk$.pipe(concatMapEager(speakNext, CHUNKS_IN_WORK));
    });

/** What of these is news to the client. */
type Reporter = (problems: readonly TextProblem[]) => readonly VisavisError[];

/** Of one utterance a few problems are told: a long text in a language that the voice does not speak has one in each sentence. */
const createReporter = (): Reporter => {
  const left: Record<TextProblem['kind'], number> = { ...MAX_REPORTS };
  return (problems) =>
    problems.filter(({ kind }) => left[kind]-- > 0).map(({ message }) => new VisavisError('bad_text', message));
};

const isTooLong = (error: unknown, { text }: TextChunk): boolean =>
  error instanceof VisavisError && error.code === 'text_too_long' && text.length >= 2 * MIN_CUT;

const fail = (error: unknown): Observable<never> => throwError(() => error);

/** Two parts of about the same length, cut at a space where there is one. */
const halvesOf = ({ text, charStart }: TextChunk): readonly TextChunk[] => {
  const middle = Math.ceil(text.length / 2);
  const space = text.lastIndexOf(' ', middle);
  const cut = space >= MIN_CUT ? space + 1 : middle - (/[\uD800-\uDBFF]/.test(text.charAt(middle - 1)) ? 1 : 0);
  return [
    { text: text.slice(0, cut), charStart },
    { text: text.slice(cut), charStart: charStart + cut },
  ];
};

interface ChunkContext {
  readonly options: SpeechOptions;
  readonly hasRoom$: Observable<boolean>;
  readonly report: Reporter;
  readonly call: () => CallOptions;
  /** Told when the chunk sounds, or waits for room to. */
  readonly sounds: () => void;
}

const speakChunk = (
  voice: Synthesizer,
  chunk: TextChunk,
  { options, hasRoom$, report, call, sounds }: ChunkContext,
): ObservableInput<SpeechPart> =>
  new Observable((subscriber) => {
    const controller = new AbortController();
    const { signal } = controller;

    const speak = async () => {
      const plan = await voice.plan(chunk.text, options, signal, call());
      if (signal.aborted) return;
      const words = plan.words.map((word) => shifted(word, chunk.charStart));
      subscriber.next({ kind: 'words', words, chunk, durationSamples: plan.durationSamples });
      const windows = plan.windows(call);
      try {
        for (const error of report(plan.problems ?? [])) subscriber.next({ kind: 'problem', error });
        for (;;) {
          await roomIn(hasRoom$.pipe(tap((hasRoom) => !hasRoom && sounds())), signal);
          if (signal.aborted) return;
          const window = await windows.next();
          sounds();
          if (signal.aborted) return;
          if (window.done) break;
          subscriber.next({ kind: 'sound', pcm: window.value });
        }
      } finally {
        await windows.return?.();
      }
      subscriber.next({ kind: 'chunk-end' });
      subscriber.complete();
    };
    speak().catch((error: unknown) => {
      if (!signal.aborted) subscriber.error(error);
    });
    return () => controller.abort();
  });

const shifted = (word: WordTiming, characters: number): WordTiming => ({
  ...word,
  charStart: word.charStart + characters,
  charEnd: word.charEnd + characters,
});

/** Resolves when there is room, or when the signal aborts. */
const roomIn = async (hasRoom$: Observable<boolean>, signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await firstValueFrom(merge(hasRoom$.pipe(filter(Boolean)), fromEvent(signal, 'abort')));
};
