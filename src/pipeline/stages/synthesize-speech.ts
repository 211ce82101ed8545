import {
  Observable,
  type ObservableInput,
  type OperatorFunction,
  filter,
  firstValueFrom,
  fromEvent,
  merge,
} from 'rxjs';
import type { TextChunk, WordTiming } from '../../media.ts';
import type { SpeechOptions, SpeechPlan } from '../../models/inference.ts';
import { concatMapEager } from '../operators/concat-map-eager.ts';

/** Chunks in work at once: the one that is decoded, and the next, which is encoded meanwhile. */
const CHUNKS_IN_WORK = 2;

/** What synthesis gives of a chunk: its words, then its sound in windows, then its end. */
export type SpeechPart =
  /** Times from the chunk's first sample, characters from the utterance's first. */
  | { readonly kind: 'words'; readonly words: readonly WordTiming[] }
  /** float32 in -1…1 at the voice's rate. */
  | { readonly kind: 'sound'; readonly pcm: Float32Array }
  | { readonly kind: 'chunk-end' };

/** The part of a voice that the stage needs. */
export interface Synthesizer {
  plan(text: string, options: SpeechOptions, signal?: AbortSignal): Promise<SpeechPlan>;
}

/**
 * Speaks text chunks: VITS encodes a chunk, then decodes it window by window, each window only when there is room for it.
 * Unsubscribing stops between two windows and aborts what is being encoded.
 *
 * @param hasRoom$ - Whether more sound may be made; replays its latest value. The bound of the queue after this stage.
 */
export const synthesizeSpeech =
  (
    voice: Synthesizer,
    options: SpeechOptions,
    hasRoom$: Observable<boolean>,
  ): OperatorFunction<TextChunk, SpeechPart> =>
  (chunk$) =>
    chunk$.pipe(concatMapEager((chunk) => speakChunk(voice, chunk, options, hasRoom$), CHUNKS_IN_WORK));

const speakChunk = (
  voice: Synthesizer,
  chunk: TextChunk,
  options: SpeechOptions,
  hasRoom$: Observable<boolean>,
): ObservableInput<SpeechPart> =>
  new Observable((subscriber) => {
    const controller = new AbortController();
    const { signal } = controller;

    const speak = async () => {
      const plan = await voice.plan(chunk.text, options, signal);
      if (signal.aborted) return;
      subscriber.next({ kind: 'words', words: plan.words.map((word) => shifted(word, chunk.charStart)) });
      const windows = plan.windows();
      try {
        for (;;) {
          await roomIn(hasRoom$, signal);
          if (signal.aborted) return;
          const window = await windows.next();
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
