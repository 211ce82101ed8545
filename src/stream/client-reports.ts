/** What a session tells its client and the operator's metrics: utterances, statistics, errors. */
import type { VisavisError } from '../errors.ts';
import type { Rung } from '../pipeline/rungs.ts';
import type { WordTiming } from '../media.ts';
import type { LedgerEvent } from '../pipeline/utterance-ledger.ts';
import { type FrameOutcome, slowestStage } from './load/frame-account.ts';
import type { MediaCounters } from './media/media-channel.ts';
import type { ServerMessage } from './messages.ts';
import type { Metrics } from './metrics.ts';

type SentWord = Extract<ServerMessage, { type: 'utterance.words' }>['words'][number];

const withoutPhonemes = ({ text, startMs, endMs, charStart, charEnd }: WordTiming): SentWord => ({
  text,
  startMs,
  endMs,
  charStart,
  charEnd,
});
const withPhonemes = ({ phonemes, ...word }: WordTiming): SentWord =>
  phonemes ? { ...word, phonemes: [...phonemes] } : word;

type Stats = Extract<ServerMessage, { type: 'stats' }>;

/** The reports of one session. */
export class ClientReports {
  readonly #metrics: Metrics;
  readonly #send: (message: ServerMessage) => void;
  readonly #wordOf: (word: WordTiming) => SentWord;
  #latency: { textToAudioMs: number | null; textToVideoMs: number | null } = {
    textToAudioMs: null,
    textToVideoMs: null,
  };
  #counters: MediaCounters | undefined;
  #skippedFrames = 0;
  #lateStage: Stats['lateStage'] = null;
  #degradation: Rung['name'] = 'none';
  #fps = 0;

  /**
   * @param send - Takes a message to the client.
   * @param options.phonemes - Whether the client wants the times of phonemes too.
   */
  constructor(metrics: Metrics, send: (message: ServerMessage) => void, { phonemes }: { readonly phonemes: boolean }) {
    this.#metrics = metrics;
    this.#send = send;
    this.#wordOf = phonemes ? withPhonemes : withoutPhonemes;
  }

  /** Tells what happened to utterances. */
  tell(events: readonly LedgerEvent[]): void {
    for (const event of events) {
      switch (event.type) {
        case 'started':
          this.#send({ type: 'utterance.started', utterance: event.utterance, startMs: event.startMs });
          break;
        case 'words':
          this.#send({ type: 'utterance.words', utterance: event.utterance, words: event.words.map(this.#wordOf) });
          break;
        case 'finished': {
          const { utterance, reason, spokenText, durationMs } = event;
          this.#metrics.utterances.inc({ reason });
          this.#send({ type: 'utterance.finished', utterance, reason, spokenText, durationMs });
          break;
        }
        case 'text-to-audio':
          this.#metrics.textToAudio.observe(event.latencyMs / 1000);
          this.#latency = { ...this.#latency, textToAudioMs: Math.round(event.latencyMs) };
          break;
        case 'text-to-video':
          this.#metrics.textToVideo.observe(event.latencyMs / 1000);
          this.#latency = { ...this.#latency, textToVideoMs: Math.round(event.latencyMs) };
          break;
      }
    }
  }

  /** Notes that a frame was not drawn, because it would have come too late. */
  skippedFrame(): void {
    this.#skippedFrames += 1;
    this.#metrics.lateFrames.inc();
  }

  /** Notes what took the time of a late frame. */
  late({ spans }: FrameOutcome): void {
    this.#lateStage = slowestStage(spans);
  }

  /** Another part of the picture is made from now on; the client is told at once. */
  degraded(degradation: Rung['name']): void {
    this.#degradation = degradation;
    this.#sendStats();
  }

  /** Takes the media thread's totals, once a second; while someone speaks the client is told. @returns new gaps in the sound */
  counted(counters: MediaCounters, speaking: boolean): number {
    const metrics = this.#metrics;
    const before = this.#counters;
    this.#counters = counters;
    this.#fps = counters.videoFrames - (before?.videoFrames ?? 0);
    const gaps = Math.max(0, counters.audioGaps - (before?.audioGaps ?? 0));
    metrics.frames.inc(Math.max(0, this.#fps));
    metrics.lateFrames.inc(Math.max(0, counters.lateFrames - (before?.lateFrames ?? 0)));
    metrics.audioGaps.inc(gaps);
    for (const lateMs of counters.paceLateMs ?? []) metrics.stageTime.observe({ stage: 'pacing' }, lateMs / 1000);
    if (counters.targetBps !== null) metrics.networkTarget.observe(counters.targetBps);
    if (counters.targetBps !== null && counters.videoBps !== null) metrics.pictureRate.observe(counters.videoBps);
    if (counters.roundTripMs !== null) metrics.roundTrip.observe(counters.roundTripMs / 1000);
    if (counters.fractionLost !== null) metrics.packetLoss.observe(counters.fractionLost);
    if (speaking) this.#sendStats();
    this.#lateStage = null;
    return gaps;
  }

  #sendStats(): void {
    const {
      lateFrames = 0,
      audioGaps = 0,
      targetBps = null,
      videoBps = null,
      roundTripMs = null,
    } = this.#counters ?? {};
    this.#send({
      type: 'stats',
      ...this.#latency,
      fps: this.#fps,
      lateFrames: lateFrames + this.#skippedFrames,
      audioGaps,
      degradation: this.#degradation,
      lateStage: this.#lateStage,
      network:
        targetBps === null ? null : { targetBps, videoBps, roundTripMs, loss: this.#counters?.fractionLost ?? null },
    });
  }

  /** An error that the session survives. */
  error({ code, message }: VisavisError, utterance: string | null = null): void {
    this.#metrics.errors.inc({ code });
    this.#send({ type: 'error', code, message, fatal: false, ...(utterance === null ? {} : { utterance }) });
  }
}
