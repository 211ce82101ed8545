/**
 * The order and time of one session's media: which 20 ms of sound and which frame leave when. Pure: time comes in, steps come out.
 *
 * Media time is a count of packets. With a clock it runs from `start` on, and a slot that is not there in time is waited for with
 * silence (or with nothing, see `fillIdle`); without one (`leadMs` null) it counts slots only. Slots keep their order, are
 * never dropped but by `cut`, and a frame leaves with its slot or not at all.
 */
import { PACKET_MS, SLOT_MS, type AudioSlot, type VideoFrame } from '../../media.ts';
import type { Cut } from './media-channel.ts';

/** How long a cut takes to silence what is being played. */
export const FADE_MS = 10;
/** Packets later than this are not caught up with (the process slept): media time jumps on, nothing is lost. */
const MAX_LATE_MS = 400;
/** A longer pause after speech is its end and not a gap. */
const MAX_GAP_SLOTS = 25;

const PACKETS_PER_SLOT = SLOT_MS / PACKET_MS;
/** How long the first sound of an utterance waits for its frame; a face that takes longer must not hold the voice up. */
const MAX_HELD_PACKETS = 4 * PACKETS_PER_SLOT;

export interface PlayoutOptions {
  readonly sampleRateHz: number;
  /** Silence where there is no slot; false: nothing, though time goes on. */
  readonly fillIdle: boolean;
  /** How far ahead of its media time a slot may leave (silence never does); null: at once, without a clock. */
  readonly leadMs: number | null;
  /** Whether there are frames, for which the first sound after silence waits. Default: no. */
  readonly video?: boolean;
}

/** The second half of the slot being played. */
interface Rest {
  readonly sequence: number | null;
  readonly pcm: Float32Array;
  /** It is silence that nothing depends on. */
  readonly idle: boolean;
}

/** Something that leaves now. `sequence` is null for silence between slots. */
export type PlayoutStep =
  | {
      readonly kind: 'audio';
      /** Packets of 20 ms since media time 0. */
      readonly index: number;
      readonly sequence: number | null;
      /** The first packet of its slot. */
      readonly opensSlot: boolean;
      /** 20 ms, float32 mono. */
      readonly pcm: Float32Array;
    }
  | {
      readonly kind: 'video';
      /** Slots of 40 ms since media time 0, a half more after an utterance that began in the middle of a silent one. */
      readonly index: number;
      readonly frame: VideoFrame;
    };

export class Playout {
  /** Frames that came after their slot. */
  lateFrames = 0;
  /** Slots that speech had to wait for. */
  audioGaps = 0;
  /** Whether an utterance waits for its first frame; false when its picture does not move. */
  framesOpenSpeech = true;

  readonly #options: PlayoutOptions;
  readonly #audio = new Map<number, AudioSlot>();
  readonly #video = new Map<number, VideoFrame>();
  readonly #silence: Float32Array;
  #startMs: number | null = null;
  /** Next packet's count since media time 0. */
  #index = 0;
  /** The slot to play next; null before the first one came. */
  #expected: number | null = null;
  /** The slot whose time it is, until the next one starts; its frame may still come. */
  #current: { readonly sequence: number; readonly slotIndex: number } | null = null;
  /** What remains of the slot being played. */
  #rest: Rest | null = null;
  /** Fading sound to be mixed into the next packet. */
  #tail: Float32Array | null = null;
  #spoke = false;
  #waited = 0;
  #held = 0;
  /** Without a clock: sequence number minus slot index. */
  #origin = 0;

  constructor(options: PlayoutOptions) {
    this.#options = options;
    this.#silence = new Float32Array((options.sampleRateHz * PACKET_MS) / 1000);
  }

  /** Sets media time 0 to `nowMs`. Slots may have been pushed before. */
  start(nowMs: number): void {
    this.#startMs ??= nowMs;
  }

  /** Takes a slot; one that was played or cut already is ignored. */
  pushAudio(slot: AudioSlot, nowMs: number): void {
    this.#passIdle(nowMs);
    this.#expected ??= slot.sequence;
    if (slot.sequence >= this.#expected) this.#audio.set(slot.sequence, slot);
  }

  pushVideo(frame: VideoFrame): void {
    const played = this.#expected !== null && frame.sequence < this.#expected;
    const unpaced = this.#options.leadMs === null;
    if (played && !unpaced && frame.sequence !== this.#current?.sequence) this.lateFrames += 1;
    else this.#video.set(frame.sequence, frame);
  }

  /** When `process` has something to do next, on the clock of `start`; null: not before something is pushed. */
  nextDueMs(): number | null {
    const { leadMs, fillIdle } = this.#options;
    if (this.#startMs === null || leadMs === null) return null;
    const mediaMs = this.#startMs + this.#index * PACKET_MS;
    const isReal =
      this.#rest === null ? this.#expected !== null && this.#audio.has(this.#expected) : this.#rest.sequence !== null;
    if (isReal) return mediaMs - leadMs;
    return fillIdle || this.#rest !== null ? mediaMs : null;
  }

  /** Everything that leaves at `nowMs`, in order. */
  process(nowMs: number): PlayoutStep[] {
    if (this.#startMs === null) return [];
    if (this.#options.leadMs === null) return this.#drain();
    const steps: PlayoutStep[] = [];
    this.#showCurrent(steps);
    for (let dueMs = this.nextDueMs(); dueMs !== null && dueMs <= nowMs; dueMs = this.nextDueMs()) {
      if (this.#rest !== null && !this.#mayBeginNow(this.#rest)) this.#finishSlot(steps, this.#rest);
      else this.#openSlot(steps, nowMs);
    }
    return steps;
  }

  /**
   * Drops every queued slot and frame from slot `from` on. When that one was to be played next, or was played already, what is
   * being played fades out.
   */
  cut(from = 0): Cut {
    const expected = this.#expected ?? 0;
    const heardMs = this.#index * PACKET_MS;
    if (from > expected) {
      for (const queue of [this.#audio, this.#video])
        for (const sequence of queue.keys()) if (sequence >= from) queue.delete(sequence);
      return { sequence: from, heardMs };
    }
    const next = this.#audio.get(expected);
    if (this.#rest !== null) this.#rest = { ...this.#rest, pcm: this.#fade(this.#rest.pcm) };
    else if (next !== undefined && this.#current?.sequence === expected - 1)
      this.#tail = this.#fade(this.#half(next.pcm, 0));
    this.#audio.clear();
    this.#video.clear();
    this.#spoke = false;
    this.#waited = 0;
    return { sequence: expected, heardMs };
  }

  /** Plays the next slot, or silence. */
  #openSlot(steps: PlayoutStep[], nowMs: number): void {
    const lateMs = nowMs - (this.#startMs ?? nowMs) - this.#index * PACKET_MS;
    if (lateMs > MAX_LATE_MS) this.#index += PACKETS_PER_SLOT * Math.floor(lateMs / SLOT_MS);
    const held = this.#isHeld();
    const slot = held ? undefined : this.#next();
    this.#current = null;
    const sequence = slot?.sequence ?? null;
    const [first, second] =
      slot === undefined ? [this.#silence, this.#silence] : [this.#half(slot.pcm, 0), this.#half(slot.pcm, 1)];
    steps.push({ kind: 'audio', index: this.#index, sequence, opensSlot: true, pcm: this.#withTail(first) });
    // What is held may leave after any packet.
    this.#rest = held ? null : { sequence, pcm: second, idle: slot?.idle ?? slot === undefined };
    if (slot !== undefined) this.#enter(slot, this.#index / PACKETS_PER_SLOT);
    else if (!held) this.#waited += 1;
    this.#index += 1;
    this.#showCurrent(steps);
  }

  #finishSlot(steps: PlayoutStep[], rest: Rest): void {
    steps.push({ kind: 'audio', index: this.#index, sequence: rest.sequence, opensSlot: false, pcm: rest.pcm });
    this.#rest = null;
    this.#index += 1;
  }

  /** Bookkeeping of a slot that starts to play. */
  #enter(slot: AudioSlot, slotIndex: number): void {
    if (this.#spoke && slot.speaking && this.#waited <= MAX_GAP_SLOTS) this.audioGaps += this.#waited;
    this.#spoke = slot.speaking;
    this.#waited = 0;
    this.#held = 0;
    this.#audio.delete(slot.sequence);
    this.#current = { sequence: slot.sequence, slotIndex };
    this.#expected = slot.sequence + 1;
  }

  /** Sends the frame of the slot being played, if it is there. */
  #showCurrent(steps: PlayoutStep[]): void {
    if (this.#current === null) return;
    const frame = this.#video.get(this.#current.sequence);
    if (frame === undefined) return;
    this.#video.delete(frame.sequence);
    steps.push({ kind: 'video', index: this.#current.slotIndex, frame });
  }

  /** Without a clock: every slot whose turn it is, and every frame whose slot has left. */
  #drain(): PlayoutStep[] {
    const steps: PlayoutStep[] = [];
    for (let slot = this.#next(); slot !== undefined; slot = this.#next()) {
      if (this.#index === 0) this.#origin = slot.sequence;
      const index = (slot.sequence - this.#origin) * PACKETS_PER_SLOT;
      steps.push({ kind: 'audio', index, sequence: slot.sequence, opensSlot: true, pcm: this.#half(slot.pcm, 0) });
      steps.push({
        kind: 'audio',
        index: index + 1,
        sequence: slot.sequence,
        opensSlot: false,
        pcm: this.#half(slot.pcm, 1),
      });
      this.#index = index + PACKETS_PER_SLOT;
      this.#enter(slot, index / PACKETS_PER_SLOT);
      this.#showCurrent(steps);
    }
    const expected = this.#expected ?? 0;
    for (const frame of [...this.#video.values()].filter((frame) => frame.sequence < expected)) {
      this.#video.delete(frame.sequence);
      if (frame.sequence >= this.#origin) steps.push({ kind: 'video', index: frame.sequence - this.#origin, frame });
    }
    return steps;
  }

  /** Whether the next slot opens an utterance after silence, on a clock that silence runs with. */
  #breaksSilence(slot: AudioSlot | undefined): slot is AudioSlot {
    const { leadMs, fillIdle } = this.#options;
    return slot?.opens === true && !this.#spoke && leadMs === 0 && fillIdle;
  }

  /** Whether the next slot opens an utterance and waits for its frame. */
  #isHeld(): boolean {
    const slot = this.#next();
    if (!this.#breaksSilence(slot) || !this.#waitsForFrames) return false;
    if (this.#video.has(slot.sequence) || this.#held >= MAX_HELD_PACKETS) return false;
    this.#held += 1;
    return true;
  }

  /** Whether the next slot opens an utterance that need not wait until the silent slot being played has ended. */
  #mayBeginNow(rest: Rest): boolean {
    const slot = this.#next();
    if (!rest.idle || !this.#breaksSilence(slot)) return false;
    return !this.#waitsForFrames || this.#video.has(slot.sequence);
  }

  get #waitsForFrames(): boolean {
    return this.#options.video === true && this.framesOpenSpeech;
  }

  #next(): AudioSlot | undefined {
    return this.#expected === null ? undefined : this.#audio.get(this.#expected);
  }

  /** Nothing is sent and nothing was queued: moves media time on to the first slot that is not over due. */
  #passIdle(nowMs: number): void {
    if (this.#startMs === null || this.#options.leadMs === null || this.#options.fillIdle || this.#rest !== null)
      return;
    if (this.#next() !== undefined) return;
    const passed = Math.ceil((nowMs - this.#startMs - this.#index * PACKET_MS) / SLOT_MS);
    if (passed <= 0) return;
    this.#index += passed * PACKETS_PER_SLOT;
    this.#waited += passed;
    this.#current = null;
    this.#tail = null;
  }

  #half(pcm: Float32Array, half: 0 | 1): Float32Array {
    const length = this.#silence.length;
    return pcm.subarray(half * length, (half + 1) * length);
  }

  #fade(pcm: Float32Array): Float32Array {
    const length = (this.#options.sampleRateHz * FADE_MS) / 1000;
    return pcm.map((sample, i) => (i < length ? sample * (1 - i / length) : 0));
  }

  #withTail(pcm: Float32Array): Float32Array {
    const tail = this.#tail;
    this.#tail = null;
    return tail === null ? pcm : pcm.map((sample, i) => sample + (tail[i] ?? 0));
  }
}
