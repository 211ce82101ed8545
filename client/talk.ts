/** A session with everything that the page follows along with it: captions, latencies, figures of the received media. */
import { CaptionTimeline, type Caption } from './captions.ts';
import { LatencyMeter, type Sign } from './latency.ts';
import { PlayoutClock } from './playout-clock.ts';
import { compareTotals, readTotals, type ReceiverFigures, type ReceiverTotals } from './receiver-stats.ts';
import type { Session } from './session.ts';

/** RTP clock rates (RFC 7587 §4.1, RFC 7741 §4.1). */
const AUDIO_RATE_HZ = 48_000;
const VIDEO_RATE_HZ = 90_000;
/** A hush ends by then in any case: longer than browsers buffer sound. */
const LONGEST_HUSH_MS = 1000;
/** The clocks are right to about that. */
const HUSH_MARGIN_MS = 40;
/** Codes that answer a text which will not be said. */
const REFUSALS = new Set(['bad_text', 'text_too_long', 'too_many_utterances']);

/** When the message came that an utterance begins at a media time. It leaves with the first packet of that media time. */
interface Beginning {
  readonly startMs: number;
  readonly arrivedAtMs: number;
}

/** What arrived at `atMs` is as much earlier or later in media time as it arrived before or after the beginning. */
const mediaMsOf = ({ startMs, arrivedAtMs }: Beginning, atMs: number): number => startMs + atMs - arrivedAtMs;

/** Times are milliseconds of `performance.now()`. */
export class Talk {
  readonly #session: Session;
  readonly #timeline = new CaptionTimeline();
  readonly #latency = new LatencyMeter();
  readonly #audioClock = new PlayoutClock(AUDIO_RATE_HZ);
  readonly #videoClock = new PlayoutClock(VIDEO_RATE_HZ);
  readonly #onLatency: (of: Sign, ms: number) => void;
  /** Texts of the utterances that are not finished, by id. */
  readonly #texts = new Map<string, string>();
  /** Id of the utterance whose words are still coming. */
  #typed: string | null = null;
  /** The last beginning of an utterance, for each clock until it has been set by it. */
  readonly #beginnings: { audio: Beginning | null; video: Beginning | null } = { audio: null, video: null };
  #totals: ReceiverTotals | null = null;
  #audioDelayMs: number | null = null;
  #started: { readonly utterance: string; readonly startMs: number } | null = null;
  /** What was stopped is not to be heard any more, though the browser has buffered it: up to that media time. */
  #hush: { readonly sinceMs: number; readonly untilMediaMs: number } | null = null;

  /** @param onLatency - told how long a text took until it was heard, and seen said, here. */
  constructor(session: Session, onLatency: (of: Sign, ms: number) => void) {
    this.#session = session;
    this.#onLatency = onLatency;
    session.on('utterance.started', ({ utterance, startMs }) => {
      this.#timeline.start(utterance, startMs);
      this.#latency.started(utterance, startMs);
      this.#started = { utterance, startMs };
      const beginning = { startMs, arrivedAtMs: performance.now() };
      Object.assign(this.#beginnings, { audio: beginning, video: beginning });
    });
    session.on('utterance.words', ({ utterance, words }) => {
      this.#timeline.add(utterance, words, this.textOf(utterance));
    });
    session.on('utterance.finished', ({ utterance, reason, spokenText, durationMs }) => {
      if (reason === 'interrupted') {
        this.#timeline.cut(utterance, spokenText.length);
        this.#endHush(utterance, durationMs);
      }
      this.#texts.delete(utterance);
      this.#latency.finished(utterance);
    });
    session.on('error', ({ code, utterance }) => {
      if (utterance === undefined || !REFUSALS.has(code)) return;
      this.#texts.delete(utterance);
      this.#latency.finished(utterance);
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
    if (this.busy) this.#hush = { sinceMs: performance.now(), untilMediaMs: Infinity };
    this.#session.interrupt();
  }

  /** A frame came onto the screen. */
  sawFrame({ rtpTimestamp, receiveTime, expectedDisplayTime }: VideoFrameCallbackMetadata): void {
    if (rtpTimestamp === undefined) return;
    const { video: beginning } = this.#beginnings;
    if (beginning && receiveTime !== undefined) {
      this.#videoClock.setBase(rtpTimestamp, mediaMsOf(beginning, receiveTime));
      this.#beginnings.video = null;
    }
    this.#played('face', this.#videoClock.observe(rtpTimestamp, expectedDisplayTime), expectedDisplayTime);
  }

  /** The caption at that moment; null before anything has been said. Captions follow the sound. */
  captionAt(nowMs: number): Caption | null {
    this.#listen();
    const mediaMs = this.#audioClock.mediaMsAt(nowMs) ?? this.#videoClock.mediaMsAt(nowMs);
    return mediaMs === null ? null : this.#timeline.at(mediaMs);
  }

  /** Whether what is being played at that moment has been stopped already. */
  hushedAt(nowMs: number): boolean {
    if (this.#hush === null) return false;
    const mediaMs = this.#audioClock.mediaMsAt(nowMs) ?? Infinity;
    const over = mediaMs >= this.#hush.untilMediaMs || nowMs >= this.#hush.sinceMs + LONGEST_HUSH_MS;
    if (over) this.#hush = null;
    return !over;
  }

  /** Figures of the time since the last call; null at the first. */
  async measure(): Promise<ReceiverFigures | null> {
    const totals = readTotals(await this.#session.getStats());
    const figures = this.#totals && compareTotals(this.#totals, totals);
    this.#totals = totals;
    this.#audioDelayMs = figures?.audioDelayMs ?? this.#audioDelayMs;
    return figures;
  }

  /** The hush lasts until the end of what was heard; an utterance that had not begun needs none. */
  #endHush(utterance: string, durationMs: number): void {
    if (this.#hush === null) return;
    const endMs = this.#started?.utterance === utterance ? this.#started.startMs + durationMs : -Infinity;
    const { sinceMs, untilMediaMs } = this.#hush;
    const end = endMs + HUSH_MARGIN_MS;
    this.#hush = { sinceMs, untilMediaMs: untilMediaMs === Infinity ? end : Math.max(untilMediaMs, end) };
  }

  #listen(): void {
    const { heard } = this.#session;
    if (heard === null) return;
    const { rtpTimestamp, atMs } = heard;
    const { audio: beginning } = this.#beginnings;
    if (beginning && this.#audioDelayMs !== null) {
      this.#audioClock.setBase(rtpTimestamp, mediaMsOf(beginning, atMs - this.#audioDelayMs));
      this.#beginnings.audio = null;
    }
    this.#played('sound', this.#audioClock.observe(rtpTimestamp, atMs), atMs);
  }

  #played(sign: Sign, mediaMs: number | null, atMs: number): void {
    const latencyMs = mediaMs === null ? null : this.#latency.played(sign, mediaMs, atMs);
    if (latencyMs !== null) this.#onLatency(sign, latencyMs);
  }

  /** Captions show the text, and its latency is measured unless it has to queue. */
  #note(utterance: string, text: string): void {
    if (!this.busy) this.#latency.sent(utterance, performance.now());
    this.#texts.set(utterance, this.textOf(utterance) + text);
  }
}
