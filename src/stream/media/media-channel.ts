/**
 * One session's media, as the main thread sees it: slots go in, packets leave on the media clock. Encoding, RTP and pacing
 * happen in the media thread behind it, which owns the clock: it asks for slots and says what has left.
 */
import type { LoopLag } from '../../event-loop-lag.ts';
import type { AudioSlot, VideoFrame } from '../../media.ts';
import type { ThreadUse } from '../../thread-use.ts';

/** One 32-bit RTP timestamp a track. */
export interface RtpBase {
  readonly audio: number;
  readonly video: number;
}

/** Where the packets go. */
export type MediaTransport =
  /**
   * RTP to a browser. Sends from the moment that DTLS is connected; the clock starts then. `rtpBase`: RTP timestamps of media
   * time 0, in ticks of 48 and 90 kHz; random ones (RFC 3550 §5.1) if left out.
   */
  | { readonly kind: 'webrtc'; readonly rtpBase?: RtpBase }
  /**
   * Encoded packets back to the main thread, for a WebSocket or a file.
   * `leadMs`: how far ahead of real time they may leave; null: as fast as they are made, and media time counts slots only.
   */
  | { readonly kind: 'packets'; readonly leadMs: number | null; readonly audio: 'opus' | 'pcm_s16le' };

export interface MediaOptions {
  readonly transport: MediaTransport;
  /** Of the slots' PCM: 8000, 12000, 16000, 24000 or 48000 for Opus. */
  readonly sampleRateHz: number;
  /** null: no video. */
  readonly video: { readonly size: number; readonly bitrateBps: number } | null;
  /** Whether a slot of silence is sent when none is queued (true keeps a WebRTC track running). */
  readonly fillIdle: boolean;
}

/** What the media thread says. Times are ms; media time is that of the slot's first sample. */
export type MediaEvent =
  /** The transport can take media; `startMs` is the clock's `nowMs` at media time 0. Slots are wanted from now on. */
  | { readonly type: 'ready'; readonly startMs: number }
  /** The first packet of a slot left. `sentAtMs`: `Clock.nowMs`. */
  | { readonly type: 'played'; readonly sequence: number; readonly mediaTimeMs: number; readonly sentAtMs: number }
  /** The video frame of a slot left (or its packets were handed over), `encodeMs` after its turn had come. */
  | { readonly type: 'shown'; readonly sequence: number; readonly sentAtMs: number; readonly encodeMs?: number }
  /** A frame was left out, because the network is narrow. */
  | { readonly type: 'spared'; readonly sequence: number }
  /** A packet for the WebSocket or a file. */
  | {
      readonly type: 'packet';
      readonly kind: 'audio' | 'video';
      readonly sequence: number;
      readonly mediaTimeMs: number;
      readonly keyFrame: boolean;
      /** A frame, or the first of its slot's packets of sound. */
      readonly opensSlot: boolean;
      readonly payload: Uint8Array<ArrayBuffer>;
    }
  | { readonly type: 'state'; readonly state: 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed' }
  /** The browser opened its data channel: what is told it from now on arrives. */
  | { readonly type: 'text-open' }
  /** A message of the browser's data channel. */
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'counters'; readonly counters: MediaCounters }
  | { readonly type: 'error'; readonly message: string };

/** Running totals, sent once a second. */
export interface MediaCounters {
  readonly audioPackets: number;
  readonly videoFrames: number;
  readonly bytes: number;
  /** Frames that came after their slot had been played, and were dropped. */
  readonly lateFrames: number;
  /** Slots of silence put in because the next slot was not there while someone spoke. */
  readonly audioGaps: number;
  readonly keyFrames: number;
  /** From receiver reports (RFC 3550 §6.4.1); null before the first. */
  readonly roundTripMs: number | null;
  readonly fractionLost: number | null;
  /** Packets of video that were sent again because the receiver missed them. */
  readonly retransmitted: number;
  /** What the network takes now, bits a second on the wire; null where it is not measured. */
  readonly targetBps: number | null;
  /** The picture's bit rate now; null without a picture. */
  readonly videoBps: number | null;
  /** How late packets left in the last second, ms, each time that some were due; at most 100. */
  readonly paceLateMs?: readonly number[];
}

/** How the picture is sent on a busy machine; a narrow network may ask for less. */
export interface Thrift {
  /** Every how manieth slot has a frame, at most. */
  readonly everyFrames: number;
  /** Width and height are divided by it. */
  readonly shrink: 1 | 2;
  /** Whether speech may wait for its first frame. */
  readonly framesOpenSpeech: boolean;
}

/** How the media thread fares. */
export interface ThreadState {
  /** Totals since it began; null where the system does not tell. */
  readonly use: ThreadUse | null;
  /** Of its event loop, over the last second. */
  readonly lagMs: LoopLag;
}

/** Where playing stopped. */
export interface Cut {
  /** The first slot that was not played: numbering goes on from there. */
  readonly sequence: number;
  /** Media time at which sound began to fade; what was sent before was heard whole. */
  readonly heardMs: number;
}

/**
 * One session in the media thread. Slots are played in order of `sequence`, one every 40 ms; the audio queue never drops,
 * a frame whose slot has been played is dropped, a slot that is not there in time is waited for with silence.
 */
export interface MediaChannel {
  /** Registers the one listener of this channel's events. */
  listen(listener: (event: MediaEvent) => void): void;
  /** Answers a WebRTC offer (also a later one, which restarts ICE). @throws {VisavisError} `webrtc_failed` */
  offer(sdp: string): Promise<string>;
  /** Adds a remote candidate; null: no more of them. Returns at once (mDNS names take seconds to resolve). */
  candidate(
    candidate: {
      readonly candidate?: string | undefined;
      readonly sdpMid?: string | null | undefined;
      readonly sdpMLineIndex?: number | null | undefined;
    } | null,
  ): void;
  /** Sends a message over the browser's data channel; lost when there is none, or when the browser does not read it. */
  sendText(text: string): void;
  /** Sends less of a picture, or more again; at first all of it. */
  spare(thrift: Thrift): void;
  /** Hands over a slot's sound; the buffer is transferred. */
  pushAudio(slot: AudioSlot): void;
  /** Hands over a slot's frame; the buffer is transferred. */
  pushVideo(frame: VideoFrame): void;
  /**
   * Drops every queued slot from `from` on. When that one is being played or has been, sound fades out within 10 ms; when it
   * waits, what is before it goes on.
   * @param from - default: every slot.
   */
  cut(from?: number): Promise<Cut>;
  /** Ends the session and frees everything; idempotent. Packets not sent are lost. */
  close(): Promise<void>;
}

/** The media thread. */
export interface MediaServer {
  open(options: MediaOptions): Promise<MediaChannel>;
  /** Who is told once a second how the thread fares; one listener. Missing where nothing is measured. */
  watch?(listener: (state: ThreadState) => void): void;
  close(): Promise<void>;
}
