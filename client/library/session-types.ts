/** What a session is asked for, and what it tells. */
import type { MediaFrame } from './binary-frame.ts';
import type { WebSocketConstructor } from './connection.ts';
import type { SessionError } from './errors.ts';
import type { MediaFigures, ShownFrame } from './media-path.ts';
import type { MediaWish, ServerMessage, ServerMessageOf } from './messages.ts';
import type { Screen } from './screen.ts';
import type { Spoken } from './utterance-book.ts';

export type Transport = 'webrtc' | 'websocket';

export interface SessionOptions {
  /** Address of the server, for example `http://127.0.0.1:8080`. */
  readonly url: string | URL;
  /** Name of a voice of `GET /v1/voices`; the avatar's own if left out. */
  readonly voice?: string;
  /** Name of an avatar of `GET /v1/avatars`; the server's first if left out. */
  readonly avatar?: string;
  /** Speed of speech, 0.5…2; default 1. */
  readonly speed?: number;
  /** 0…2³²-1: makes speech repeatable. */
  readonly seed?: number;
  /** Where to show it. Without one, media come as the events `sound`, `picture` and `motion`, as `media` asks for. */
  readonly screen?: Screen;
  /** `auto` (default): WebRTC, and the WebSocket where no UDP gets through. Without a screen it is the WebSocket. */
  readonly transport?: Transport | 'auto';
  /** Without a screen: what is sent. Default: 16-bit PCM at the voice's rate, no pictures, 500 ms ahead. */
  readonly media?: Omit<MediaWish, 'transport'>;
  /** API key, where the server asks for one. It goes into the address: browsers' WebSockets send no headers. */
  readonly key?: string;
  /** Closes the session, or gives up opening it. */
  readonly signal?: AbortSignal;
  /** Where there is none, as in Node 20: that of the package `ws`. */
  readonly WebSocket?: WebSocketConstructor;
}

export type SessionState =
  | { readonly name: 'connecting' }
  | { readonly name: 'open' }
  /** The connection was lost; the next attempt is made in `waitMs`. */
  | { readonly name: 'reconnecting'; readonly error: SessionError; readonly waitMs: number }
  | { readonly name: 'closed'; readonly error: SessionError | null };

/** Events of a session: the server's messages by type, with the session's own media time, and what happens to the connection. */
export type SessionEvents = {
  readonly [T in Exclude<ServerMessage['type'], 'webrtc.answer'>]: ServerMessageOf<T>;
} & {
  readonly state: SessionState;
  /** Media come another way from now on. */
  readonly transport: { readonly transport: Transport; readonly reason: string };
  /** An utterance that broke off goes on: what lies before `charStart` of its text has been heard. */
  readonly 'utterance.resumed': { readonly utterance: string; readonly charStart: number };
  /** A frame came onto the screen. */
  readonly frame: ShownFrame;
  /** Once a second: what arrives, and how. */
  readonly figures: MediaFigures & { readonly transport: Transport };
  /** Media of a session without a screen. */
  readonly sound: MediaFrame;
  readonly picture: MediaFrame;
  readonly motion: MediaFrame;
};

/** An utterance on its way. */
export interface Speech {
  /** Which events about it carry. */
  readonly id: string;
  /** Settles when it has been said or stopped. Rejects when the server refuses it or the session closes. */
  readonly finished: Promise<Spoken>;
}
