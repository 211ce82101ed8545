/** What `getStats` tells about the received media, as figures that people ask for. Pure. */
import type { MediaFigures } from './media-path.ts';

/** Running totals at one moment. Times are milliseconds. */
export interface ReceiverTotals {
  readonly atMs: number;
  readonly framesDecoded: number;
  readonly framesDropped: number;
  readonly bytesReceived: number;
  /** Capture time, on the server's clock, of what is being played; null before the first sender report. */
  readonly audioPlayoutMs: number | null;
  readonly videoPlayoutMs: number | null;
  /** Time that all sound so far has spent in the jitter buffer, in sample-seconds, and how many samples that were. */
  readonly audioDelayS: number;
  readonly audioSamples: number;
}

/** One entry of a statistics report, with the members that are read here (webrtc-stats, RTCInboundRtpStreamStats). */
interface InboundRtp {
  readonly type: string;
  readonly kind?: string;
  readonly timestamp: number;
  readonly framesDecoded?: number;
  readonly framesDropped?: number;
  readonly bytesReceived?: number;
  readonly estimatedPlayoutTimestamp?: number;
  readonly jitterBufferDelay?: number;
  readonly jitterBufferEmittedCount?: number;
}

/** Sums up a statistics report. */
export const readTotals = (report: Iterable<readonly [string, InboundRtp]>): ReceiverTotals => {
  const tracks = [...report].map(([, entry]) => entry).filter(({ type }) => type === 'inbound-rtp');
  const sum = (read: (track: InboundRtp) => number | undefined): number =>
    tracks.reduce((total, track) => total + (read(track) ?? 0), 0);
  const audio = tracks.find(({ kind }) => kind === 'audio');
  const video = tracks.find(({ kind }) => kind === 'video');
  return {
    atMs: tracks[0]?.timestamp ?? 0,
    framesDecoded: sum(({ framesDecoded }) => framesDecoded),
    framesDropped: sum(({ framesDropped }) => framesDropped),
    bytesReceived: sum(({ bytesReceived }) => bytesReceived),
    audioPlayoutMs: audio?.estimatedPlayoutTimestamp ?? null,
    videoPlayoutMs: video?.estimatedPlayoutTimestamp ?? null,
    audioDelayS: audio?.jitterBufferDelay ?? 0,
    audioSamples: audio?.jitterBufferEmittedCount ?? 0,
  };
};

/** The figures between two totals of the same connection; null when no time has passed. */
export const compareTotals = (before: ReceiverTotals, now: ReceiverTotals): MediaFigures | null => {
  const seconds = (now.atMs - before.atMs) / 1000;
  if (seconds <= 0) return null;
  const samples = now.audioSamples - before.audioSamples;
  return {
    fps: (now.framesDecoded - before.framesDecoded) / seconds,
    bitrateBps: ((now.bytesReceived - before.bytesReceived) * 8) / seconds,
    skewMs: now.audioPlayoutMs === null || now.videoPlayoutMs === null ? null : now.audioPlayoutMs - now.videoPlayoutMs,
    framesDropped: Math.max(0, now.framesDropped - before.framesDropped),
    audioDelayMs: samples > 0 ? ((now.audioDelayS - before.audioDelayS) / samples) * 1000 : null,
  };
};
