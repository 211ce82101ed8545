/** How long a sent text takes until it is heard and seen in this browser. Pure; times are milliseconds. */

/** What is waited for: the first sound of a text, and the first frame of the face that says it. */
export type Sign = 'sound' | 'face';

interface Waiting {
  readonly utterance: string;
  readonly sentAtMs: number;
  readonly startMs: number | null;
  readonly missing: ReadonlySet<Sign>;
}

export class LatencyMeter {
  #waiting: Waiting | null = null;

  /** The first text of an utterance left at that moment. One at a time: those behind it wait for their turn. */
  sent(utterance: string, atMs: number): void {
    this.#waiting ??= { utterance, sentAtMs: atMs, startMs: null, missing: new Set(['sound', 'face']) };
  }

  /** Its first sample has that media time. */
  started(utterance: string, startMs: number): void {
    if (this.#waiting?.utterance === utterance) this.#waiting = { ...this.#waiting, startMs };
  }

  /** It is over, noticed or not. */
  finished(utterance: string): void {
    if (this.#waiting?.utterance === utterance) this.#waiting = null;
  }

  /**
   * Sound or face of that media time was played at `atMs`.
   *
   * @returns the time since the text was sent, when it is the utterance's first.
   */
  played(sign: Sign, mediaMs: number, atMs: number): number | null {
    const waiting = this.#waiting;
    if (waiting === null || waiting.startMs === null || mediaMs < waiting.startMs) return null;
    if (!waiting.missing.has(sign)) return null;
    const missing = new Set([...waiting.missing].filter((other) => other !== sign));
    this.#waiting = missing.size > 0 ? { ...waiting, missing } : null;
    return atMs - waiting.sentAtMs;
  }
}
