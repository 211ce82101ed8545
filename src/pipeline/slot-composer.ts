/**
 * Cuts speech into slots. Speech comes in windows of any length, utterance after utterance; slots of 40 ms go out, each with
 * the sound around it that the motion flow looks at. Pure: it is told when to make a slot, and reads no clock.
 */
import { type AudioSlot, SLOT_MS, type WordTiming } from '../media.ts';

/** Something that happens at a sample of the speech. */
export type SpeechMark =
  | { readonly kind: 'start'; readonly utterance: string }
  /** Words of a text chunk; times from this mark, characters from the utterance's first. */
  | { readonly kind: 'words'; readonly utterance: string; readonly words: readonly WordTiming[] }
  | { readonly kind: 'end'; readonly utterance: string };

/** A mark in a slot, `offsetMs` after the slot's first sample (0…40). */
export interface PlacedMark {
  readonly offsetMs: number;
  readonly mark: SpeechMark;
}

/** One slot of sound and what begins and ends in it. */
export interface ComposedSlot extends AudioSlot {
  /** Audio that the motion flow sees: past, the slot itself, look-ahead; float32, at the session's rate. */
  readonly window: Float32Array;
  readonly marks: readonly PlacedMark[];
}

export interface SlotComposerOptions {
  /** Sample rate of the session's sound; a multiple of 25 Hz. */
  readonly sampleRateHz: number;
  /** Samples before the slot in `ComposedSlot.window`. */
  readonly pastSamples: number;
  /** Samples after the slot in `ComposedSlot.window`. */
  readonly lookaheadSamples: number;
  /** Whether silence is composed when nobody speaks (the face stays alive), or nothing. */
  readonly idle: boolean;
  /**
   * Slots made ahead of playing in silence: what speech has to wait for, so few. Default 2. With 0 a slot is never made before
   * all that it needs is there, so the slots do not depend on time.
   */
  readonly idleLeadSlots?: number;
  /** Slots made ahead of playing in speech. Default 8, 320 ms. */
  readonly speechLeadSlots?: number;
}

interface Piece {
  readonly utterance: string;
  readonly pcm: Float32Array;
  /** Marks at its first sample. */
  readonly before: readonly SpeechMark[];
  /** Marks after its last sample. */
  after: SpeechMark[];
  /** The speech may pause after it: a slot that it does not fill is filled with silence. */
  closes: boolean;
}

const NOTHING = new Float32Array(0);

/** Queue of speech and maker of slots for one session. The queue is bounded by its feeder, who watches `queuedMs`. */
export class SlotComposer {
  readonly #options: Required<SlotComposerOptions>;
  #idleLeadSlots: number;
  readonly #slotSamples: number;
  #queue: Piece[] = [];
  #queuedSamples = 0;
  /** Marks that wait for the sample that they belong to. */
  #waitingMarks: SpeechMark[] = [];
  #nextSequence = 0;
  #playedSequence = -1;
  /** What went into the slots that may still be taken back, by sequence. */
  readonly #composed = new Map<number, { readonly pcm: Float32Array; readonly pieces: readonly Piece[] }>();

  constructor(options: SlotComposerOptions) {
    this.#options = { idleLeadSlots: 2, speechLeadSlots: 8, ...options };
    this.#idleLeadSlots = this.#options.idleLeadSlots;
    this.#slotSamples = (options.sampleRateHz * SLOT_MS) / 1000;
    if (!Number.isInteger(this.#slotSamples)) {
      throw new RangeError(`sampleRateHz must be a multiple of 25, got ${options.sampleRateHz}`);
    }
  }

  /** Milliseconds of speech that are queued and not yet in a slot. */
  get queuedMs(): number {
    return (this.#queuedSamples / this.#options.sampleRateHz) * 1000;
  }

  /** Slots made and not yet played. */
  get outstanding(): number {
    return this.#nextSequence - this.#playedSequence - 1;
  }

  /** Slots made and not yet played, counted until the last one that holds speech. */
  get outstandingSpeech(): number {
    let sequence = this.#nextSequence - 1;
    while (sequence > this.#playedSequence && (this.#composed.get(sequence)?.pieces.length ?? 0) === 0) sequence -= 1;
    return Math.max(0, sequence - this.#playedSequence);
  }

  /** The first slot that waits to be played when all that wait are silent: speech that comes now could take its place. */
  get silentFrom(): number | null {
    for (let sequence = this.#playedSequence + 1; sequence < this.#nextSequence; sequence += 1) {
      if ((this.#composed.get(sequence)?.pieces.length ?? 0) > 0) return null;
    }
    return this.outstanding > 0 ? this.#playedSequence + 1 : null;
  }

  /** Makes slots earlier than `idleLeadSlots` says, up to `speechLeadSlots`, for a machine that needs more time to draw. */
  allowForDrawing(expectedMs: number): void {
    const { idleLeadSlots, speechLeadSlots } = this.#options;
    const needed = Math.ceil(expectedMs / SLOT_MS) + 1;
    if (idleLeadSlots > 0) this.#idleLeadSlots = Math.min(speechLeadSlots, Math.max(idleLeadSlots, needed));
  }

  /** Queues speech of an utterance, float32 at the session's rate. */
  append(utterance: string, pcm: Float32Array): void {
    this.#queue.push({ utterance, pcm, before: this.#waitingMarks.splice(0), after: [], closes: false });
    this.#queuedSamples += pcm.length;
  }

  /** Marks the sample that comes next, or, with `end`, the one that came last. */
  mark(mark: SpeechMark): void {
    if (mark.kind !== 'end') {
      this.#waitingMarks.push(mark);
      return;
    }
    const last = this.#queue.at(-1);
    if (last && this.#waitingMarks.length === 0) {
      last.after.push(mark);
      return;
    }
    const before = this.#waitingMarks.splice(0);
    this.#queue.push({ utterance: mark.utterance, pcm: NOTHING, before, after: [mark], closes: true });
  }

  /** Says that the speech queued so far may be followed by a pause (a text chunk has ended). */
  close(): void {
    const last = this.#queue.at(-1);
    if (last) last.closes = true;
  }

  /** Notes that a slot has been played: it and those before it cannot be taken back any more. */
  played(sequence: number): void {
    this.#playedSequence = Math.max(this.#playedSequence, sequence);
    const keepFrom = this.#playedSequence - Math.ceil(this.#options.pastSamples / this.#slotSamples) - 1;
    for (const old of this.#composed.keys()) if (old < keepFrom) this.#composed.delete(old);
  }

  /** Makes the next slot, or gives null when none is wanted or its speech is not there yet. */
  next(): ComposedSlot | null {
    if (!this.#wantsSlot()) return null;
    return this.#compose();
  }

  /**
   * Goes back: slots from `sequence` on were never played. Their speech is queued again, but for utterances in `dropped`,
   * whose queued speech goes too.
   */
  restart(sequence: number, dropped: ReadonlySet<string>): void {
    const again: Piece[] = [];
    for (let old = sequence; old < this.#nextSequence; old += 1) {
      again.push(...(this.#composed.get(old)?.pieces ?? []));
      this.#composed.delete(old);
    }
    this.#nextSequence = sequence;
    this.#playedSequence = Math.max(this.#playedSequence, sequence - 1);
    this.#queue = [...again, ...this.#queue];
    this.drop(dropped);
  }

  /** Forgets the queued speech of utterances, marks and all. */
  drop(dropped: ReadonlySet<string>): void {
    this.#waitingMarks = this.#waitingMarks.filter((mark) => !dropped.has(mark.utterance));
    const kept: Piece[] = [];
    for (const piece of this.#queue) {
      const before = piece.before.filter((mark) => !dropped.has(mark.utterance));
      const after = piece.after.filter((mark) => !dropped.has(mark.utterance));
      if (!dropped.has(piece.utterance)) kept.push({ ...piece, before, after });
      else if (before.length + after.length > 0) kept.push({ ...piece, pcm: NOTHING, before, after, closes: true });
    }
    this.#queue = kept;
    this.#queuedSamples = this.#queue.reduce((sum, piece) => sum + piece.pcm.length, 0);
  }

  #wantsSlot(): boolean {
    const { idle, speechLeadSlots, lookaheadSamples } = this.#options;
    const idleLeadSlots = this.#idleLeadSlots;
    const tail = this.#queue.at(-1);
    const ended = tail === undefined || tail.after.length > 0;
    if (this.#queuedSamples === 0) {
      if (this.#queue.length > 0) return this.outstanding < speechLeadSlots;
      return idle && this.outstanding < idleLeadSlots;
    }
    // The rest of a slot, and a slot whose look-ahead is still being synthesized, wait until playing is about to need them.
    if (this.#queuedSamples < this.#slotSamples) {
      return ended ? this.outstanding < speechLeadSlots : tail.closes && this.outstanding < idleLeadSlots;
    }
    const seesAhead = ended || this.#queuedSamples >= this.#slotSamples + lookaheadSamples;
    return this.outstanding < (seesAhead ? speechLeadSlots : idleLeadSlots);
  }

  #compose(): ComposedSlot {
    const sequence = this.#nextSequence;
    this.#nextSequence += 1;
    const pcm = new Float32Array(this.#slotSamples);
    const marks: PlacedMark[] = [];
    const pieces: Piece[] = [];
    let filled = 0;
    const place = (list: readonly SpeechMark[]) => {
      const offsetMs = (filled / this.#options.sampleRateHz) * 1000;
      marks.push(...list.map((mark) => ({ offsetMs, mark })));
    };

    for (let piece = this.#queue[0]; piece; piece = this.#queue[0]) {
      if (filled === pcm.length) break;
      place(piece.before);
      const count = Math.min(pcm.length - filled, piece.pcm.length);
      pcm.set(piece.pcm.subarray(0, count), filled);
      filled += count;
      if (count < piece.pcm.length) {
        pieces.push({ ...piece, pcm: piece.pcm.subarray(0, count), after: [], closes: false });
        this.#queue[0] = { ...piece, pcm: piece.pcm.subarray(count), before: [] };
        break;
      }
      place(piece.after);
      pieces.push(piece);
      this.#queue.shift();
    }
    this.#queuedSamples -= filled;
    this.#composed.set(sequence, { pcm, pieces });
    return { sequence, pcm: pcm.slice(), speaking: filled > 0, marks, window: this.#windowOf(sequence) };
  }

  /** The sound around a slot; silence where there is none (yet). */
  #windowOf(sequence: number): Float32Array {
    const { pastSamples, lookaheadSamples } = this.#options;
    const window = new Float32Array(pastSamples + this.#slotSamples + lookaheadSamples);
    for (let old = sequence, end = pastSamples + this.#slotSamples; end > 0; old -= 1, end -= this.#slotSamples) {
      const pcm = this.#composed.get(old)?.pcm;
      if (!pcm) break;
      const start = end - this.#slotSamples;
      window.set(start < 0 ? pcm.subarray(-start) : pcm, Math.max(0, start));
    }
    let at = pastSamples + this.#slotSamples;
    for (const piece of this.#queue) {
      if (at >= window.length) break;
      window.set(piece.pcm.subarray(0, window.length - at), at);
      at += piece.pcm.length;
    }
    return window;
  }
}
