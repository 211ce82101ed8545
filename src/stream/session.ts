/**
 * One socket of `/v1/session`: reads its messages, answers each bad one, keeps the order of the first ones, and owns the
 * live session behind it. Knows no WebSocket library: the server passes in what a socket can do.
 */
import type { Logger } from 'pino';
import type { ChatModel } from '../chat/chat-model.ts';
import { type ChatOptions, ChatSession } from '../chat/chat-session.ts';
import { VisavisError, asVisavisError } from '../errors.ts';
import { FRAME_KIND, decodeClientFrame } from './binary-frame.ts';
import { LiveSession, type LiveSessionDeps } from './live-session.ts';
import { type ClientMessage, type ServerMessage, type SessionOpen, parseClientMessage } from './messages.ts';

/** Close codes of RFC 6455 §7.4.1 that a session uses. */
export const CLOSE = { normal: 1000, goingAway: 1001, policy: 1008, internal: 1011, tryLater: 1013 } as const;

/** What a session needs of a socket. */
export interface SessionSocket {
  sendText(text: string): void;
  sendBinary(bytes: Uint8Array): void;
  unsentBytes(): number;
  close(code: number, reason: string): void;
}

export interface SessionDeps extends Omit<LiveSessionDeps, 'output' | 'limits'> {
  readonly socket: SessionSocket;
  readonly log: Logger;
  readonly openTimeoutMs: number;
  readonly limits: LiveSessionDeps['limits'] & {
    /** Messages that may wait while it opens. */
    readonly earlyMessages: number;
  };
  /** What answers `chat`; null: nothing. */
  readonly chat: { readonly model: ChatModel; readonly options: ChatOptions } | null;
}

type SessionOpened = Extract<ServerMessage, { type: 'session.opened' }>;

type OpenState = Extract<State, { status: 'open' }>;

type State =
  /** `session.open` has not come. */
  | { readonly status: 'waiting'; readonly cancelTimeout: () => void }
  /** Models are being loaded; what comes meanwhile waits. */
  | { readonly status: 'opening'; readonly early: ClientMessage[] }
  | {
      readonly status: 'open';
      readonly live: LiveSession;
      readonly opened: SessionOpened;
      readonly chat: ChatSession | null;
    }
  | { readonly status: 'closed' };

/** A session, from the opening of its socket to the end of its last packet. */
export class Session {
  readonly id: string;
  readonly #deps: SessionDeps;
  readonly #log: Logger;
  #state: State;

  constructor(id: string, deps: SessionDeps) {
    this.id = id;
    this.#deps = deps;
    this.#log = deps.log.child({ session: id });
    const { clock, openTimeoutMs } = deps;
    const expire = () =>
      this.#fail(
        new VisavisError('timeout', `session.open was expected within ${openTimeoutMs} ms as the first message`),
      );
    this.#state = { status: 'waiting', cancelTimeout: clock.at(clock.nowMs() + openTimeoutMs, expire) };
  }

  /** Whether it still has something to say. */
  get busy(): boolean {
    return this.#state.status === 'open' && (this.#state.live.busy || this.#state.chat?.busy === true);
  }

  /**
   * Opens it as `session.open` does, for a client that came without one.
   * @throws {VisavisError} `unknown_voice`, `unknown_avatar`, `unsupported_media`; it may be tried again.
   */
  async open(message: SessionOpen): Promise<void> {
    if (this.#state.status !== 'waiting') throw new VisavisError('bad_order', 'this session is open already');
    this.#state.cancelTimeout();
    this.#state = { status: 'opening', early: [] };
    await this.#openLive(message);
  }

  /** What the client is told when it opens; null before. */
  get opened(): SessionOpened | null {
    return this.#state.status === 'open' ? this.#state.opened : null;
  }

  /** The answer to an SDP offer. @throws {VisavisError} `webrtc_failed`, `bad_order` */
  async offer(sdp: string): Promise<string> {
    if (this.#state.status !== 'open') throw new VisavisError('bad_order', 'the session is not open');
    return (await this.#state.live.offer(sdp)).sdp;
  }

  /** Adds a candidate of the browser. */
  candidate(candidate: Parameters<LiveSession['candidate']>[0]): void {
    if (this.#state.status === 'open') this.#state.live.candidate(candidate);
  }

  /** Takes a text frame. */
  onText(frame: string): void {
    this.#guard(() => {
      const message = parseClientMessage(frame);
      this.#guard(() => this.#dispatch(message), aboutOf(message));
    });
  }

  /** Takes a binary frame. */
  onBinary(frame: Uint8Array): void {
    this.#guard(() => {
      const { kind, payload, first, last } = decodeClientFrame(frame);
      if (this.#state.status !== 'open')
        throw new VisavisError('bad_order', 'session.open has to come before sound and pictures');
      const { live } = this.#state;
      if (kind === FRAME_KIND.pictureIn) live.imitate(payload, last);
      else live.feeds.recorded(payload, first, last);
    });
  }

  /** Frees everything; idempotent. The socket is closed by whoever calls. */
  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { status: 'closed' };
    if (state.status === 'waiting') state.cancelTimeout();
    if (state.status !== 'open') return;
    state.chat?.close();
    await state.live.close();
  }

  /** Tells the client of something that its session survives. */
  notice(error: VisavisError): void {
    if (this.#state.status === 'open') this.#answer(error);
  }

  /** Tells the client why, then closes session and socket. */
  async end(error: VisavisError, code: number): Promise<void> {
    if (this.#state.status === 'closed') return;
    this.#send({ type: 'error', code: error.code, message: error.message, fatal: true });
    await this.close();
    this.#deps.socket.close(code, error.code);
  }

  #dispatch(message: ClientMessage): void {
    switch (this.#state.status) {
      case 'waiting':
        if (message.type !== 'session.open') {
          throw new VisavisError('bad_order', `session.open has to be the first message, got ${message.type}`);
        }
        this.#settle(this.open(message));
        break;
      case 'opening':
        if (this.#state.early.length >= this.#deps.limits.earlyMessages) {
          throw new VisavisError('bad_order', 'wait for session.opened before sending more');
        }
        this.#state.early.push(message);
        break;
      case 'open':
        this.#perform(this.#state, message);
        break;
      case 'closed':
        break;
    }
  }

  async #openLive(message: Extract<ClientMessage, { type: 'session.open' }>): Promise<void> {
    const { socket } = this.#deps;
    const output = {
      send: (reply: ServerMessage) => this.#send(reply),
      sendBinary: (frame: Uint8Array) => socket.sendBinary(frame),
      unsentBytes: () => socket.unsentBytes(),
      peerOpened: () => this.#welcomePeer(),
      received: (text: string) => this.onText(text),
      fail: (error: VisavisError) => this.#fail(error),
    };
    try {
      const { live, opened } = await LiveSession.start({ ...this.#deps, output }, this.id, message);
      if (this.#state.status !== 'opening') {
        await live.close();
        return;
      }
      const { early } = this.#state;
      const chat = this.#openChat(live);
      const { model } = this.#deps.chat ?? {};
      const state = {
        status: 'open',
        live,
        chat,
        opened: model ? { ...opened, chat: { model: model.name } } : opened,
      } as const;
      this.#state = state;
      this.#send(state.opened);
      live.run();
      this.#log.info(
        { voice: opened.voice, avatar: opened.avatar, transport: message.media.transport },
        'session opened',
      );
      for (const waiting of early) this.#guard(() => this.#perform(state, waiting), aboutOf(waiting));
    } catch (error) {
      // The client may try again with another voice, avatar or medium.
      if (this.#state.status === 'opening') this.#waitAgain();
      throw error;
    }
  }

  #openChat(live: LiveSession): ChatSession | null {
    const { chat, metrics } = this.#deps;
    if (chat === null) return null;
    return new ChatSession({
      ...chat,
      voice: {
        append: (utterance, text) => live.feeds.append(utterance, text),
        end: (utterance) => live.feeds.end(utterance),
        interrupt: (utterance) => live.interrupt(utterance),
      },
      tell: (event) => {
        if (event.type === 'chat.finished') metrics.chatAnswers.inc({ reason: event.reason });
        this.#send(event);
      },
      report: (error, utterance) => {
        this.#log.warn({ code: error.code }, 'no answer from the language model');
        this.#answer(error, { utterance });
      },
    });
  }

  /** The conversation. @throws {VisavisError} `chat_failed` when there is no language model. */
  #talking({ chat }: OpenState): ChatSession {
    if (chat) return chat;
    throw new VisavisError('chat_failed', 'this server has no language model; start it with --llm and --model');
  }

  #welcomePeer(): void {
    if (this.#state.status === 'open') this.#state.live.tellPeer(JSON.stringify(this.#state.opened));
  }

  #waitAgain(): void {
    const { clock, openTimeoutMs } = this.#deps;
    const expire = () =>
      this.#fail(new VisavisError('timeout', `session.open was expected within ${openTimeoutMs} ms`));
    this.#state = { status: 'waiting', cancelTimeout: clock.at(clock.nowMs() + openTimeoutMs, expire) };
  }

  #perform(state: OpenState, message: ClientMessage): void {
    const { live, chat } = state;
    switch (message.type) {
      case 'session.open':
        throw new VisavisError(
          'bad_order',
          'this session is open already; use voice.set and avatar.set, or another socket',
        );
      case 'webrtc.offer':
        this.#settle(this.#answerOffer(live, message.sdp));
        break;
      case 'webrtc.candidate':
        live.candidate(message.candidate);
        break;
      case 'utterance.append':
        live.feeds.append(message.utterance, message.text);
        break;
      case 'utterance.end':
        live.feeds.end(message.utterance);
        break;
      case 'interrupt':
        // An answer that has not begun to be said is no utterance yet.
        if (chat?.interrupt(message.utterance) && message.utterance !== undefined) break;
        live.interrupt(message.utterance);
        break;
      case 'chat':
        if (live.has(message.utterance)) {
          throw new VisavisError('bad_order', `utterance "${message.utterance}" is being said; choose a new id`);
        }
        this.#talking(state).ask(message.utterance, message.text);
        break;
      case 'chat.clear':
        this.#talking(state).clear();
        break;
      case 'playback':
        live.heard(message);
        break;
      case 'motion.set':
        live.setMotion(message);
        break;
      case 'avatar.set':
        this.#settle(live.setAvatar(message.avatar));
        break;
      case 'voice.set':
        this.#settle(live.setVoice(message));
        break;
    }
  }

  async #answerOffer(live: LiveSession, sdp: string): Promise<void> {
    const answer = await live.offer(sdp);
    if (this.#state.status === 'open') this.#send(answer);
  }

  #settle(work: Promise<void>): void {
    work.catch((error: unknown) => this.#answer(error));
  }

  #guard(work: () => void, about: { readonly utterance?: string } = {}): void {
    try {
      work();
    } catch (error) {
      this.#answer(error, about);
    }
  }

  /** A message that could not be obeyed is answered; the session lives. */
  #answer(cause: unknown, about: { readonly utterance?: string } = {}): void {
    if (this.#state.status === 'closed') return;
    const error = asVisavisError(cause);
    if (error.code === 'internal') this.#log.error({ err: error }, 'message failed');
    this.#deps.metrics.errors.inc({ code: error.code });
    this.#send({ type: 'error', code: error.code, message: error.message, fatal: false, ...about });
  }

  #fail(error: VisavisError): void {
    this.#log.warn({ code: error.code }, 'session failed');
    this.#deps.metrics.errors.inc({ code: error.code });
    this.end(error, error.code === 'internal' ? CLOSE.internal : CLOSE.policy).catch((cause: unknown) =>
      this.#log.error({ err: cause }, 'session did not close'),
    );
  }

  #send(message: ServerMessage): void {
    const text = JSON.stringify(message);
    this.#deps.socket.sendText(text);
    if (this.#state.status !== 'open') return;
    this.#state.live.tellPeer(text);
    if (message.type === 'utterance.finished') {
      this.#state.chat?.spoken(message.utterance, message.reason, message.spokenText);
    }
  }
}

/** The utterance that a message is about, for the error that may answer it. */
const aboutOf = (message: ClientMessage): { readonly utterance?: string } =>
  'utterance' in message && message.utterance !== undefined ? { utterance: message.utterance } : {};
