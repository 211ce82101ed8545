/**
 * What an adapter is: routes of another service's protocol, spoken to by that service's clients. Adapters know neither the
 * HTTP nor the WebSocket library; `src/stream/mount-adapters.ts` connects them.
 */
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { ChannelAbout, OperationAbout } from '../../api-description.ts';
import type { Clock } from '../../clock.ts';
import type { VisavisError } from '../../errors.ts';
import type { Voice, VoiceInfo } from '../../models/inference.ts';
import type { SpeechSession } from './speech-session.ts';

/** How a session of an adapter wants its speech. */
export interface SpeechWish {
  readonly voice: Voice;
  readonly sampleRateHz: number;
  /** 0.25…4. @default 1 */
  readonly speed?: number | undefined;
  /** @default random */
  readonly seed?: number | undefined;
}

/** Somebody who takes one of the server's places (`limits.sessions`). */
export interface Guest {
  /** Whether a draining server waits for it. */
  busy(): boolean;
  /** The server stops: say why, and go. */
  end(error: VisavisError): void;
}

/** What adapters get of the server. */
export interface SpeechHost {
  readonly clock: Clock;
  readonly log: Logger;
  /** When the server started, Unix time. */
  readonly startedMs: number;
  readonly voices: readonly VoiceInfo[];
  readonly limits: {
    readonly messageBytes: number;
    readonly unsentBytes: number;
    readonly unreadMs: number;
    readonly openTimeoutMs: number;
  };
  /**
   * The voice of that name, or of its alias in `clients.voices`; without a name, the server's own.
   * @param foreign - names of the copied service, which stand for the server's own voice unless they have an alias
   * @throws {VisavisError} `unknown_voice`
   */
  voiceOf(name: string | undefined, foreign?: RegExp): Promise<Voice>;
  speak(wish: SpeechWish): SpeechSession;
  /** Takes a place until the function that it gives is called. @throws {VisavisError} `server_full`, `shutting_down` */
  enter(guest: Guest): () => void;
}

/** A request. */
export interface Call {
  /** Parts of the path, by the names in the route. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  header(name: string): string | undefined;
}

export interface HttpCall extends Call {
  /** As it came; empty when there is none. */
  readonly body: string;
  /** Aborts when the client has left or the server stops. */
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  /** @default 200 */
  readonly status?: number;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is read as fast as the client reads, and left when the client leaves. */
  readonly body: string | AsyncIterable<Uint8Array | string>;
}

export interface HttpRoute {
  readonly method: 'GET' | 'POST';
  /** `/v1/voices/:voice` */
  readonly path: string;
  /** Whether it takes a place while it answers. */
  readonly speaks: boolean;
  readonly about: OperationAbout;
  handle(call: HttpCall, host: SpeechHost): HttpAnswer | Promise<HttpAnswer>;
}

/** A WebSocket, as adapters see it. */
export interface AdapterSocket {
  sendText(text: string): void;
  sendBinary(bytes: Uint8Array): void;
  unsentBytes(): number;
  close(code: number, reason: string): void;
}

/** The adapter's side of an open socket. What it throws ends the socket as `SocketRoute.fail` says. */
export interface SocketPeer extends Guest {
  onText(text: string): void;
  onBinary(bytes: Uint8Array): void;
  /** The socket is gone: stop at once. */
  onClose(): void;
}

export interface SocketRoute {
  readonly path: string;
  readonly about: ChannelAbout;
  /** Messages wait until it is open. @throws {VisavisError} what `fail` then tells the client */
  open(call: Call, socket: AdapterSocket, host: SpeechHost): Promise<SocketPeer>;
  /** The key that a first message brings, in protocols whose clients may send it there; undefined: none. */
  keyIn?(message: string): string | undefined;
  /** An error that ends a socket, in the protocol's own form. */
  fail(error: VisavisError): SocketFailure;
}

/** The last message of a socket, and its close code. */
export interface SocketFailure {
  readonly text: string;
  readonly code: number;
}

/** A TCP connection, as adapters see it. */
export interface Link {
  send(bytes: Uint8Array): void;
  unsentBytes(): number;
  close(): void;
}

/** The adapter's side of a TCP connection. */
export interface LinkPeer {
  onData(bytes: Uint8Array): void;
  /** The connection is gone: stop at once. */
  onClose(): void;
  end(error: VisavisError): void;
}

/** A protocol. It is a constant: what the server has comes with every call. */
export interface Adapter {
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly routes: readonly HttpRoute[];
  readonly sockets: readonly SocketRoute[];
  /** The body of an error. */
  readonly failure: z.ZodType;
  /** Statuses of errors that its routes with a text to speak may have, besides those of every server. */
  readonly refusals: readonly number[];
  /** An error in the protocol's own form; `status` is what this server would answer. */
  fail(error: VisavisError, status: number): HttpAnswer;
}

export const jsonAnswer = (value: unknown, status = 200): HttpAnswer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(value),
});
