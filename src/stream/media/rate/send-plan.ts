/**
 * What is sent at a given rate. Sound comes first: the picture gives way, its bit rate before its frames and its size, and only
 * when that is not enough does Opus take fewer bits. Pure: time comes in.
 */
import { PACKET_MS } from '../../../media.ts';

/** Bytes around every payload: IPv4, UDP, RTP with its extensions, SRTP's tag. */
const PACKET_OVERHEAD_BYTES = 28 + 12 + 16 + 10;
const VIDEO_PAYLOAD_BYTES = 1000;
const AUDIO_OVERHEAD_BPS = (PACKET_OVERHEAD_BYTES * 8 * 1000) / PACKET_MS;
const VIDEO_OVERHEAD = 1 + PACKET_OVERHEAD_BYTES / VIDEO_PAYLOAD_BYTES;

/** Opus at its usual rate, and at the least that speech is well understood at. */
export const OPUS_BPS = { full: 32_000, least: 16_000 } as const;

/** How the picture is sent. */
export interface VideoLevel {
  readonly bitrateBps: number;
  /** Every how manieth frame is sent: 1 is 25 frames a second. */
  readonly everyFrames: number;
  /** Width and height are divided by it. */
  readonly shrink: 1 | 2;
}

/** Shares of the full bit rate. Below an eighth of it fewer frames are sent, and smaller ones: each keeps its quality. */
const LEVELS = [
  { share: 1, everyFrames: 1, shrink: 1 },
  { share: 0.7, everyFrames: 1, shrink: 1 },
  { share: 0.5, everyFrames: 1, shrink: 1 },
  { share: 0.35, everyFrames: 1, shrink: 1 },
  { share: 0.25, everyFrames: 1, shrink: 1 },
  { share: 0.17, everyFrames: 1, shrink: 1 },
  { share: 0.12, everyFrames: 1, shrink: 1 },
  { share: 0.09, everyFrames: 2, shrink: 1 },
  { share: 0.06, everyFrames: 2, shrink: 2 },
] as const;

/** The encoder is opened anew for a higher rate, which costs a key frame: not more often than this. */
const RISE_INTERVAL_MS = 3000;
const FALL_INTERVAL_MS = 400;
/** Opus is opened anew for another rate, which is heard for a moment: not for a dip. */
const OPUS_PATIENCE_MS = 2000;
/** A higher level has to fit with room to spare. */
const RISE_ROOM = 1.15;

/** Share of packets lost from which sound is sent twice, and below which, for a while, it is not any more. */
const COPY_LOSS = { from: 0.02, below: 0.01, forMs: 10_000 } as const;
/** What a second copy of the sound takes: it travels inside packets that are sent anyway. */
const COPY_BPS = OPUS_BPS.full + (5 * 8 * 1000) / PACKET_MS;

/** What the session sends. `video` null: no picture. */
export interface Sending {
  readonly video: VideoLevel | null;
  readonly opusBps: number;
  /** Whether every packet of sound is sent a second time. */
  readonly soundTwice: boolean;
}

/** What a full session takes on the wire, bits a second. */
export const fullRateBps = (videoBps: number | null): number =>
  OPUS_BPS.full + COPY_BPS + AUDIO_OVERHEAD_BPS + (videoBps ?? 0) * VIDEO_OVERHEAD;

/** The least that a session is sent with: sound that is understood, and a face that moves a little. */
export const leastRateBps = (videoBps: number | null): number =>
  OPUS_BPS.least + AUDIO_OVERHEAD_BPS + 0.06 * (videoBps ?? 0) * VIDEO_OVERHEAD;

export class SendPlan {
  readonly #levels: readonly VideoLevel[];
  #level = 0;
  #opusBps: number = OPUS_BPS.full;
  #changedMs = -Infinity;
  #soundTwice = false;
  /** When much was lost last. */
  #lossyMs = -Infinity;
  /** Since when sound does not fit beside the least picture. */
  #shortSinceMs: number | null = null;

  /** @param videoBps - the picture's full bit rate; null: there is none. */
  constructor(videoBps: number | null) {
    this.#levels =
      videoBps === null
        ? []
        : LEVELS.map(({ share, everyFrames, shrink }) => ({
            bitrateBps: Math.round(share * videoBps),
            everyFrames,
            shrink,
          }));
  }

  get sending(): Sending {
    return { video: this.#levels[this.#level] ?? null, opusBps: this.#opusBps, soundTwice: this.#soundTwice };
  }

  /**
   * Fits what is sent to the rate, and to the share of packets that is lost, 0…1.
   * @returns whether anything has changed.
   */
  fit(targetBps: number, lossFraction: number, nowMs: number): boolean {
    const before = this.sending;
    this.#fitCopies(targetBps, lossFraction, nowMs);
    const copiesBps = this.#soundTwice ? COPY_BPS : 0;
    this.#fitVideo(targetBps - AUDIO_OVERHEAD_BPS - OPUS_BPS.full - copiesBps, nowMs);
    this.#fitOpus(targetBps, nowMs);
    const { video, opusBps, soundTwice } = this.sending;
    return video !== before.video || opusBps !== before.opusBps || soundTwice !== before.soundTwice;
  }

  /** A copy is worth more than a better picture, and less than sound and a face that moves at all. */
  #fitCopies(targetBps: number, lossFraction: number, nowMs: number): void {
    if (lossFraction >= COPY_LOSS.from) this.#lossyMs = nowMs;
    const isLossy = this.#soundTwice
      ? lossFraction >= COPY_LOSS.below || nowMs - this.#lossyMs < COPY_LOSS.forMs
      : lossFraction >= COPY_LOSS.from;
    this.#soundTwice = isLossy && targetBps >= this.#leastBps() + COPY_BPS;
  }

  /** Sound in full beside the least picture. */
  #leastBps(): number {
    return OPUS_BPS.full + AUDIO_OVERHEAD_BPS + (this.#levels.at(-1)?.bitrateBps ?? 0) * VIDEO_OVERHEAD;
  }

  #fitVideo(roomBps: number, nowMs: number): void {
    const fits = (level: number, room: number) =>
      (this.#levels[level]?.bitrateBps ?? 0) * VIDEO_OVERHEAD * room <= roomBps;
    const passedMs = nowMs - this.#changedMs;
    let level = this.#level;
    if (!fits(level, 1)) {
      if (passedMs < FALL_INTERVAL_MS) return;
      while (level < this.#levels.length - 1 && !fits(level, 1)) level += 1;
    } else {
      if (passedMs < RISE_INTERVAL_MS) return;
      while (level > 0 && fits(level - 1, level === 1 ? 1 : RISE_ROOM)) level -= 1;
    }
    if (level === this.#level) return;
    this.#level = level;
    this.#changedMs = nowMs;
  }

  /** Fewer bits only when the picture is at its least and sound does not fit beside it; more when both fit again. */
  #fitOpus(targetBps: number, nowMs: number): void {
    const least = this.#levels.length - 1;
    const neededBps = this.#leastBps();
    if (this.#level < least || targetBps >= neededBps) this.#shortSinceMs = null;
    else this.#shortSinceMs ??= nowMs;
    if (this.#shortSinceMs !== null && nowMs - this.#shortSinceMs >= OPUS_PATIENCE_MS) this.#opusBps = OPUS_BPS.least;
    else if (targetBps >= RISE_ROOM * neededBps) this.#opusBps = OPUS_BPS.full;
  }
}
