/** One WebSocket and the server's session behind it: opens it, sends messages, tells what comes and why it ended. */
import { readMediaFrame, type MediaFrame } from './binary-frame.ts';
import { Emitter } from './emitter.ts';
import { SessionError } from './errors.ts';
import { parseServerMessage, type ClientMessage, type ServerMessage, type ServerMessageOf } from './messages.ts';

/** A server that does not open the session by then is not one of ours, or is overloaded. */
const OPEN_TIMEOUT_MS = 10_000;
/** Frames that wait for the network are old when they arrive. */
const MAX_UNSENT_BYTES = 65_536;
const SUBPROTOCOL = 'visavis.v1';

/** What is needed of a WebSocket; the browser's, Node's and that of the package `ws` have it. */
export type WebSocketConstructor = new (url: string, protocol: string) => WebSocket;

export interface ConnectionEvents {
  readonly message: ServerMessage;
  readonly frame: MediaFrame;
  /** It is over; null when it was closed from here. */
  readonly closed: SessionError | null;
}

/** Address of a server's sessions, for example `ws://127.0.0.1:8080/v1/session?key=…`. */
const sessionAddress = (url: string | URL, key: string | undefined): string => {
  const address = new URL('/v1/session', url);
  if (key !== undefined) address.searchParams.set('key', key);
  address.protocol = address.protocol.replace('http', 'ws');
  return address.href;
};

export class Connection extends Emitter<ConnectionEvents> {
  readonly #socket: WebSocket;
  readonly #listening = new AbortController();
  #closed = false;

  constructor(url: string | URL, Socket: WebSocketConstructor, key?: string) {
    super();
    this.#socket = new Socket(sessionAddress(url, key), SUBPROTOCOL);
    this.#socket.binaryType = 'arraybuffer';
    const { signal } = this.#listening;
    this.#socket.addEventListener('message', ({ data }) => this.#receive(data), { signal });
    const lost = (reason: string) => this.#end(new SessionError('unreachable', reason || 'The connection is lost.'));
    this.#socket.addEventListener('close', ({ reason }) => lost(reason), { signal });
    // Without a listener, sockets of Node packages throw; `close` follows.
    this.#socket.addEventListener('error', () => undefined);
  }

  /**
   * Opens the session.
   * @throws {SessionError} when the server cannot be reached, has no place or does not know the voice or avatar.
   */
  open(message: Extract<ClientMessage, { type: 'session.open' }>): Promise<ServerMessageOf<'session.opened'>> {
    return new Promise((resolve, reject) => {
      const stops = [
        this.on('message', (reply) => {
          if (reply.type === 'session.opened') {
            settle();
            resolve(reply);
          }
          // Not fatal to the server, which would wait for another wish; but nobody here has one.
          if (reply.type === 'error') this.#end(new SessionError(reply.code, reply.message));
        }),
        this.on('closed', (error) => {
          settle();
          reject(error ?? new SessionError('closed', 'Closed before the session was open.'));
        }),
      ];
      const timer = setTimeout(
        () => this.#end(new SessionError('timeout', 'The server does not answer.')),
        OPEN_TIMEOUT_MS,
      );
      const settle = () => {
        clearTimeout(timer);
        for (const stop of stops) stop();
      };
      this.#socket.addEventListener('open', () => this.send(message), { signal: this.#listening.signal });
    });
  }

  /** Sends a message; one that comes too late is lost, and `closed` tells. */
  send(message: ClientMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Sends a binary frame. @returns false when the network has not yet taken those before: the frame is left out */
  sendFrame(frame: Uint8Array<ArrayBuffer>): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN || this.#socket.bufferedAmount > MAX_UNSENT_BYTES) return false;
    this.#socket.send(frame);
    return true;
  }

  /** Ends the connection, with the reason that `closed` gives; idempotent. */
  close(error: SessionError | null = null): void {
    this.#end(error);
  }

  #receive(data: unknown): void {
    // Not every socket forgets its listeners.
    if (this.#closed) return;
    if (data instanceof ArrayBuffer) {
      const frame = readMediaFrame(data);
      if (frame) this.emit('frame', frame);
      return;
    }
    let message: ServerMessage | null;
    try {
      message = parseServerMessage(String(data));
    } catch (error) {
      this.#end(new SessionError('bad_message', (error as TypeError).message, { cause: error }));
      return;
    }
    if (message === null) return;
    this.emit('message', message);
    if (message.type === 'error' && message.fatal) this.#end(new SessionError(message.code, message.message));
  }

  #end(error: SessionError | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listening.abort();
    this.#socket.close();
    this.emit('closed', error);
  }
}
