/**
 * One connection and all that lives as long as it: the way of its media, silence after an interruption, reports to the server.
 * Media times are those of the connection.
 */
import type { MediaFrame } from './binary-frame.ts';
import type { Connection } from './connection.ts';
import { Hush } from './hush.ts';
import type { MediaFigures, MediaPath, PathListener, ShownFrame } from './media-path.ts';
import type { ClientMessage, MediaWish, ServerMessage } from './messages.ts';
import type { Screen } from './screen.ts';
import { SocketPath } from './socket-path.ts';
import { WebRtcPath } from './webrtc-path.ts';

const MEASURE_EVERY_MS = 1000;
/** While something is said: the server knows what was heard, whoever stops it. */
const REPORT_EVERY_MS = 250;
/** How often a hush looks whether it is over: a packet. */
const HUSH_EVERY_MS = 20;

export interface VisitListener extends PathListener {
  onMessage(message: ServerMessage): void;
  /** Media of a session without a screen. */
  onMedia(frame: MediaFrame): void;
  onFigures(figures: MediaFigures): void;
}

export class Visit {
  readonly #connection: Connection;
  readonly #listener: VisitListener;
  readonly #path: MediaPath | null;
  readonly #hush = new Hush();
  readonly #timers = new Map<'measure' | 'report' | 'hush', ReturnType<typeof setInterval>>();
  /** What is being said, and since when. */
  #started: { readonly utterance: string; readonly startMs: number } | null = null;
  /** Without a screen: what has come, and what was heard as the program tells. */
  #arrivedMs: number | null = null;
  #toldMs: number | null = null;
  /** Media time of the frame on the screen. */
  #shownMs: number | null = null;

  /** @param media - What was asked for when the connection was opened. */
  constructor(connection: Connection, media: MediaWish, screen: Screen | null, listener: VisitListener) {
    this.#connection = connection;
    this.#listener = listener;
    const onFrame = (frame: ShownFrame) => {
      this.#shownMs = frame.mediaMs;
      listener.onFrame(frame);
    };
    const onFailed = (message: string) => listener.onFailed(message);
    this.#path = screen && openPath(connection, media, screen, { onFrame, onFailed });
    connection.on('message', (message) => this.#receive(message));
    if (!screen) {
      connection.on('frame', (frame) => {
        if (frame.kind === 'sound') this.#arrivedMs = frame.mediaMs;
        listener.onMedia(frame);
      });
      return;
    }
    this.#timers.set(
      'measure',
      setInterval(() => void this.#measure(), MEASURE_EVERY_MS),
    );
    this.#timers.set(
      'report',
      setInterval(() => this.#started && this.report(), REPORT_EVERY_MS),
    );
  }

  /** Media time that is heard at that moment; null before any is. Without a screen: what was told, or has come. */
  heardMs(atMs: number): number | null {
    return this.#path ? this.#path.heardMs(atMs) : (this.#toldMs ?? this.#arrivedMs);
  }

  send(message: ClientMessage): void {
    this.#connection.send(message);
  }

  /** See `Connection.sendFrame`. */
  sendFrame(frame: Uint8Array<ArrayBuffer>): boolean {
    return this.#connection.sendFrame(frame);
  }

  /** Stops one utterance, or all: at once here, a moment later at the server. */
  interrupt(utterance?: string): void {
    if (this.#started && (utterance === undefined || utterance === this.#started.utterance)) {
      this.#hush.begin(performance.now());
      this.#keepHushed();
    }
    this.report();
    this.send({ type: 'interrupt', ...(utterance === undefined ? {} : { utterance }) });
  }

  /** The program has played the media up to that time. */
  setHeard(mediaMs: number): void {
    this.#toldMs = mediaMs;
    this.report();
  }

  /** Tells the server what is heard now. */
  report(figures?: MediaFigures): void {
    const heardMs = this.#path ? this.heardMs(performance.now()) : this.#toldMs;
    if (heardMs === null) return;
    this.send({
      type: 'playback',
      mediaTimeMs: Math.max(0, heardMs),
      ...(this.#shownMs === null ? {} : { shownTimeMs: this.#shownMs }),
      ...(figures ? { framesDropped: figures.framesDropped } : {}),
      ...(figures?.skewMs == null ? {} : { skewMs: figures.skewMs }),
    });
  }

  close(): void {
    for (const timer of this.#timers.values()) clearInterval(timer);
    this.#path?.close();
    this.#connection.close();
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'utterance.started') this.#started = message;
    if (message.type === 'utterance.finished') {
      const { utterance, reason, durationMs } = message;
      const was = this.#started?.utterance === utterance ? this.#started : null;
      if (was) this.#started = null;
      if (reason === 'interrupted') {
        this.#hush.stopped(was && was.startMs + durationMs);
        if (was) this.#path?.stopped();
      }
    }
    this.#listener.onMessage(message);
  }

  async #measure(): Promise<void> {
    const figures = await this.#path?.measure();
    if (!figures) return;
    this.#listener.onFigures(figures);
    this.report(figures);
  }

  #keepHushed(): void {
    clearInterval(this.#timers.get('hush'));
    const look = () => {
      const nowMs = performance.now();
      const hushed = this.#hush.isOn(nowMs, this.heardMs(nowMs));
      this.#path?.setHush(hushed);
      if (!hushed) clearInterval(this.#timers.get('hush'));
    };
    this.#timers.set('hush', setInterval(look, HUSH_EVERY_MS));
    look();
  }
}

const openPath = (connection: Connection, media: MediaWish, screen: Screen, listener: PathListener): MediaPath => {
  if (media.transport === 'webrtc') {
    const path = new WebRtcPath(screen, connection, listener);
    connection.on('message', (message) => path.take(message));
    return path;
  }
  const path = new SocketPath(screen, media.audio?.codec ?? 'opus', media.video === true, listener);
  connection.on('frame', (frame) => path.take(frame));
  return path;
};
