/**
 * Which media time this browser is playing at a given moment, from the RTP timestamps of the frames that it shows. Pure: times of
 * observation are passed in, on the clock of `performance.now()`.
 */

/** RTP ticks a millisecond of video (RFC 7741 §4.1). */
const TICKS_PER_MS = 90;
/** Part of each observation's deviation that the clock takes over: evens out the rhythm of screen and audio device. */
const SMOOTHING = 0.15;
/** A deviation beyond this is a new state of things (a stall, a new stream), not jitter. */
const JUMP_MS = 150;

export class PlayoutClock {
  #last: { readonly rtpTimestamp: number; readonly mediaMs: number } | null = null;
  /** Local time of media time 0 at the present delay. */
  #originMs: number | null = null;

  /** The frame with that timestamp belongs to media time `mediaMs`. */
  setBase(rtpTimestamp: number, mediaMs: number): void {
    this.#last = { rtpTimestamp, mediaMs };
    this.#originMs = null;
  }

  /**
   * A frame with that timestamp came onto the screen at `atMs`.
   *
   * @returns its media time; null while the base is unknown.
   */
  observe(rtpTimestamp: number, atMs: number): number | null {
    if (this.#last === null) return null;
    // Timestamps are 32 bits and wrap around (RFC 3550 §5.1); the signed difference follows them.
    const mediaMs = this.#last.mediaMs + ((rtpTimestamp - this.#last.rtpTimestamp) | 0) / TICKS_PER_MS;
    this.#last = { rtpTimestamp, mediaMs };
    const originMs = atMs - mediaMs;
    const deviation = this.#originMs === null ? Infinity : originMs - this.#originMs;
    this.#originMs =
      this.#originMs === null || Math.abs(deviation) > JUMP_MS ? originMs : this.#originMs + deviation * SMOOTHING;
    return mediaMs;
  }

  /** The media time on the screen at `atMs`; null before the first observation. */
  mediaMsAt(atMs: number): number | null {
    return this.#originMs === null ? null : atMs - this.#originMs;
  }
}
