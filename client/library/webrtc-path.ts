/** Sound and picture over WebRTC: the usual way. The session's socket carries the signalling. */
import type { ClientMessage, ServerMessage, ServerMessageOf } from './messages.ts';
import type { MediaFigures, MediaPath, PathListener } from './media-path.ts';
import { compareTotals, readTotals, type ReceiverTotals } from './receiver-stats.ts';
import { RtpClock } from './rtp-clock.ts';
import type { Screen } from './screen.ts';

/** RTP clock rates (RFC 7587 §4.1, RFC 7741 §4.1). */
const AUDIO_RATE_HZ = 48_000;
const VIDEO_RATE_HZ = 90_000;
/** Between an answer and the media there are a few round trips: longer, and UDP does not get through. */
const MEDIA_TIMEOUT_MS = 3500;
/** A connection that is broken for a moment mends itself; after that another way is looked for. */
const MENDING_MS = 1500;
/** Restarts of ICE without success before another transport is better. */
const MOST_RESTARTS = 3;

/** The part of a connection that signalling needs. */
export interface Signalling {
  send(message: ClientMessage): void;
}

export class WebRtcPath implements MediaPath {
  readonly #screen: Screen;
  readonly #signalling: Signalling;
  readonly #listener: PathListener;
  readonly #peer = new RTCPeerConnection();
  readonly #audioClock = new RtpClock(AUDIO_RATE_HZ);
  readonly #videoClock = new RtpClock(VIDEO_RATE_HZ);
  readonly #listening = new AbortController();
  readonly #stopWatching: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasBase = false;
  #restarts = 0;
  #totals: ReceiverTotals | null = null;

  constructor(screen: Screen, signalling: Signalling, listener: PathListener) {
    this.#screen = screen;
    this.#signalling = signalling;
    this.#listener = listener;
    const { signal } = this.#listening;
    const peer = this.#peer;
    peer.addEventListener('track', ({ streams: [stream] }) => stream && this.#show(stream), { signal });
    peer.addEventListener('connectionstatechange', () => this.#follow(), { signal });
    peer.addEventListener(
      'icecandidate',
      ({ candidate }) => signalling.send({ type: 'webrtc.candidate', candidate: candidate?.toJSON() ?? null }),
      { signal },
    );
    peer.addTransceiver('audio', { direction: 'recvonly' });
    peer.addTransceiver('video', { direction: 'recvonly' });
    // A new network is a new way.
    globalThis.addEventListener('online', () => this.#restart(), { signal });
    this.#stopWatching = screen.on('videoframe', (frame) => frame && this.#saw(frame));
    void this.#offer();
  }

  /** Takes a message of the server that is about this connection. */
  take(message: ServerMessage): void {
    if (message.type === 'webrtc.answer') void this.#accept(message);
    if (message.type === 'error' && message.code === 'webrtc_failed') this.#restart();
  }

  heardMs(atMs: number): number | null {
    const receiver = this.#peer.getReceivers().find(({ track }) => track.kind === 'audio');
    const source = receiver?.getSynchronizationSources()[0];
    if (source) this.#audioClock.observe(source.rtpTimestamp, source.timestamp - performance.timeOrigin);
    return this.#audioClock.mediaMsAt(atMs) ?? this.#videoClock.mediaMsAt(atMs);
  }

  setHush(hushed: boolean): void {
    this.#screen.video.volume = hushed ? 0 : 1;
  }

  stopped(): void {
    // What is on its way passes under the hush.
  }

  async measure(): Promise<MediaFigures | null> {
    const totals = readTotals(await this.#peer.getStats());
    const figures = this.#totals && compareTotals(this.#totals, totals);
    this.#totals = totals;
    return figures;
  }

  close(): void {
    this.#listening.abort();
    this.#stopWatching();
    clearTimeout(this.#timer);
    this.setHush(false);
    this.#peer.close();
  }

  async #offer(): Promise<void> {
    await this.#peer.setLocalDescription();
    const sdp = this.#peer.localDescription?.sdp;
    if (sdp !== undefined) this.#signalling.send({ type: 'webrtc.offer', sdp });
  }

  async #accept({ sdp, mediaTimeBase }: ServerMessageOf<'webrtc.answer'>): Promise<void> {
    if (!this.#hasBase) {
      this.#hasBase = true;
      this.#audioClock.setBase(mediaTimeBase.audio, 0);
      this.#videoClock.setBase(mediaTimeBase.video, 0);
    }
    // The server answers, so it is not the whole network that is away.
    this.#expectConnection();
    try {
      await this.#peer.setRemoteDescription({ type: 'answer', sdp });
    } catch (error) {
      if (!this.#listening.signal.aborted) this.#fail(String(error));
    }
  }

  #expectConnection(): void {
    clearTimeout(this.#timer);
    if (this.#peer.connectionState === 'connected' && this.#peer.iceConnectionState === 'connected') return;
    this.#timer = setTimeout(() => this.#fail(), MEDIA_TIMEOUT_MS);
  }

  #follow(): void {
    const { connectionState } = this.#peer;
    if (connectionState === 'connected') {
      clearTimeout(this.#timer);
      this.#restarts = 0;
    }
    if (connectionState === 'failed') this.#restart();
    if (connectionState === 'disconnected') {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#restart(), MENDING_MS);
    }
  }

  /** Looks for another way to the server, on the same session. */
  #restart(): void {
    if (this.#listening.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#restarts += 1;
    if (this.#restarts > MOST_RESTARTS) {
      this.#fail();
      return;
    }
    this.#peer.restartIce();
    void this.#offer();
  }

  #fail(reason = 'A firewall may block UDP.'): void {
    this.#listener.onFailed(`The server answers, but sound and picture do not get through. ${reason}`);
  }

  #show(stream: MediaStream): void {
    if (stream.getVideoTracks().length > 0) this.#screen.showStream(stream);
  }

  #saw({ rtpTimestamp, expectedDisplayTime }: VideoFrameCallbackMetadata): void {
    if (rtpTimestamp === undefined) return;
    // Media flow: the way that was found last is a good one, whatever the state of the connection was meanwhile.
    this.#restarts = 0;
    const mediaMs = this.#videoClock.observe(rtpTimestamp, expectedDisplayTime);
    if (mediaMs !== null) this.#listener.onFrame({ mediaMs, atMs: expectedDisplayTime });
  }
}

/** Whether this browser has WebRTC, and nobody has switched it off. */
export const hasWebRtc = (): boolean => typeof RTCPeerConnection === 'function';
