/** What the page follows along with a session: captions, and how long texts take until they are heard and seen. */
import type { Session } from '../library/session.ts';
import { CaptionTimeline, type Caption } from './captions.ts';
import { LatencyMeter, type Sign } from './latency.ts';

/** A clock that goes back by less than that has been corrected: the caption waits for it. */
const CORRECTION_MS = 1000;

/** Times are milliseconds of `performance.now()`. */
export class Talk {
  readonly #session: Session;
  readonly #timeline = new CaptionTimeline();
  readonly #latency = new LatencyMeter();
  readonly #onLatency: (of: Sign, ms: number) => void;
  /** Id of the utterance whose words are still coming. */
  #typed: string | null = null;
  /** Media time of the caption. */
  #captionMs = -Infinity;

  /** @param onLatency - told how long a text took until it was heard, and seen said, here. */
  constructor(session: Session, onLatency: (of: Sign, ms: number) => void) {
    this.#session = session;
    this.#onLatency = onLatency;
    session.on('utterance.started', ({ utterance, startMs }) => {
      this.#timeline.start(utterance, startMs);
      this.#latency.started(utterance, startMs);
    });
    session.on('utterance.words', ({ utterance, words }) => {
      this.#timeline.add(utterance, words, session.textOf(utterance));
    });
    session.on('utterance.resumed', ({ utterance, charStart }) => {
      this.#timeline.cut(utterance, charStart);
      this.#latency.finished(utterance);
    });
    session.on('utterance.finished', ({ utterance, reason, spokenText }) => {
      if (reason === 'interrupted') this.#timeline.cut(utterance, spokenText.length);
      this.#latency.finished(utterance);
    });
    session.on('error', ({ utterance }) => {
      if (utterance !== undefined) this.#latency.finished(utterance);
    });
    session.on('frame', ({ mediaMs, atMs }) => this.#played('face', mediaMs, atMs));
  }

  /** Says a whole text. */
  say(text: string): void {
    const isNext = !this.#session.busy;
    const { id } = this.#session.say(text);
    if (isNext) this.#latency.sent(id, performance.now());
  }

  /** Says something to the avatar, who answers. @returns the answer's id. */
  chat(text: string): string {
    const { id } = this.#session.chat(text);
    this.#latency.sent(id, performance.now());
    return id;
  }

  /** Says more words of the text that is coming; the first ones begin it. */
  append(text: string): void {
    if (this.#typed === null) {
      this.#typed = this.#session.begin();
      if (!this.#session.busy) this.#latency.sent(this.#typed, performance.now());
    }
    this.#session.append(this.#typed, text);
  }

  /** That text is complete. */
  end(): void {
    if (this.#typed !== null) this.#session.end(this.#typed);
    this.#typed = null;
  }

  /** Silence. */
  stop(): void {
    this.#typed = null;
    this.#session.interrupt();
  }

  /** The caption at that moment; null before anything has been said. Captions follow the sound. */
  captionAt(nowMs: number): Caption | null {
    const mediaMs = this.#session.heardMs(nowMs);
    if (mediaMs === null) return null;
    this.#played('sound', mediaMs, nowMs);
    const isCorrection = mediaMs < this.#captionMs && mediaMs > this.#captionMs - CORRECTION_MS;
    if (!isCorrection) this.#captionMs = mediaMs;
    return this.#timeline.at(this.#captionMs);
  }

  #played(sign: Sign, mediaMs: number, atMs: number): void {
    const latencyMs = this.#latency.played(sign, mediaMs, atMs);
    if (latencyMs !== null) this.#onLatency(sign, latencyMs);
  }
}
