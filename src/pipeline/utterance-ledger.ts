/**
 * Keeps account of what was said: which utterance is in which slot, when its words are heard, how much of it was heard when
 * it was cut off. Pure; times are media time in ms unless the name says otherwise.
 */
import { SLOT_MS, type WordTiming } from '../media.ts';
import type { PlacedMark } from './slot-composer.ts';
import { laterBy, rounded } from './word-times.ts';

/** What a client is told about its utterances. */
export type LedgerEvent =
  | { readonly type: 'started'; readonly utterance: string; readonly startMs: number }
  | { readonly type: 'words'; readonly utterance: string; readonly words: readonly WordTiming[] }
  | {
      readonly type: 'finished';
      readonly utterance: string;
      readonly reason: 'completed' | 'interrupted';
      /** The prefix of the text that was heard, to the end of its last whole word. */
      readonly spokenText: string;
      readonly durationMs: number;
    }
  /** First sound and first picture of an utterance left. `Clock.nowMs` − the time of its first text. */
  | { readonly type: 'text-to-audio'; readonly utterance: string; readonly latencyMs: number }
  | { readonly type: 'text-to-video'; readonly utterance: string; readonly latencyMs: number };

/** A mark's place in the slots: `sequence`, and ms into it. */
interface Place {
  readonly sequence: number;
  readonly offsetMs: number;
}

interface Account {
  readonly id: string;
  readonly askedAtMs: number;
  text: string;
  start: Place | null;
  startMs: number | null;
  end: Place | null;
  /** Words with their places; their media time is known when the slots of their chunk are played. */
  readonly chunks: { readonly place: Place; readonly words: readonly WordTiming[]; told: boolean }[];
  shown: boolean;
}

/** The utterances of one session, from their first text until they were heard or cut off. */
export class UtteranceLedger {
  readonly #open = new Map<string, Account>();
  #playedSequence = -1;
  #playedMs = -SLOT_MS;

  /** Utterances that are not finished, oldest first. */
  get open(): readonly string[] {
    return [...this.#open.keys()];
  }

  has(utterance: string): boolean {
    return this.#open.has(utterance);
  }

  /** Characters of all open utterances. */
  get openCharacters(): number {
    let sum = 0;
    for (const { text } of this.#open.values()) sum += text.length;
    return sum;
  }

  /** Whether the sound that leaves now belongs to an utterance. */
  get speaking(): boolean {
    for (const { startMs } of this.#open.values()) if (startMs !== null) return true;
    return false;
  }

  /** Opens an account. `askedAtMs`: `Clock.nowMs` when its first text came. */
  begin(id: string, askedAtMs: number): void {
    this.#open.set(id, { id, askedAtMs, text: '', start: null, startMs: null, end: null, chunks: [], shown: false });
  }

  append(id: string, text: string): void {
    const account = this.#open.get(id);
    if (account) account.text += text;
  }

  /** A slot was made. Gives the words that it announces, if their utterance has started. */
  composed(sequence: number, marks: readonly PlacedMark[]): readonly LedgerEvent[] {
    const events: LedgerEvent[] = [];
    for (const { offsetMs, mark } of marks) {
      const account = this.#open.get(mark.utterance);
      if (!account) continue;
      const place = { sequence, offsetMs };
      if (mark.kind === 'start') account.start = place;
      if (mark.kind === 'end') account.end = place;
      if (mark.kind === 'words' && mark.words.length > 0) {
        account.chunks.push({ place, words: mark.words, told: false });
        if (account.startMs !== null) events.push(...this.#tellWords(account));
      }
    }
    return events;
  }

  /** A slot was played at `mediaTimeMs`. Gives what began and ended with it, in order. */
  played(sequence: number, mediaTimeMs: number, atMs: number): readonly LedgerEvent[] {
    this.#playedSequence = sequence;
    this.#playedMs = mediaTimeMs;
    const events: LedgerEvent[] = [];
    for (const account of this.#open.values()) {
      const { id, start, end } = account;
      if (start && account.startMs === null && start.sequence <= sequence) {
        account.startMs = this.#mediaTime(start);
        events.push(
          { type: 'started', utterance: id, startMs: Math.round(account.startMs) },
          { type: 'text-to-audio', utterance: id, latencyMs: atMs - account.askedAtMs },
          ...this.#tellWords(account),
        );
      }
      if (end && end.sequence <= sequence) events.push(this.#finish(account, 'completed', this.#mediaTime(end)));
    }
    return events;
  }

  /** The frame of a slot left. */
  shown(sequence: number, atMs: number): readonly LedgerEvent[] {
    const events: LedgerEvent[] = [];
    for (const account of this.#open.values()) {
      if (account.shown || !account.start || account.start.sequence > sequence) continue;
      account.shown = true;
      events.push({ type: 'text-to-video', utterance: account.id, latencyMs: atMs - account.askedAtMs });
    }
    return events;
  }

  /** Which of the slot's two packets, if any, opens or closes an utterance: for the flags of binary frames. */
  edges(sequence: number): { readonly firstMs: number | null; readonly lastMs: number | null } {
    let firstMs: number | null = null;
    let lastMs: number | null = null;
    for (const { start, end } of this.#open.values()) {
      if (start?.sequence === sequence) firstMs ??= start.offsetMs;
      if (end?.sequence === sequence) lastMs = end.offsetMs;
    }
    return { firstMs, lastMs };
  }

  /** Of these utterances, the first slot made that holds any of them; null: none does. */
  firstSlot(utterances: ReadonlySet<string>): number | null {
    const sequences = [...utterances].flatMap((id) => this.#open.get(id)?.start?.sequence ?? []);
    return sequences.length === 0 ? null : Math.min(...sequences);
  }

  /**
   * Closes utterances that were cut off.
   * @param heardUntilMs - Media time up to which the listener heard them.
   */
  interrupt(utterances: ReadonlySet<string>, heardUntilMs: number): readonly LedgerEvent[] {
    const events: LedgerEvent[] = [];
    for (const id of utterances) {
      const account = this.#open.get(id);
      if (account) events.push(this.#finish(account, 'interrupted', heardUntilMs));
    }
    return events;
  }

  /** Forgets the places of slots that were taken back; their marks come again. */
  restart(sequence: number): void {
    for (const account of this.#open.values()) {
      if (account.start && account.start.sequence >= sequence) account.start = null;
      if (account.end && account.end.sequence >= sequence) account.end = null;
      const kept = account.chunks.filter(({ place }) => place.sequence < sequence);
      account.chunks.splice(0, account.chunks.length, ...kept);
    }
  }

  /** Media time at the end of what has been played. */
  get playedUntilMs(): number {
    return this.#playedMs + SLOT_MS;
  }

  #mediaTime({ sequence, offsetMs }: Place): number {
    return this.#playedMs + (sequence - this.#playedSequence) * SLOT_MS + offsetMs;
  }

  #tellWords(account: Account): readonly LedgerEvent[] {
    const events: LedgerEvent[] = [];
    for (const chunk of account.chunks) {
      if (chunk.told) continue;
      chunk.told = true;
      const words = this.#placedWords(chunk).map(rounded);
      events.push({ type: 'words', utterance: account.id, words });
    }
    return events;
  }

  #placedWords({ place, words }: Account['chunks'][number]): readonly WordTiming[] {
    const fromMs = this.#mediaTime(place);
    return words.map((word) => laterBy(word, fromMs));
  }

  #finish(account: Account, reason: 'completed' | 'interrupted', atMs: number): LedgerEvent {
    this.#open.delete(account.id);
    const heard = account.chunks.flatMap((chunk) => this.#placedWords(chunk)).filter(({ endMs }) => endMs <= atMs);
    const heardCharacters = heard.reduce((end, { charEnd }) => Math.max(end, charEnd), 0);
    const spokenText = reason === 'completed' ? account.text : account.text.slice(0, heardCharacters);
    const durationMs = account.startMs === null ? 0 : Math.max(0, Math.round(atMs - account.startMs));
    return { type: 'finished', utterance: account.id, reason, spokenText, durationMs };
  }
}
