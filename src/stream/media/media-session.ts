/** One session inside the media thread: its playout, its encoders and where the packets go. */
import type { Cancel, Clock } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';
import { PACKET_MS, SLOT_MS, type AudioSlot, type VideoFrame } from '../../media.ts';
import { createOpusEncoder, type OpusEncoder } from './codecs/opus-encoder.ts';
import { createVp8Encoder, type Vp8Encoder } from './codecs/vp8-encoder.ts';
import type { MediaEvent, MediaOptions } from './media-channel.ts';
import type { Paced, Pacer } from './pacer.ts';
import { Peer, type RemoteCandidate } from './peer.ts';
import { toPcm16 } from './pcm16.ts';
import { Playout, type PlayoutStep } from './playout.ts';
import type { MediaThreadOptions } from './protocol.ts';
import { senderReportIntervalMs } from './sender-report.ts';

const COUNTERS_INTERVAL_MS = 1000;
/** Frames that may wait for the encoder; more would come too late, so they are dropped. */
const MAX_PENDING_FRAMES = 3;

type AudioStep = Extract<PlayoutStep, { kind: 'audio' }>;
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
  readonly #opus: OpusEncoder | null;
  readonly #vp8: Vp8Encoder | null;
  readonly #peer: Peer | null;
  readonly #timers = new Map<'reports' | 'counters', Cancel>();
  #startMs: number | null = null;
  #startWallMs = 0;
  #keyFrameWanted = true;
  #closing: Promise<void> | null = null;
  #counts = { audioPackets: 0, videoFrames: 0, keyFrames: 0, droppedFrames: 0, bytes: 0 };

  /** @throws {VisavisError} `unsupported_media` when Opus does not take the sample rate. */
  static async open(options: MediaOptions, context: MediaSessionContext): Promise<MediaSession> {
    const wantsOpus = options.transport.kind === 'webrtc' || options.transport.audio === 'opus';
    const opus = wantsOpus ? await createOpusEncoder(options.sampleRateHz) : null;
    const vp8 = options.video === null ? null : await createVp8Encoder(options.video.size, options.video.bitrateBps);
    return new MediaSession(options, context, opus, vp8);
  }

  private constructor(
    options: MediaOptions,
    context: MediaSessionContext,
    opus: OpusEncoder | null,
    vp8: Vp8Encoder | null,
  ) {
    this.#options = options;
    this.#context = context;
    this.#opus = opus;
    this.#vp8 = vp8;
    const { transport, sampleRateHz, fillIdle } = options;
    this.#playout = new Playout({ sampleRateHz, fillIdle, leadMs: transport.kind === 'webrtc' ? 0 : transport.leadMs });
    this.#peer =
      transport.kind === 'webrtc'
        ? new Peer({
            video: options.video !== null,
            ...context.thread,
            ...(transport.rtpBase ? { rtpBase: transport.rtpBase } : {}),
            wallMs: () => this.#startWallMs + this.#mediaMs(),
            onState: (state) => {
              context.emit({ type: 'state', state });
              if (state === 'connected') this.#start();
            },
            onPictureLoss: () => {
              this.#keyFrameWanted = true;
            },
          })
        : null;
    context.pacer.add(this);
    this.#every('counters', COUNTERS_INTERVAL_MS, () => this.#emitCounters());
    if (this.#peer === null) this.#start();
  }

  offer(sdp: string): Promise<string> {
    if (this.#peer === null) throw new VisavisError('bad_order', 'This session has no WebRTC transport.');
    return this.#peer.offer(sdp);
  }

  candidate(candidate: RemoteCandidate | null): void {
    this.#peer?.candidate(candidate);
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

  cut(): number {
    return this.#playout.cut();
  }

  nextDueMs(): number | null {
    return this.#playout.nextDueMs();
  }

  process(nowMs: number): void {
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
    this.#startMs = clock.nowMs();
    this.#startWallMs = clock.wallMs();
    this.#playout.start(this.#startMs);
    emit({ type: 'ready', startMs: this.#startMs });
    if (this.#peer !== null) this.#sendReports(this.#peer);
    pacer.wake(this);
  }

  #sendAudio(step: AudioStep): void {
    try {
      const payload = this.#opus === null ? toPcm16(step.pcm) : this.#opus.encode(step.pcm);
      this.#counts.audioPackets += 1;
      this.#counts.bytes += payload.length;
      const { sequence, index } = step;
      // Before the packet event, whose payload moves away with it.
      if (step.opensSlot && sequence !== null) {
        const sentAtMs = this.#context.clock.nowMs();
        this.#context.emit({ type: 'played', sequence, mediaTimeMs: index * PACKET_MS, sentAtMs });
      }
      if (this.#peer !== null) this.#peer.sendAudio(payload, index);
      else this.#emitPacket('audio', sequence, index * PACKET_MS, false, payload);
    } catch (error) {
      this.#emitError(error);
    }
  }

  async #sendVideo({ frame, index }: VideoStep): Promise<void> {
    if (this.#vp8 === null || this.#closing !== null) return;
    const isPaced = this.#options.transport.kind === 'webrtc' || this.#options.transport.leadMs !== null;
    if (isPaced && this.#vp8.pending >= MAX_PENDING_FRAMES) {
      this.#counts.droppedFrames += 1;
      return;
    }
    const wantsKeyFrame = this.#keyFrameWanted;
    this.#keyFrameWanted = false;
    try {
      const { payload, keyFrame } = await this.#vp8.encode(frame.i420, wantsKeyFrame);
      if (this.#closing !== null) return;
      this.#counts.videoFrames += 1;
      this.#counts.bytes += payload.length;
      if (keyFrame) this.#counts.keyFrames += 1;
      this.#context.emit({ type: 'shown', sequence: frame.sequence, sentAtMs: this.#context.clock.nowMs() });
      if (this.#peer !== null) this.#peer.sendVideo(payload, index);
      else this.#emitPacket('video', frame.sequence, index * SLOT_MS, keyFrame, payload);
    } catch (error) {
      // What was encoded before may refer to the frame that is missing now.
      this.#keyFrameWanted = true;
      this.#emitError(error);
    }
  }

  #emitPacket(
    kind: 'audio' | 'video',
    sequence: number | null,
    mediaTimeMs: number,
    keyFrame: boolean,
    payload: Uint8Array<ArrayBuffer>,
  ): void {
    this.#context.emit({ type: 'packet', kind, sequence: sequence ?? -1, mediaTimeMs, keyFrame, payload });
  }

  #sendReports(peer: Peer): void {
    const mediaMs = this.#mediaMs();
    peer.sendReports(this.#startWallMs, mediaMs);
    this.#after('reports', senderReportIntervalMs(mediaMs), () => this.#sendReports(peer));
  }

  /** Media time now; the wall clock is read once, at its start, since it may jump. */
  #mediaMs(): number {
    return this.#context.clock.nowMs() - (this.#startMs ?? 0);
  }

  #emitCounters(): void {
    const { droppedFrames, ...counts } = this.#counts;
    const { lateFrames, audioGaps } = this.#playout;
    const fromPeer = this.#peer?.counters ?? { roundTripMs: null, fractionLost: null };
    this.#context.emit({
      type: 'counters',
      counters: {
        ...counts,
        lateFrames: lateFrames + droppedFrames,
        audioGaps,
        roundTripMs: fromPeer.roundTripMs,
        fractionLost: fromPeer.fractionLost,
      },
    });
  }

  #emitError(error: unknown): void {
    if (this.#closing === null)
      this.#context.emit({ type: 'error', message: error instanceof Error ? error.message : String(error) });
  }

  #after(name: 'reports' | 'counters', ms: number, run: () => void): void {
    this.#timers.set(name, this.#context.clock.at(this.#context.clock.nowMs() + ms, run));
  }

  #every(name: 'reports' | 'counters', ms: number, run: () => void): void {
    this.#after(name, ms, () => {
      run();
      this.#every(name, ms, run);
    });
  }
}
