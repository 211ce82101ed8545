import { Observable, type OperatorFunction, type SchedulerLike, Subscription, asyncScheduler } from 'rxjs';
import type { TextChunk } from '../../media.ts';
import { createTextSplitter } from '../split-text.ts';

/** Without a token for this long, what has come is spoken: a language model that pauses must not make the voice wait. */
const TOKEN_SILENCE_MS = 250;
/** After this long even a number ("42.") is taken for whole. */
const LONG_SILENCE_MS = 1000;

/**
 * Splits the text of one utterance, as it comes, into chunks to synthesize; the first one early. Joined, the chunks' texts
 * are the utterance.
 *
 * @param scheduler - Time of the wait for further text; a virtual one in tests.
 */
export const splitUtterance =
  (scheduler: SchedulerLike = asyncScheduler): OperatorFunction<string, TextChunk> =>
  (text$) =>
    new Observable((subscriber) => {
      const splitter = createTextSplitter();
      let silence = new Subscription();
      const wait = () => {
        silence = new Subscription();
        for (const ms of [TOKEN_SILENCE_MS, LONG_SILENCE_MS]) {
          silence.add(scheduler.schedule(() => emit(splitter.idle()), ms));
        }
      };
      const emit = (chunks: readonly TextChunk[]) => {
        for (const chunk of chunks) subscriber.next(chunk);
      };

      subscriber.add(
        text$.subscribe({
          next: (delta) => {
            silence.unsubscribe();
            emit(splitter.push(delta));
            wait();
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            silence.unsubscribe();
            emit(splitter.end());
            subscriber.complete();
          },
        }),
      );
      return () => silence.unsubscribe();
    });
