/** A client of `/v1/session` that notes when each thing arrives: the far end of a WebSocket session, without a browser. */
import { WebSocket } from 'ws';
import type { Clock } from '../../src/clock.ts';
import { FRAME_KIND } from '../../src/stream/binary-frame.ts';
import { type ClientMessage, type ServerMessage, SUBPROTOCOL } from '../../src/stream/messages.ts';

const HEADER_BYTES = 12;
/** Sound quieter than this is silence to a listener: -40 dB of full scale. */
const AUDIBLE = 328;

/** A binary frame, when it came. */
export interface ArrivedFrame {
  readonly kind: 'audio' | 'video';
  readonly atMs: number;
  readonly mediaTimeMs: number;
  /** Whether a listener would hear something; false for pictures. */
  readonly audible: boolean;
}

type MessageOf<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;
type Listener = (message: ServerMessage) => void;

/** One open session; whoever opens it disposes of it. */
export class SocketClient implements Disposable {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  readonly #broken: Promise<never>;
  /** Frames since the last `forget`, in order of arrival. */
  #frames: ArrivedFrame[] = [];

  private constructor(socket: WebSocket, clock: Clock, signal: AbortSignal) {
    this.#socket = socket;
    this.#clock = clock;
    this.#broken = new Promise((_resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(signal.aborted ? signal.reason : new Error('the server closed the socket')));
    });
    // Waited for only while a message is expected.
    this.#broken.catch(() => undefined);
    const terminate = () => socket.terminate();
    signal.addEventListener('abort', terminate, { once: true });
    socket.on('close', () => signal.removeEventListener('abort', terminate));
    socket.on('message', (data: Buffer, binary) => this.#receive(data, binary));
  }

  /**
   * Opens a session with media over the socket.
   * @param address - The server's, for example `http://127.0.0.1:8080`.
   * @throws {Error} when the server refuses or the socket breaks.
   */
  static async open(
    address: string,
    media: Extract<ClientMessage, { type: 'session.open' }>['media'],
    { clock, seed, signal }: { readonly clock: Clock; readonly seed: number; readonly signal: AbortSignal },
  ): Promise<SocketClient> {
    signal.throwIfAborted();
    const client = new SocketClient(
      new WebSocket(`${address.replace('http', 'ws')}/v1/session`, SUBPROTOCOL),
      clock,
      signal,
    );
    await Promise.race([client.#connected(), client.#broken]);
    const opened = client.next('session.opened');
    client.send({ type: 'session.open', media, seed, speed: 1 });
    await opened;
    return client;
  }

  /** Frames since the last `forget`, in order of arrival. */
  get frames(): readonly ArrivedFrame[] {
    return this.#frames;
  }

  forget(): void {
    this.#frames = [];
  }

  /** Sends a message. @returns when, in `Clock.nowMs`. */
  send(message: ClientMessage): number {
    const atMs = this.#clock.nowMs();
    this.#socket.send(JSON.stringify(message));
    return atMs;
  }

  /** Tells every message that comes from now on. */
  listen(listener: (message: ServerMessage) => void): void {
    this.#listeners.add(listener);
  }

  /** Says a text as one utterance. @returns when it was sent, in `Clock.nowMs`. */
  say(utterance: string, text: string): number {
    const atMs = this.send({ type: 'utterance.append', utterance, text });
    this.send({ type: 'utterance.end', utterance });
    return atMs;
  }

  /**
   * The next message of that type that comes from now on.
   * @throws {Error} when the server reports an error first, or the socket breaks.
   */
  async next<Type extends ServerMessage['type']>(type: Type): Promise<MessageOf<Type>> {
    let listener: Listener = () => undefined;
    const found = new Promise<MessageOf<Type>>((resolve, reject) => {
      listener = (message) => {
        if (message.type === type) resolve(message as MessageOf<Type>);
        if (message.type === 'error') reject(new Error(`${message.code}: ${message.message}`));
      };
      this.#listeners.add(listener);
    });
    try {
      return await Promise.race([found, this.#broken]);
    } finally {
      this.#listeners.delete(listener);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #connected(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('open', resolve);
    });
  }

  #receive(data: Buffer, binary: boolean): void {
    const atMs = this.#clock.nowMs();
    if (!binary) {
      const message = JSON.parse(data.toString('utf8')) as ServerMessage;
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const mediaTimeMs = data.readUInt32LE(8);
    if (data[0] === FRAME_KIND.videoOut) this.#frames.push({ kind: 'video', atMs, mediaTimeMs, audible: false });
    if (data[0] === FRAME_KIND.audioOut) {
      this.#frames.push({ kind: 'audio', atMs, mediaTimeMs, audible: isAudible(data) });
    }
  }
}

const isAudible = (frame: Buffer): boolean => {
  for (let at = HEADER_BYTES; at + 1 < frame.length; at += 2)
    if (Math.abs(frame.readInt16LE(at)) >= AUDIBLE) return true;
  return false;
};
