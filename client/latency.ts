/** How long a sent text takes until it is heard and seen in this browser. Pure; times are milliseconds. */

/** From sending a text until its first sound, and until the first frame of the face that says it. */
export interface Latency {
  readonly soundMs: number;
  readonly faceMs: number;
}

export class LatencyMeter {
  #waiting: { readonly utterance: string; readonly sentAtMs: number; readonly startMs: number | null } | null = null;

  /** The first text of an utterance left at that moment. One at a time: those behind it wait for their turn. */
  sent(utterance: string, atMs: number): void {
    this.#waiting ??= { utterance, sentAtMs: atMs, startMs: null };
  }

  /** Its first sample has that media time. */
  started(utterance: string, startMs: number): void {
    if (this.#waiting?.utterance === utterance) this.#waiting = { ...this.#waiting, startMs };
  }

  /** It is over, seen or not. */
  finished(utterance: string): void {
    if (this.#waiting?.utterance === utterance) this.#waiting = null;
  }

  /**
   * The frame of that media time came onto the screen at `atMs`, while the sound was `skewMs` ahead of the picture.
   *
   * @returns the latency when it is the utterance's first frame.
   */
  shown(mediaMs: number, atMs: number, skewMs: number): Latency | null {
    const waiting = this.#waiting;
    if (waiting === null || waiting.startMs === null || mediaMs < waiting.startMs) return null;
    this.#waiting = null;
    return {
      soundMs: atMs - (mediaMs - waiting.startMs) - skewMs - waiting.sentAtMs,
      faceMs: atMs - waiting.sentAtMs,
    };
  }
}
