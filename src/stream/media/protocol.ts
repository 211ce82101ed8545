/** What the main thread and the media thread say to each other. Requests carry a number that their reply repeats. */
import type { ErrorCode } from '../../errors.ts';
import type { AudioSlot, VideoFrame } from '../../media.ts';
import type { Cut, MediaEvent, MediaOptions, Thrift, ThreadState } from './media-channel.ts';
import type { DataLimits } from './webrtc/data-guard.ts';
import type { RemoteCandidate } from './webrtc/peer.ts';

/** Given to the thread when it starts. */
export interface MediaThreadOptions {
  readonly hostAddresses: readonly string[];
  readonly portRange: readonly [number, number] | null;
  readonly dataLimits: DataLimits;
  /** The thread counts here what it does in libuv's pool, 32 bits. */
  readonly poolCalls: SharedArrayBuffer;
}

/** To the media thread. `channel` numbers sessions. */
export type MediaCommand =
  | { readonly type: 'open'; readonly channel: number; readonly request: number; readonly options: MediaOptions }
  | { readonly type: 'offer'; readonly channel: number; readonly request: number; readonly sdp: string }
  | { readonly type: 'cut'; readonly channel: number; readonly request: number; readonly from: number }
  | { readonly type: 'close'; readonly channel: number; readonly request: number }
  /** Closes every session (`channel` is 0), so that nothing is being encoded when the thread ends. */
  | { readonly type: 'stop'; readonly channel: number; readonly request: number }
  /** Whether the thread still answers (`channel` is 0). */
  | { readonly type: 'ping'; readonly channel: number; readonly request: number }
  | { readonly type: 'candidate'; readonly channel: number; readonly candidate: RemoteCandidate | null }
  | { readonly type: 'text'; readonly channel: number; readonly text: string }
  | { readonly type: 'thrift'; readonly channel: number; readonly thrift: Thrift }
  | { readonly type: 'audio'; readonly channel: number; readonly slot: AudioSlot }
  | { readonly type: 'video'; readonly channel: number; readonly frame: VideoFrame };

/** An SDP answer, where playing stopped, or nothing. */
export type Reply = string | Cut | null;

/** From the media thread. */
export type MediaNotice =
  | { readonly type: 'started' }
  /** Something failed that no session waits for; the thread goes on. */
  | { readonly type: 'fault'; readonly message: string }
  | { readonly type: 'thread'; readonly state: ThreadState }
  | { readonly type: 'event'; readonly channel: number; readonly event: MediaEvent }
  | { readonly type: 'reply'; readonly request: number; readonly value: Reply }
  | { readonly type: 'refusal'; readonly request: number; readonly code: ErrorCode; readonly message: string };
