/** One session inside the media thread: its playout, its encoders and where the packets go. */
import type { Cancel, Clock } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';
import { PACKET_MS, SLOT_MS, type AudioSlot, type VideoFrame } from '../../media.ts';
import { AdaptiveVp8 } from './codecs/adaptive-vp8.ts';
import { createOpusEncoder, type OpusEncoder } from './codecs/opus-encoder.ts';
import type { Cut, MediaEvent, MediaOptions, Thrift } from './media-channel.ts';
import type { Paced, Pacer } from './pacer.ts';
import { Peer, type RemoteCandidate } from './webrtc/peer.ts';
import { toPcm16 } from './pcm16.ts';
import { Playout, type PlayoutStep } from './playout.ts';
import type { MediaThreadOptions } from './protocol.ts';
import { RateControl } from './rate/rate-control.ts';
import { fullRateBps, leastRateBps, SendPlan, type VideoLevel } from './rate/send-plan.ts';
import type { PacketResult } from './rate/sent-packets.ts';
import { senderReportIntervalMs } from './webrtc/sender-report.ts';

const COUNTERS_INTERVAL_MS = 1000;
/** How often it is looked whether the browser still speaks. */
const WATCH_INTERVAL_MS = 250;
/** Frames that may be in the encoder; a further one would be shown too late for its sound, so it is dropped. */
const MAX_PENDING_FRAMES = 2;
/** A broken encoder is opened anew, and told of, not more often than this. */
const REPAIR_INTERVAL_MS = 1000;
/** A packet that leaves so much too late tells that the machine is busy; for a while delays of others say nothing. */
const STARVED_LATE_MS = 30;
const STARVED_MS = 3000;
/** How late packets left is kept for so many times. */
const MAX_PACE_SAMPLES = 100;
/** A receiver asks again while the key frame is on its way. */
const KEY_FRAME_INTERVAL_MS = 300;

type TimerName = 'reports' | 'counters' | 'watch';
type AudioStep = Extract<PlayoutStep, { kind: 'audio' }>;
type PacketEvent = Extract<MediaEvent, { type: 'packet' }>;
type VideoStep = Extract<PlayoutStep, { kind: 'video' }>;

export interface MediaSessionContext {
  readonly clock: Clock;
  readonly pacer: Pacer;
  readonly thread: MediaThreadOptions;
  readonly emit: (event: MediaEvent) => void;
}

export class MediaSession implements Paced {
  readonly #options: MediaOptions;
  readonly #context: MediaSessionContext;
  readonly #playout: Playout;
  readonly #vp8: AdaptiveVp8 | null;
  readonly #peer: Peer | null;
  readonly #plan: SendPlan;
  readonly #rate: RateControl;
  #opus: OpusEncoder | null;
  readonly #timers = new Map<TimerName, Cancel>();
  #startMs: number | null = null;
  #startWallMs = 0;
  #thrift: Thrift = { everyFrames: 1, shrink: 1, framesOpenSpeech: true };
  #sentIndex = -Infinity;
  #paceLateMs: number[] = [];
  #keyFrameWanted = true;
  #keyFrameMs = -Infinity;
  #starvedMs = -Infinity;
  #repairedMs = { opus: -Infinity, vp8: -Infinity };
  #closing: Promise<void> | null = null;
  #counts = { audioPackets: 0, videoFrames: 0, keyFrames: 0, droppedFrames: 0, bytes: 0 };

  /** @throws {VisavisError} `unsupported_media` when Opus does not take the sample rate. */
  static async open(options: MediaOptions, context: MediaSessionContext): Promise<MediaSession> {
    const wantsOpus = options.transport.kind === 'webrtc' || options.transport.audio === 'opus';
    const opus = wantsOpus ? await createOpusEncoder(options.sampleRateHz) : null;
    const plan = new SendPlan(options.video?.bitrateBps ?? null);
    const { video } = plan.sending;
    const vp8 = options.video === null || video === null ? null : await AdaptiveVp8.open(options.video.size, video);
    return new MediaSession(options, context, plan, opus, vp8);
  }

  private constructor(
    options: MediaOptions,
    context: MediaSessionContext,
    plan: SendPlan,
    opus: OpusEncoder | null,
    vp8: AdaptiveVp8 | null,
  ) {
    this.#options = options;
    this.#context = context;
    this.#plan = plan;
    this.#opus = opus;
    this.#vp8 = vp8;
    const videoBps = options.video?.bitrateBps ?? null;
    const maxBps = fullRateBps(videoBps);
    this.#rate = new RateControl({ startBps: maxBps, minBps: leastRateBps(videoBps), maxBps });
    const { transport, sampleRateHz, fillIdle } = options;
    this.#playout = new Playout({
      sampleRateHz,
      fillIdle,
      leadMs: transport.kind === 'webrtc' ? 0 : transport.leadMs,
      video: options.video !== null,
    });
    this.#peer =
      transport.kind === 'webrtc'
        ? new Peer({
            video: options.video !== null,
            ...context.thread,
            ...(transport.rtpBase ? { rtpBase: transport.rtpBase } : {}),
            clock: context.clock,
            wallMs: () => this.#startWallMs + this.#mediaMs(),
            onState: (state) => {
              context.emit({ type: 'state', state });
              if (state === 'connected') this.#start();
            },
            onPictureLoss: () => {
              this.#keyFrameWanted = true;
            },
            onFeedback: (results) => this.#adapt(results),
            onTextOpen: () => context.emit({ type: 'text-open' }),
            onText: (text) => context.emit({ type: 'text', text }),
          })
        : null;
    context.pacer.add(this);
    this.#every('counters', COUNTERS_INTERVAL_MS, () => this.#emitCounters());
    if (this.#peer !== null) this.#every('watch', WATCH_INTERVAL_MS, () => this.#peer?.watch());
    if (this.#peer === null) this.#start();
  }

  offer(sdp: string): Promise<string> {
    if (this.#peer === null) throw new VisavisError('bad_order', 'This session has no WebRTC transport.');
    return this.#peer.offer(sdp);
  }

  candidate(candidate: RemoteCandidate | null): void {
    this.#peer?.candidate(candidate);
  }

  sendText(text: string): void {
    this.#peer?.sendText(text);
  }

  pushAudio(slot: AudioSlot): void {
    this.#playout.pushAudio(slot, this.#context.clock.nowMs());
    this.#context.pacer.wake(this);
  }

  pushVideo(frame: VideoFrame): void {
    if (this.#vp8 === null) return;
    this.#playout.pushVideo(frame);
    this.#context.pacer.wake(this);
  }

  /** Sends less of a picture, or more again. */
  spare(thrift: Thrift): void {
    const { everyFrames, shrink } = this.#thrift;
    this.#thrift = thrift;
    this.#playout.framesOpenSpeech = thrift.framesOpenSpeech;
    if (thrift.everyFrames === everyFrames && thrift.shrink === shrink) return;
    const level = this.#videoLevel;
    if (level !== null) this.#vp8?.change(level).catch((error: unknown) => this.#emitError(error));
  }

  /** How the picture is sent: as little as the network and the machine want. */
  get #videoLevel(): VideoLevel | null {
    const { video } = this.#plan.sending;
    if (video === null) return null;
    const { everyFrames, shrink } = this.#thrift;
    return {
      bitrateBps: video.bitrateBps,
      everyFrames: Math.max(everyFrames, video.everyFrames),
      shrink: shrink === 2 ? 2 : video.shrink,
    };
  }

  cut(from: number): Cut {
    return this.#playout.cut(from);
  }

  nextDueMs(): number | null {
    return this.#playout.nextDueMs();
  }

  process(nowMs: number): void {
    const dueMs = this.#playout.nextDueMs();
    if (dueMs !== null && nowMs - dueMs > STARVED_LATE_MS) this.#starvedMs = nowMs;
    if (dueMs !== null && nowMs >= dueMs && this.#paceLateMs.length < MAX_PACE_SAMPLES) {
      this.#paceLateMs.push(nowMs - dueMs);
    }
    for (const step of this.#playout.process(nowMs)) {
      if (step.kind === 'audio') this.#sendAudio(step);
      else void this.#sendVideo(step);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#context.pacer.remove(this);
    for (const cancel of this.#timers.values()) cancel();
    await this.#peer?.close();
    await this.#vp8?.close();
    this.#opus?.close();
    if (this.#peer === null) this.#context.emit({ type: 'state', state: 'closed' });
  }

  /** Media time starts to run: once, however often ICE restarts. */
  #start(): void {
    if (this.#startMs !== null) return;
    const { clock, pacer, emit } = this.#context;
    this.#startWallMs = clock.wallMs();
    this.#startMs = clock.nowMs();
    // Both have to be of one moment: a thread that was put aside between the two reads them again.
    for (let i = 0; i < 5 && clock.wallMs() - this.#startWallMs > 1; i += 1) {
      this.#startWallMs = clock.wallMs();
      this.#startMs = clock.nowMs();
    }
    this.#playout.start(this.#startMs);
    emit({ type: 'ready', startMs: this.#startMs });
    if (this.#peer !== null) this.#sendReports(this.#peer);
    pacer.wake(this);
  }

  #sendAudio(step: AudioStep): void {
    const { sequence, index } = step;
    const payload = this.#encodeAudio(step.pcm);
    // Before the packet event, whose payload moves away with it; without a payload too: the next slots are made for it.
    if (step.opensSlot && sequence !== null) {
      const sentAtMs = this.#context.clock.nowMs();
      this.#context.emit({ type: 'played', sequence, mediaTimeMs: index * PACKET_MS, sentAtMs });
    }
    if (payload === null) return;
    this.#counts.audioPackets += 1;
    this.#counts.bytes += payload.length;
    if (this.#peer !== null) this.#peer.rtp.sendAudio(payload, index);
    else
      this.#emitPacket(
        'audio',
        sequence,
        { mediaTimeMs: index * PACKET_MS, keyFrame: false, opensSlot: step.opensSlot },
        payload,
      );
  }

  /** The payload of 20 ms; null: the encoder is broken. */
  #encodeAudio(pcm: Float32Array): Uint8Array<ArrayBuffer> | null {
    try {
      return this.#opus === null ? toPcm16(pcm) : this.#opus.encode(pcm);
    } catch (error) {
      this.#repair('opus', error, () => this.#changeOpus(this.#plan.sending.opusBps));
      return null;
    }
  }

  async #sendVideo({ frame, index }: VideoStep): Promise<void> {
    if (this.#vp8 === null || this.#closing !== null) return;
    const nowMs = this.#context.clock.nowMs();
    const wantsKeyFrame = this.#keyFrameWanted && nowMs - this.#keyFrameMs >= KEY_FRAME_INTERVAL_MS;
    // Of what is there: on a busy machine not every slot has a frame, and which ones have is not known here. An utterance
    // may begin half a slot after a silent one.
    const isThinnedOut = index - this.#sentIndex < (this.#plan.sending.video?.everyFrames ?? 1) - 0.5;
    if (isThinnedOut && !wantsKeyFrame) {
      this.#context.emit({ type: 'spared', sequence: frame.sequence });
      return;
    }
    const isPaced = this.#options.transport.kind === 'webrtc' || this.#options.transport.leadMs !== null;
    if (isPaced && this.#vp8.pending >= MAX_PENDING_FRAMES) {
      this.#counts.droppedFrames += 1;
      return;
    }
    this.#sentIndex = index;
    if (wantsKeyFrame) {
      this.#keyFrameWanted = false;
      this.#keyFrameMs = nowMs;
    }
    try {
      const { payload, keyFrame } = await this.#vp8.encode(frame.i420, wantsKeyFrame);
      if (this.#closing !== null) return;
      this.#counts.videoFrames += 1;
      this.#counts.bytes += payload.length;
      if (keyFrame) this.#counts.keyFrames += 1;
      const sentAtMs = this.#context.clock.nowMs();
      this.#context.emit({ type: 'shown', sequence: frame.sequence, sentAtMs, encodeMs: sentAtMs - nowMs });
      if (this.#peer !== null) this.#peer.rtp.sendVideo(payload, index);
      else
        this.#emitPacket('video', frame.sequence, { mediaTimeMs: index * SLOT_MS, keyFrame, opensSlot: true }, payload);
    } catch (error) {
      // What was encoded before may refer to the frame that is missing now.
      this.#keyFrameWanted = true;
      const level = this.#videoLevel;
      this.#repair('vp8', error, async () => {
        if (level !== null) await this.#vp8?.change(level);
      });
    }
  }

  /** Fits what is sent to what the network takes. */
  #adapt(results: readonly PacketResult[]): void {
    const nowMs = this.#context.clock.nowMs();
    const { roundTripMs } = this.#peer?.rtp.counters ?? { roundTripMs: null };
    if (roundTripMs !== null) this.#rate.roundTrip(roundTripMs);
    this.#rate.feedback(results, nowMs, nowMs - this.#starvedMs < STARVED_MS);
    const before = this.#plan.sending;
    if (!this.#plan.fit(this.#rate.targetBps, this.#rate.lossFraction, nowMs)) return;
    const { video, opusBps, soundTwice } = this.#plan.sending;
    if (this.#peer !== null) this.#peer.rtp.sendsSoundTwice = soundTwice;
    const level = this.#videoLevel;
    if (level !== null && video !== before.video) {
      this.#vp8?.change(level).catch((error: unknown) => this.#emitError(error));
    }
    if (opusBps !== before.opusBps) this.#changeOpus(opusBps).catch((error: unknown) => this.#emitError(error));
  }

  /** libopus inside FFmpeg takes no new bit rate while it runs. */
  async #changeOpus(bitrateBps: number): Promise<void> {
    const next = await createOpusEncoder(this.#options.sampleRateHz, bitrateBps);
    if (this.#closing !== null) return next.close();
    const before = this.#opus;
    this.#opus = next;
    before?.close();
  }

  #emitPacket(
    kind: 'audio' | 'video',
    sequence: number | null,
    about: Pick<PacketEvent, 'mediaTimeMs' | 'keyFrame' | 'opensSlot'>,
    payload: Uint8Array<ArrayBuffer>,
  ): void {
    this.#context.emit({ type: 'packet', kind, sequence: sequence ?? -1, ...about, payload });
  }

  #sendReports(peer: Peer): void {
    const mediaMs = this.#mediaMs();
    peer.rtp.sendReports(this.#startWallMs, mediaMs);
    this.#after('reports', senderReportIntervalMs(mediaMs), () => this.#sendReports(peer));
  }

  /** Media time now; the wall clock is read once, at its start, since it may jump. */
  #mediaMs(): number {
    return this.#context.clock.nowMs() - (this.#startMs ?? 0);
  }

  #emitCounters(): void {
    const { droppedFrames, ...counts } = this.#counts;
    const { lateFrames, audioGaps } = this.#playout;
    const { roundTripMs, fractionLost, retransmitted } = this.#peer?.rtp.counters ?? {
      roundTripMs: null,
      fractionLost: null,
      retransmitted: 0,
    };
    this.#context.emit({
      type: 'counters',
      counters: {
        ...counts,
        lateFrames: lateFrames + droppedFrames,
        audioGaps,
        roundTripMs,
        fractionLost,
        retransmitted,
        targetBps: this.#peer === null ? null : this.#rate.targetBps,
        videoBps: this.#plan.sending.video?.bitrateBps ?? null,
        paceLateMs: this.#paceLateMs.splice(0),
      },
    });
  }

  /** Tells of a broken encoder and opens another one in its place. */
  #repair(encoder: 'opus' | 'vp8', cause: unknown, open: () => Promise<void>): void {
    const nowMs = this.#context.clock.nowMs();
    if (nowMs - this.#repairedMs[encoder] < REPAIR_INTERVAL_MS) return;
    this.#repairedMs[encoder] = nowMs;
    this.#emitError(cause);
    open().catch((error: unknown) => this.#emitError(error));
  }

  #emitError(error: unknown): void {
    if (this.#closing === null)
      this.#context.emit({ type: 'error', message: error instanceof Error ? error.message : String(error) });
  }

  #after(name: TimerName, ms: number, run: () => void): void {
    this.#timers.set(name, this.#context.clock.at(this.#context.clock.nowMs() + ms, run));
  }

  #every(name: TimerName, ms: number, run: () => void): void {
    this.#after(name, ms, () => {
      run();
      this.#every(name, ms, run);
    });
  }
}
