import { alignCharacters } from '../core/alignment.ts';
import type { SpokenText } from '../core/speech-session.ts';

/** Characters with the times at which they start and how long they last, ms. */
export interface Characters {
  readonly chars: string[];
  readonly startsMs: number[];
  readonly durationsMs: number[];
}

/** Hands out the characters of what is spoken along with its sound. */
export class CharacterFeed {
  #waiting: { readonly char: string; readonly startMs: number; readonly durationMs: number }[] = [];

  add(text: SpokenText): void {
    const { chars, startsMs, durationsMs } = alignCharacters(text);
    for (const [i, char] of chars.entries()) {
      this.#waiting.push({ char, startMs: startsMs[i]!, durationMs: durationsMs[i]! });
    }
  }

  /** Those that begin before `endMs` of the session, at the times of the session; null when there are none. */
  until(endMs: number): Characters | null {
    const first = this.#waiting.findIndex(
      ({ startMs, durationMs }) => startMs >= endMs && startMs + durationMs > endMs,
    );
    return this.#take(first < 0 ? this.#waiting.length : first, 0);
  }

  /** All, at times from the first of them; null when there are none. */
  all(): Characters | null {
    return this.#take(this.#waiting.length, this.#waiting[0]?.startMs ?? 0);
  }

  #take(count: number, originMs: number): Characters | null {
    if (count === 0) return null;
    const taken = this.#waiting.splice(0, count);
    return {
      chars: taken.map(({ char }) => char),
      startsMs: taken.map(({ startMs }) => startMs - originMs),
      durationsMs: taken.map(({ durationMs }) => durationMs),
    };
  }
}
