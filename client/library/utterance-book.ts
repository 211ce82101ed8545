/**
 * What has been asked to be said and is not finished: enough to go on with it on a new connection where the old one broke off.
 * Also turns the server's times and places, which begin anew with every connection, into those of the session. Pure.
 */
import type { ServerMessageOf, SpokenWord } from './messages.ts';

/** What was said of an utterance. */
export type Spoken = Omit<ServerMessageOf<'utterance.finished'>, 'type'>;

/** An utterance that goes on. */
export interface Remainder {
  readonly utterance: string;
  /** What has not been heard of its text so far. */
  readonly text: string;
  /** Whether its text is complete. */
  readonly ended: boolean;
  /** Whether it is to be silenced instead. */
  readonly stopped: boolean;
  /** Where in the whole text that begins (UTF-16). */
  readonly charStart: number;
  /** Whether an earlier connection has had it. */
  readonly brokeOff: boolean;
}

interface Entry {
  text: string;
  ended: boolean;
  /** Whether it is to be silenced. */
  stopped: boolean;
  brokeOff: boolean;
  /** Where in the text the present connection began. */
  charStart: number;
  /** Media time of its first sample, and of what was heard of it before the present connection. */
  startMs: number | null;
  durationBeforeMs: number;
  /** Those that are not known to be heard. */
  words: readonly SpokenWord[];
}

const FRESH = {
  ended: false,
  stopped: false,
  brokeOff: false,
  charStart: 0,
  startMs: null,
  durationBeforeMs: 0,
  words: [],
} as const;

export class UtteranceBook {
  readonly #entries = new Map<string, Entry>();
  /** Media time of the session when that of the present connection was 0. */
  #baseMs = 0;

  /** Ids of what is not finished, in order. */
  get open(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Media time of the session at media time 0 of the connection. */
  get baseMs(): number {
    return this.#baseMs;
  }

  /** The text of an utterance that is not finished, as far as it is known; else empty. */
  textOf(utterance: string): string {
    return this.#entries.get(utterance)?.text ?? '';
  }

  /** More of its text; the first begins it. @returns false when it takes no more. */
  append(utterance: string, text: string): boolean {
    const entry = this.#entries.get(utterance);
    if (entry?.ended) return false;
    if (entry) entry.text += text;
    else this.#entries.set(utterance, { text, ...FRESH });
    return true;
  }

  /** Its text is complete. @returns false when it was before, or there is no such utterance. */
  end(utterance: string): boolean {
    const entry = this.#entries.get(utterance);
    if (!entry || entry.ended) return false;
    entry.ended = true;
    return true;
  }

  /** Whether more text of it can come. */
  takes(utterance: string): boolean {
    return this.#entries.get(utterance)?.ended === false;
  }

  /** It is to be silenced, whatever happens to the connection. */
  stop(utterance: string): void {
    const entry = this.#entries.get(utterance);
    if (entry) Object.assign(entry, { ended: true, stopped: true });
  }

  /** Nothing more will come of it. @returns what was said of it; null when there is no such utterance. */
  abandon(utterance: string, reason: Spoken['reason']): Spoken | null {
    const entry = this.#entries.get(utterance);
    this.#entries.delete(utterance);
    if (!entry) return null;
    return { utterance, reason, spokenText: entry.text.slice(0, entry.charStart), durationMs: entry.durationBeforeMs };
  }

  started({ utterance, startMs, ...rest }: ServerMessageOf<'utterance.started'>): ServerMessageOf<'utterance.started'> {
    const atMs = startMs + this.#baseMs;
    const entry = this.#entries.get(utterance);
    if (entry) entry.startMs = atMs;
    return { ...rest, utterance, startMs: atMs };
  }

  words({ utterance, words, ...rest }: ServerMessageOf<'utterance.words'>): ServerMessageOf<'utterance.words'> {
    const entry = this.#entries.get(utterance);
    const from = entry?.charStart ?? 0;
    const placed = words.map((word) => ({
      ...word,
      startMs: word.startMs + this.#baseMs,
      endMs: word.endMs + this.#baseMs,
      charStart: word.charStart + from,
      charEnd: word.charEnd + from,
    }));
    if (entry) entry.words = [...entry.words, ...placed];
    return { ...rest, utterance, words: placed };
  }

  finished(message: ServerMessageOf<'utterance.finished'>): ServerMessageOf<'utterance.finished'> {
    const { utterance, spokenText, durationMs } = message;
    const entry = this.#entries.get(utterance);
    this.#entries.delete(utterance);
    if (!entry) return message;
    return {
      ...message,
      spokenText: entry.text.slice(0, entry.charStart) + spokenText,
      durationMs: entry.durationBeforeMs + durationMs,
    };
  }

  /**
   * The connection broke off when media time `heardMs` of the session was heard (null: nothing was). That of the next one goes on
   * from there, and what is not finished goes on with the first word whose end was not heard.
   */
  breakOff(heardMs: number | null): void {
    const endMs = Math.max(this.#baseMs, heardMs ?? 0);
    this.#baseMs = endMs;
    for (const entry of this.#entries.values()) {
      const unheard = entry.words.find((word) => word.endMs > endMs);
      const heard = entry.words.findLast((word) => word.endMs <= endMs);
      // Words come before their sound: all that were told may be heard, and the next one not be known yet.
      if (unheard) entry.charStart = unheard.charStart;
      else if (heard) entry.charStart = heard.charEnd;
      if (entry.startMs !== null && heard) entry.durationBeforeMs += Math.max(0, heard.endMs - entry.startMs);
      Object.assign(entry, { brokeOff: true, startMs: null, words: [] });
    }
  }

  /** What is not finished and has to be said on a new connection. */
  rest(): Remainder[] {
    return [...this.#entries].map(([utterance, { text, ended, stopped, brokeOff, charStart }]) => ({
      utterance,
      text: text.slice(charStart),
      ended,
      stopped,
      brokeOff,
      charStart,
    }));
  }
}
