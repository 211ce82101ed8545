/**
 * When sound that comes in packets over TCP is played. It is held back for a moment, so that a late packet makes no gap; after
 * a gap longer, and what was gained in delay is given back in silence. Pure: `nowMs` and the results are on the clock of the
 * sound's output; media time is another clock, and how both relate is kept in segments.
 */

/** How long sound is held back at first, at the least and at the most. */
const FIRST_HOLD_MS = 120;
const LEAST_HOLD_MS = 80;
const MOST_HOLD_MS = 600;
/** What a gap adds to it, and what a time without gaps takes off. */
const GAP_ADDS_MS = 60;
const CALM_TAKES_MS = 20;
const CALM_MS = 10_000;
/** Silence is left out when this much more than the hold waits. */
const SURPLUS_MS = 20;
/** More is not kept: the oldest is heard, what comes is dropped. */
const MOST_WAITING_MS = 10_000;
/** A packet that has to be played sooner than that comes too late. */
const NOTICE_MS = 5;
/** Segments kept to look back: more than anybody asks for. */
const KEPT_SEGMENTS = 64;

/** From `outputMs` on, media time `mediaMs` and what follows it is played. */
interface Segment {
  readonly outputMs: number;
  readonly mediaMs: number;
}

/** A packet of sound as the schedule sees it. */
export interface TimedSound {
  readonly mediaMs: number;
  readonly durationMs: number;
  /** Whether leaving it out would not be heard. */
  readonly silent: boolean;
}

export class PlayoutSchedule {
  #segments: Segment[] = [];
  /** Where the last packet ends. */
  #end: Segment | null = null;
  #holdMs = FIRST_HOLD_MS;
  #calmSinceMs = 0;
  #gaps = 0;

  /** How often sound came too late. */
  get gaps(): number {
    return this.#gaps;
  }

  /** How much is waiting to be played. */
  waitingMs(nowMs: number): number {
    return Math.max(0, (this.#end?.outputMs ?? nowMs) - nowMs);
  }

  /** Finds the time for a packet, which comes after those before. @returns null when it is left out. */
  place({ mediaMs, durationMs, silent }: TimedSound, nowMs: number): number | null {
    const late = this.#end !== null && this.#end.outputMs < nowMs + NOTICE_MS;
    // After a pause of the sender's, media time has gone on.
    if (late && this.#end?.mediaMs === mediaMs) this.#noteGap(nowMs);
    if (nowMs - this.#calmSinceMs > CALM_MS) {
      this.#holdMs = Math.max(LEAST_HOLD_MS, this.#holdMs - CALM_TAKES_MS);
      this.#calmSinceMs = nowMs;
    }
    const waitingMs = this.waitingMs(nowMs);
    if (waitingMs > MOST_WAITING_MS || (silent && waitingMs > this.#holdMs + SURPLUS_MS)) return null;

    const follows = late ? null : this.#end;
    const outputMs = follows?.outputMs ?? nowMs + this.#holdMs;
    if (follows?.mediaMs !== mediaMs) this.#segments.push({ outputMs, mediaMs });
    if (this.#segments.length > KEPT_SEGMENTS) this.#segments.shift();
    this.#end = { outputMs: outputMs + durationMs, mediaMs: mediaMs + durationMs };
    return outputMs;
  }

  /**
   * The media time played at `outputMs`: before the first packet what it would be, after the last one its end; null without one.
   */
  mediaMsAt(outputMs: number): number | null {
    const segment = this.#segments.findLast((segment) => segment.outputMs <= outputMs) ?? this.#segments[0];
    return segment && this.#end ? Math.min(segment.mediaMs + outputMs - segment.outputMs, this.#end.mediaMs) : null;
  }

  /** Nothing of what waits is played. */
  clear(): void {
    this.#segments = [];
    this.#end = null;
  }

  #noteGap(nowMs: number): void {
    this.#gaps += 1;
    this.#holdMs = Math.min(MOST_HOLD_MS, this.#holdMs + GAP_ADDS_MS);
    this.#calmSinceMs = nowMs;
  }
}
