/**
 * Which media time this browser is playing at a given moment, from the RTP timestamps of what it plays. One clock a track. Pure:
 * times of observation are passed in, on the clock of `performance.now()`.
 */

/** Part of each observation's deviation that the clock takes over: evens out the rhythm of screen and audio device. */
const SMOOTHING = 0.15;
/** A deviation beyond this is a new state of things (a stall, a new stream), not jitter. */
const JUMP_MS = 150;

export class PlayoutClock {
  readonly #rateHz: number;
  /** Unwrapped ticks since media time 0 and their timestamp; null before the base is known. */
  #last: { rtpTimestamp: number; ticks: number } | null = null;
  /** Local time of media time 0 at the present delay. */
  #originMs: number | null = null;

  /** @param rateHz - RTP ticks a second of the track: 48000 for Opus, 90000 for video. */
  constructor(rateHz: number) {
    this.#rateHz = rateHz;
  }

  /** Sets the RTP timestamp of media time 0. */
  setBase(rtpTimestamp: number): void {
    this.#last = { rtpTimestamp, ticks: 0 };
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
    const ticks = this.#last.ticks + ((rtpTimestamp - this.#last.rtpTimestamp) | 0);
    this.#last = { rtpTimestamp, ticks };
    const mediaMs = (ticks * 1000) / this.#rateHz;
    this.anchor(mediaMs, atMs);
    return mediaMs;
  }

  /** Media time `mediaMs` is played at `atMs`: for a server that does not tell the base. */
  anchor(mediaMs: number, atMs: number): void {
    const originMs = atMs - mediaMs;
    const deviation = this.#originMs === null ? Infinity : originMs - this.#originMs;
    this.#originMs =
      this.#originMs === null || Math.abs(deviation) > JUMP_MS ? originMs : this.#originMs + deviation * SMOOTHING;
  }

  /** The media time played at `atMs`; null before the first observation. */
  mediaMsAt(atMs: number): number | null {
    return this.#originMs === null ? null : atMs - this.#originMs;
  }
}
