/** A session with everything that the page follows along with it: captions, latencies, figures of the received media. */
import { CaptionTimeline, type Caption } from './captions.ts';
import { LatencyMeter, type Latency } from './latency.ts';
import { PlayoutClock } from './playout-clock.ts';
import { compareTotals, readTotals, type ReceiverFigures, type ReceiverTotals } from './receiver-stats.ts';
import type { Session } from './session.ts';

/** Codes that answer a text which will not be said. */
const REFUSALS = new Set(['bad_text', 'text_too_long', 'too_many_utterances']);

/** Times are milliseconds of `performance.now()`. */
export class Talk {
  readonly #session: Session;
  readonly #timeline = new CaptionTimeline();
  readonly #latency = new LatencyMeter();
  readonly #clock = new PlayoutClock();
  /** Texts of the utterances that are not finished, by id. */
  readonly #texts = new Map<string, string>();
  /** Id of the utterance whose words are still coming. */
  #typed: string | null = null;
  /** The last beginning of an utterance, until a frame has told when its media time is on the screen. */
  #beginning: { readonly startMs: number; readonly arrivedAtMs: number } | null = null;
  #totals: ReceiverTotals | null = null;
  #skewMs = 0;

  constructor(session: Session) {
    this.#session = session;
    session.on('utterance.started', ({ utterance, startMs }) => {
      this.#timeline.start(utterance, startMs);
      this.#latency.started(utterance, startMs);
      this.#beginning = { startMs, arrivedAtMs: performance.now() };
    });
    session.on('utterance.words', ({ utterance, words }) => {
      this.#timeline.add(utterance, words, this.textOf(utterance));
    });
    session.on('utterance.finished', ({ utterance, reason, spokenText }) => {
      if (reason === 'interrupted') this.#timeline.cut(utterance, spokenText.length);
      this.#texts.delete(utterance);
      this.#latency.finished(utterance);
    });
    session.on('error', ({ code }) => {
      if (!REFUSALS.has(code)) return;
      // A text that was refused is the newest.
      const refused = [...this.#texts.keys()].at(-1) ?? '';
      this.#texts.delete(refused);
      this.#latency.finished(refused);
    });
  }

  /** Whether something is being said or waits to be. */
  get busy(): boolean {
    return this.#texts.size > 0;
  }

  /** The text of an utterance, as far as it has been sent; empty once it has finished. */
  textOf(utterance: string): string {
    return this.#texts.get(utterance) ?? '';
  }

  /** Says a whole text. */
  say(text: string): void {
    this.#note(this.#session.say(text), text);
  }

  /** Says more words of the text that is coming; the first ones begin it. */
  append(text: string): void {
    this.#typed ??= this.#session.begin();
    this.#session.append(this.#typed, text);
    this.#note(this.#typed, text);
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

  /** A frame came onto the screen: sets the clock. @returns how long the text took, at the first frame that says it. */
  sawFrame({ rtpTimestamp, receiveTime, expectedDisplayTime }: VideoFrameCallbackMetadata): Latency | null {
    if (rtpTimestamp === undefined) return null;
    if (this.#beginning && receiveTime !== undefined) {
      // That message left with the first packet: what arrived before or after it is as much earlier or later in media time.
      const { startMs, arrivedAtMs } = this.#beginning;
      this.#clock.setBase(rtpTimestamp, startMs + receiveTime - arrivedAtMs);
      this.#beginning = null;
    }
    const mediaMs = this.#clock.observe(rtpTimestamp, expectedDisplayTime);
    return mediaMs === null ? null : this.#latency.shown(mediaMs, expectedDisplayTime, this.#skewMs);
  }

  /** The caption at that moment; null before anything has been said. */
  captionAt(nowMs: number): Caption | null {
    const mediaMs = this.#clock.mediaMsAt(nowMs);
    return mediaMs === null ? null : this.#timeline.at(mediaMs);
  }

  /** Figures of the time since the last call; null at the first. */
  async measure(): Promise<ReceiverFigures | null> {
    const totals = readTotals(await this.#session.getStats());
    const figures = this.#totals && compareTotals(this.#totals, totals);
    this.#totals = totals;
    this.#skewMs = figures?.skewMs ?? this.#skewMs;
    return figures;
  }

  /** Captions show the text, and its latency is measured unless it has to queue. */
  #note(utterance: string, text: string): void {
    if (!this.busy) this.#latency.sent(utterance, performance.now());
    this.#texts.set(utterance, this.textOf(utterance) + text);
  }
}
