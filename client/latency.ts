/** How long a sent text takes until it is heard and seen in this browser. Pure. */

interface Waiting {
  readonly sentAtMs: number;
  readonly startMs: number | null;
  readonly seen: { readonly sound: boolean; readonly face: boolean };
}

/** Time from text to sound or face, in milliseconds of this browser's clock. */
export type Latency = { readonly of: 'sound' | 'face'; readonly ms: number };

export class LatencyMeter {
  readonly #waiting = new Map<string, Waiting>();

  /** The first text of an utterance left at that moment. Queued ones are not measured: they wait for their turn. */
  sent(utterance: string, atMs: number): void {
    if (this.#waiting.size === 0) {
      this.#waiting.set(utterance, { sentAtMs: atMs, startMs: null, seen: { sound: false, face: false } });
    }
  }

  /** Its first sample has that media time. */
  started(utterance: string, startMs: number): void {
    const waiting = this.#waiting.get(utterance);
    if (waiting) this.#waiting.set(utterance, { ...waiting, startMs });
  }

  /** It is over. */
  finished(utterance: string): void {
    this.#waiting.delete(utterance);
  }

  /** Sound or face of that media time was played at `atMs`. @returns the latency when it is an utterance's first. */
  played(of: 'sound' | 'face', mediaMs: number, atMs: number): Latency | null {
    for (const [utterance, waiting] of this.#waiting) {
      if (waiting.startMs === null || waiting.seen[of] || mediaMs < waiting.startMs) continue;
      this.#waiting.set(utterance, { ...waiting, seen: { ...waiting.seen, [of]: true } });
      return { of, ms: atMs - (mediaMs - waiting.startMs) - waiting.sentAtMs };
    }
    return null;
  }
}
