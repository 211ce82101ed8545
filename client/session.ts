/** One session with an avatar: text goes up a WebSocket, the speaking person comes down over WebRTC. */
import { Emitter } from './emitter.ts';
import { parseServerMessage, type ClientMessage, type ServerMessage, type ServerMessageOf } from './messages.ts';

/** Media that has not arrived by then is held up on the way. */
const MEDIA_TIMEOUT_MS = 10_000;
/** A server that does not open the session by then is not one of ours, or is overloaded. */
const OPEN_TIMEOUT_MS = 10_000;
const SUBPROTOCOL = 'visavis.v1';

export interface SessionOptions {
  /** Address of the server, for example `http://127.0.0.1:8080`. */
  readonly url: string | URL;
  /** Name of a voice of `GET /v1/voices`; the avatar's own if left out. */
  readonly voice?: string;
  /** Name of an avatar of `GET /v1/avatars`; the server's first if left out. */
  readonly avatar?: string;
  /** Speed of speech, 0.5…2; default 1. */
  readonly speed?: number;
  /** Closes the session, or gives up opening it. */
  readonly signal?: AbortSignal;
}

/** Why a session could not open or ended: a code of the server's, or `unreachable`, `webrtc_failed`, `timeout`. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Events of a session: the server's messages by type, and what happens to the connection. */
export type SessionEvents = {
  readonly [T in ServerMessage['type']]: ServerMessageOf<T>;
} & {
  /** Sound and picture: set it as `srcObject` of one video element, so that the browser keeps both in sync. */
  readonly media: MediaStream;
  /** The session is over; null when it was closed from here. */
  readonly closed: SessionError | null;
};

const sessionUrl = (url: string | URL): URL => {
  const address = new URL('/v1/session', url);
  address.protocol = address.protocol.replace('http', 'ws');
  return address;
};

/**
 * Opens a session. The media arrive with the event `media` a moment later.
 *
 * @throws {SessionError} when the server cannot be reached, has no place or does not know the voice or avatar.
 */
export const connect = async (options: SessionOptions): Promise<Session> => {
  options.signal?.throwIfAborted();
  const socket = new WebSocket(sessionUrl(options.url), SUBPROTOCOL);
  const session = new Session(socket);
  options.signal?.addEventListener('abort', () => session.close(), { once: true });
  await session.open(options);
  return session;
};

/** See `connect`. */
export class Session extends Emitter<SessionEvents> {
  readonly #socket: WebSocket;
  readonly #peer = new RTCPeerConnection();
  readonly #closing = new AbortController();
  #mediaTimer: ReturnType<typeof setTimeout> | undefined;
  #iceRestarted = false;
  #utterances = 0;
  #opened: ServerMessageOf<'session.opened'> | null = null;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    const { signal } = this.#closing;
    socket.addEventListener('message', (event) => this.#receive(event.data), { signal });
    socket.addEventListener(
      'close',
      (event) => this.#end(new SessionError('unreachable', event.reason || 'The connection to the server is lost.')),
      { signal },
    );
    this.#peer.addEventListener('track', (event) => this.#track(event), { signal });
    this.#peer.addEventListener('connectionstatechange', () => this.#watchPeer(), { signal });
    this.#peer.addEventListener(
      'icecandidate',
      ({ candidate }) => this.#send({ type: 'webrtc.candidate', candidate: candidate?.toJSON() ?? null }),
      { signal },
    );
  }

  /** What the server said when it opened the session; null before. */
  get opened(): ServerMessageOf<'session.opened'> | null {
    return this.#opened;
  }

  /** The receivers' statistics. */
  getStats(): Promise<RTCStatsReport> {
    return this.#peer.getStats();
  }

  /** RTP timestamp of the sound that is heard now, and when it was (`performance.now()` time); null before the first. */
  get heard(): { readonly rtpTimestamp: number; readonly atMs: number } | null {
    const receiver = this.#peer.getReceivers().find(({ track }) => track.kind === 'audio');
    const source = receiver?.getSynchronizationSources()[0];
    return source ? { rtpTimestamp: source.rtpTimestamp, atMs: source.timestamp - performance.timeOrigin } : null;
  }

  /** Says a text. @returns the utterance's id, which events about it carry. */
  say(text: string): string {
    const utterance = this.begin();
    this.append(utterance, text);
    this.end(utterance);
    return utterance;
  }

  /** An id for an utterance whose text comes piece by piece; see `append`. */
  begin(): string {
    this.#utterances += 1;
    return `u${this.#utterances}`;
  }

  /** More text of an utterance, with the white space between words. The first piece puts it into the queue. */
  append(utterance: string, text: string): void {
    this.#send({ type: 'utterance.append', utterance, text });
  }

  /** No more text of that utterance. */
  end(utterance: string): void {
    this.#send({ type: 'utterance.end', utterance });
  }

  /** Silences one utterance, or everything that is spoken and queued. */
  interrupt(utterance?: string): void {
    this.#send({ type: 'interrupt', ...(utterance === undefined ? {} : { utterance }) });
  }

  /** Changes the face, from the next frame on. */
  setAvatar(avatar: string): void {
    this.#send({ type: 'avatar.set', avatar });
  }

  /** Changes the voice, from the next utterance on. */
  setVoice(voice: string): void {
    this.#send({ type: 'voice.set', voice });
  }

  /** Ends the session; idempotent. */
  close(): void {
    this.#end(null);
  }

  /** First step of `connect`: waits until the server has opened the session, then asks for the media. */
  async open({ voice, avatar, speed }: SessionOptions): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => this.#end(new SessionError('timeout', 'The server does not answer.')),
        OPEN_TIMEOUT_MS,
      );
      this.on('session.opened', (message) => {
        clearTimeout(timer);
        this.#opened = message;
        resolve();
      });
      // A refusal is not fatal to the server: it would wait for another wish.
      const refused = this.on('error', ({ code, message }) => this.#end(new SessionError(code, message)));
      this.on('session.opened', refused);
      this.on('closed', (error) => {
        clearTimeout(timer);
        reject(error ?? new SessionError('closed', 'Closed before the session was open.'));
      });
    });
    const { signal } = this.#closing;
    this.#socket.addEventListener(
      'open',
      () =>
        this.#send({
          type: 'session.open',
          media: { transport: 'webrtc' },
          ...(voice === undefined ? {} : { voice }),
          ...(avatar === undefined ? {} : { avatar }),
          ...(speed === undefined ? {} : { speed }),
        }),
      { signal },
    );
    await opened;
    this.#peer.addTransceiver('audio', { direction: 'recvonly' });
    this.#peer.addTransceiver('video', { direction: 'recvonly' });
    await this.#offer();
  }

  async #offer(): Promise<void> {
    this.#expectMedia();
    await this.#peer.setLocalDescription();
    const sdp = this.#peer.localDescription?.sdp;
    if (sdp !== undefined) this.#send({ type: 'webrtc.offer', sdp });
  }

  #expectMedia(): void {
    clearTimeout(this.#mediaTimer);
    this.#mediaTimer = setTimeout(() => this.#failMedia(), MEDIA_TIMEOUT_MS);
  }

  #failMedia(): void {
    this.#end(
      new SessionError(
        'webrtc_failed',
        'The server answers, but sound and picture do not get through. A firewall may block UDP.',
      ),
    );
  }

  #watchPeer(): void {
    const state = this.#peer.connectionState;
    if (state === 'connected') {
      clearTimeout(this.#mediaTimer);
      this.#iceRestarted = false;
    } else if (state === 'failed' && this.#iceRestarted) {
      this.#failMedia();
    } else if (state === 'failed') {
      this.#iceRestarted = true;
      this.#peer.restartIce();
      void this.#offer();
    }
  }

  #track({ streams: [stream] }: RTCTrackEvent): void {
    if (stream?.getVideoTracks().length) this.emit('media', stream);
  }

  #receive(frame: unknown): void {
    if (typeof frame !== 'string') return;
    let message: ServerMessage | null;
    try {
      message = parseServerMessage(frame);
    } catch (error) {
      this.#end(new SessionError('bad_message', (error as TypeError).message, { cause: error }));
      return;
    }
    if (message === null) return;
    if (message.type === 'webrtc.answer') {
      this.#peer.setRemoteDescription({ type: 'answer', sdp: message.sdp }).catch(() => this.#failMedia());
    }
    this.emit(message.type, message);
    if (message.type === 'error' && message.fatal) this.#end(new SessionError(message.code, message.message));
  }

  #send(message: ClientMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #end(error: SessionError | null): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    clearTimeout(this.#mediaTimer);
    this.#peer.close();
    this.#socket.close();
    this.emit('closed', error);
  }
}
