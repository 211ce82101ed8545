/**
 * Which media time is being played at a given moment, from the RTP timestamps of what is played. One clock a track. Pure:
 * times of observation are passed in, on the clock of `performance.now()`.
 */

/** Part of each observation's deviation that the clock takes over: evens out the rhythm of screen and audio device. */
const SMOOTHING = 0.15;
/** A deviation beyond this is a new state of things (a stall, a new stream), not jitter. */
const JUMP_MS = 150;

export class RtpClock {
  readonly #ticksPerMs: number;
  #last: { readonly rtpTimestamp: number; readonly mediaMs: number } | null = null;
  /** Local time of media time 0 at the present delay. */
  #originMs: number | null = null;

  /** @param rateHz - RTP ticks a second of the track: 48000 for Opus (RFC 7587 §4.1), 90000 for video (RFC 7741 §4.1). */
  constructor(rateHz: number) {
    this.#ticksPerMs = rateHz / 1000;
  }

  /** What has that timestamp belongs to media time `mediaMs`. */
  setBase(rtpTimestamp: number, mediaMs: number): void {
    this.#last = { rtpTimestamp, mediaMs };
    this.#originMs = null;
  }

  /**
   * Something with that timestamp was shown or heard at `atMs`.
   *
   * @returns its media time; null while the base is unknown.
   */
  observe(rtpTimestamp: number, atMs: number): number | null {
    if (this.#last === null) return null;
    // Timestamps are 32 bits and wrap around (RFC 3550 §5.1); the signed difference follows them.
    const mediaMs = this.#last.mediaMs + ((rtpTimestamp - this.#last.rtpTimestamp) | 0) / this.#ticksPerMs;
    this.#last = { rtpTimestamp, mediaMs };
    const originMs = atMs - mediaMs;
    const deviation = this.#originMs === null ? Infinity : originMs - this.#originMs;
    this.#originMs =
      this.#originMs === null || Math.abs(deviation) > JUMP_MS ? originMs : this.#originMs + deviation * SMOOTHING;
    return mediaMs;
  }

  /** The media time played at `atMs`; null before the first observation. */
  mediaMsAt(atMs: number): number | null {
    return this.#originMs === null ? null : atMs - this.#originMs;
  }
}
