/**
 * A session with an avatar, as programs use it: text goes in, a person is seen and heard. It outlives its connections: when one is
 * lost, the next goes on where speech broke off; when no media gets through by WebRTC, it comes over the WebSocket.
 */
import { writePictureFrame } from './binary-frame.ts';
import { Camera } from './camera.ts';
import { Connection } from './connection.ts';
import { Emitter } from './emitter.ts';
import { SessionError } from './errors.ts';
import { mediaWish } from './media-wish.ts';
import type { ClientMessage, MotionWish, ServerMessage, ServerMessageOf } from './messages.ts';
import { backOffMs, patientWait } from './reconnect.ts';
import type { SessionEvents, SessionOptions, SessionState, Speech, Transport } from './session-types.ts';
import { SpeechPromises } from './speech-promises.ts';
import { UtteranceBook, type Spoken } from './utterance-book.ts';
import { Visit } from './visit.ts';
import { WayBack } from './way-back.ts';
import { probeWebRtc } from './webrtc-probe.ts';
import { hasWebRtc } from './webrtc-path.ts';

/** Who has waited longer has gone on with something else: what was left is not said any more. */
const RESUME_WITHIN_MS = 60_000;
/** Codes that answer a text which will not be said. */
const REFUSALS = new Set(['bad_text', 'text_too_long', 'too_many_utterances', 'bad_order']);
/** Codes that no second attempt with the same wishes can cure. */
const UNKNOWN = new Set(['unknown_voice', 'unknown_avatar']);

/**
 * Opens a session.
 * @throws {SessionError} when the server cannot be reached, has no place or does not know the voice or avatar.
 */
export const connect = async (options: SessionOptions): Promise<Session> => {
  options.signal?.throwIfAborted();
  const session = new Session(options);
  await new Promise<void>((resolve, reject) => {
    const stop = session.on('state', (state) => {
      if (state.name === 'connecting') return;
      stop();
      if (state.name === 'open') {
        resolve();
        return;
      }
      session.close();
      reject(state.error ?? new SessionError('closed', 'Closed before the session was open.'));
    });
  });
  return session;
};

/** See `connect`. Made by itself, it never gives up looking for its server, until it is closed. */
export class Session extends Emitter<SessionEvents> {
  readonly #options: SessionOptions;
  readonly #closing = new AbortController();
  readonly #book = new UtteranceBook();
  readonly #promises = new SpeechPromises();
  /** Answers of the language model that are being made or said. */
  readonly #answers = new Set<string>();
  #wishes: { readonly voice?: string; readonly avatar?: string; readonly speed?: number };
  #key: string | undefined;
  /** Ends a wait for the next attempt. */
  #impatience = new AbortController();
  #transport: Transport;
  /** null: media have only one way. */
  readonly #wayBack: WayBack | null = null;
  #state: SessionState = { name: 'connecting' };
  #opened: ServerMessageOf<'session.opened'> | null = null;
  #present: Connection | null = null;
  #visit: Visit | null = null;
  #utterances = 0;
  #lostAtMs: number | null = null;

  constructor(options: SessionOptions) {
    super();
    const { voice, avatar, speed, screen, transport = 'auto', key, signal } = options;
    if (transport === 'webrtc' && !screen) {
      throw new TypeError('expected a screen for transport "webrtc", got none: pass one, or take "websocket"');
    }
    this.#options = options;
    this.#wishes = given({ voice, avatar, speed });
    this.#key = key;
    this.#transport = transport === 'auto' ? (screen && hasWebRtc() ? 'webrtc' : 'websocket') : transport;
    if (transport === 'auto' && screen && hasWebRtc()) {
      this.#wayBack = new WayBack({
        probe: (signal) => probeWebRtc(() => this.#connection(), signal),
        isIdle: () => !this.busy,
        found: () => this.#takeWay('webrtc', 'WebRTC gets through again.'),
      });
    }
    signal?.addEventListener('abort', () => this.close(), { once: true });
    // The listeners of the first events have yet to come.
    queueMicrotask(() => void this.#run());
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What the server said when it opened the present connection, or the last one; null before the first. */
  get opened(): ServerMessageOf<'session.opened'> | null {
    return this.#opened;
  }

  /** How media come. */
  get transport(): Transport {
    return this.#transport;
  }

  /** Whether something is being said or waits to be. */
  get busy(): boolean {
    return this.#book.open.length > 0;
  }

  /** The text of an utterance that is not finished, as far as it has been sent; else empty. */
  textOf(utterance: string): string {
    return this.#book.textOf(utterance);
  }

  /** Media time that is heard at that moment (`performance.now()` time); null while nothing is. It goes on over reconnections. */
  heardMs(atMs: number = performance.now()): number | null {
    const heardMs = this.#visit?.heardMs(atMs) ?? null;
    return heardMs === null ? null : heardMs + this.#book.baseMs;
  }

  /**
   * Says a text, or one that comes piece by piece, as from a language model.
   *
   * @param options.signal - Stops it.
   * @param options.utterance - Its id; one is made up if left out.
   */
  say(
    text: string | AsyncIterable<string>,
    options: { readonly signal?: AbortSignal; readonly utterance?: string } = {},
  ): Speech {
    const { signal, utterance: id = this.begin() } = options;
    const finished = this.#promises.of(id);
    const stop = () => this.interrupt(id);
    signal?.addEventListener('abort', stop, { once: true });
    const settled = () => signal?.removeEventListener('abort', stop);
    finished.then(settled, settled);
    if (this.#closing.signal.aborted) {
      this.#promises.reject(id, new SessionError('closed', 'The session is closed.'));
    } else if (signal?.aborted) {
      this.#promises.resolve({ utterance: id, reason: 'interrupted', spokenText: '', durationMs: 0 });
    } else if (typeof text === 'string') {
      this.append(id, text);
      this.end(id);
    } else {
      void this.#sayPieces(id, text, signal);
    }
    return { id, finished };
  }

  /**
   * Says something to the server's language model (`opened.chat`); its answer is said as it comes. An answer that is still being said
   * gives way to it.
   *
   * @param options.utterance - Id of the answer; one is made up if left out.
   */
  chat(text: string, options: { readonly utterance?: string } = {}): Speech {
    const { utterance: id = this.begin() } = options;
    const finished = this.#promises.of(id);
    if (this.#closing.signal.aborted) {
      this.#promises.reject(id, new SessionError('closed', 'The session is closed.'));
      return { id, finished };
    }
    for (const answer of this.#answers) this.interrupt(answer);
    this.#answers.add(id);
    this.#book.append(id, '');
    this.#send({ type: 'chat', utterance: id, text });
    return { id, finished };
  }

  /** Lets the language model forget the conversation. */
  forget(): void {
    this.#send({ type: 'chat.clear' });
  }

  /** An id for an utterance whose text comes piece by piece; see `append`. */
  begin(): string {
    this.#utterances += 1;
    return `u${this.#utterances}`;
  }

  /** More text of an utterance, with the white space between words. The first piece puts it into the queue. */
  append(utterance: string, text: string): void {
    if (this.#closing.signal.aborted || text === '') return;
    if (this.#book.append(utterance, text)) this.#send({ type: 'utterance.append', utterance, text });
  }

  /** No more text of that utterance. */
  end(utterance: string): void {
    if (this.#book.end(utterance)) this.#send({ type: 'utterance.end', utterance });
  }

  /** Silences one utterance, or everything that is spoken and queued. */
  interrupt(utterance?: string): void {
    const stopping = this.#book.open.filter((id) => utterance === undefined || id === utterance);
    if (stopping.length === 0) return;
    for (const id of stopping) this.#book.stop(id);
    if (this.#visit) this.#visit.interrupt(utterance);
    else for (const id of stopping) this.#abandon(id, 'interrupted');
  }

  /** Changes the face, from the next frame on. One of another size opens a new connection. */
  setAvatar(avatar: string): void {
    this.#wishes = { ...this.#wishes, avatar };
    this.#send({ type: 'avatar.set', avatar });
  }

  /** Changes the voice, from the next utterance on. */
  setVoice(voice: string): void {
    this.#wishes = { ...this.#wishes, voice };
    this.#send({ type: 'voice.set', voice });
  }

  /** Changes the speed (0.5…2), from the next utterance on. */
  setSpeed(speed: number): void {
    this.#wishes = { ...this.#wishes, speed };
    this.#send({ type: 'voice.set', speed });
  }

  /** The API key of connections to come. One that waits for its next attempt makes it now. */
  setKey(key: string): void {
    this.#key = key;
    this.#impatience.abort();
  }

  /** Controls the face by hand. */
  setMotion(wish: MotionWish): void {
    this.#send({ type: 'motion.set', ...wish });
  }

  /**
   * Lets the avatar do what the face in a video does, such as that of a camera: the middle square of its pictures goes to the server, which
   * reads it. Ends, and the face goes back to its own movement, when the signal aborts, the video's track ends or the session is closed;
   * it outlives connections. The stream stays the caller's: stop its tracks to switch a camera off.
   *
   * @param options.picturesPerSecond - 1…25; default 15.
   * @throws {SessionError} `no_reader` when the server reads no faces; {TypeError} for a stream without a picture.
   */
  async imitate(
    stream: MediaStream,
    options: { readonly signal?: AbortSignal; readonly picturesPerSecond?: number } = {},
  ): Promise<void> {
    const { signal = this.#closing.signal, picturesPerSecond = 15 } = options;
    const wanted = () => this.#opened?.imitation;
    if (this.#opened && !wanted()) throw new SessionError('no_reader', 'This server does not read faces.');
    let sequence = 0;
    const send = (jpeg: Uint8Array | null) => this.#visit?.sendFrame(writePictureFrame(sequence++, jpeg));
    await new Camera(stream).run({
      picturesPerSecond,
      size: () => (this.#visit ? (wanted()?.size ?? null) : null),
      send,
      signal: AbortSignal.any([signal, this.#closing.signal]),
    });
  }

  /** Without a screen: the program has played the media up to that time. */
  setHeard(mediaMs: number): void {
    this.#visit?.setHeard(Math.max(0, mediaMs - this.#book.baseMs));
  }

  /** Ends the session; idempotent. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#impatience.abort();
    this.#leave();
    this.#promises.rejectAll(new SessionError('closed', 'The session was closed.'));
    this.#setState({ name: 'closed', error: null });
  }

  async #sayPieces(utterance: string, pieces: AsyncIterable<string>, signal?: AbortSignal): Promise<void> {
    let begun = false;
    try {
      for await (const piece of pieces) {
        if (signal?.aborted || this.#closing.signal.aborted || (begun && !this.#book.takes(utterance))) break;
        this.append(utterance, piece);
        begun ||= piece !== '';
      }
    } catch (error) {
      this.interrupt(utterance);
      this.#promises.reject(
        utterance,
        new SessionError('bad_text', `The text broke off: ${String(error)}`, { cause: error }),
      );
    }
    this.end(utterance);
    if (!begun) this.#promises.resolve({ utterance, reason: 'completed', spokenText: '', durationMs: 0 });
  }

  /** Visits the server again and again, more patiently after every failure, until it is closed. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    if (this.#options.signal?.aborted) this.close();
    for (let failures = 0; !signal.aborted;) {
      if (failures === 0) this.#setState({ name: 'connecting' });
      const error = await this.#stay(() => {
        failures = 0;
      });
      // null: closed from here, to be opened anew in another way.
      if (signal.aborted || error === null) continue;
      if (UNKNOWN.has(error.code)) this.#wishes = given({ speed: this.#wishes.speed });
      const waitMs = backOffMs(failures, Math.random());
      failures += 1;
      this.#setState({ name: 'reconnecting', error, waitMs });
      this.#impatience = new AbortController();
      await patientWait(waitMs, this.#impatience.signal);
    }
  }

  /** Opens one connection and stays with it. @returns why it ended; null when it was closed to open another. */
  async #stay(onOpen: () => void): Promise<SessionError | null> {
    const { seed, screen } = this.#options;
    const media = await mediaWish(this.#transport, this.#options);
    let connection: Connection;
    try {
      connection = this.#connection();
    } catch (error) {
      return new SessionError('unreachable', String(error), { cause: error });
    }
    const abort = () => connection.close();
    this.#closing.signal.addEventListener('abort', abort, { once: true });
    if (this.#closing.signal.aborted) abort();
    const closed = new Promise<SessionError | null>((resolve) => {
      connection.on('closed', resolve);
    });
    try {
      this.#opened = await connection.open({ type: 'session.open', ...this.#wishes, ...given({ seed }), media });
      this.#visit = new Visit(connection, media, screen ?? null, {
        onMessage: (message) => this.#receive(message),
        onMedia: (frame) => this.emit(frame.kind, { ...frame, mediaMs: frame.mediaMs + this.#book.baseMs }),
        onFrame: ({ mediaMs, atMs }) => this.emit('frame', { mediaMs: mediaMs + this.#book.baseMs, atMs }),
        onFigures: (figures) => this.emit('figures', { ...figures, transport: this.#transport }),
        onFailed: (reason) => this.#failMedia(connection, reason),
      });
      this.#present = connection;
      if (this.#transport === 'websocket') this.#wayBack?.begin();
      onOpen();
      this.emit('session.opened', this.#opened);
      this.#resume();
      this.#setState({ name: 'open' });
    } catch (error) {
      if (error instanceof SessionError) connection.close(error);
      // A browser that has WebRTC may still refuse it.
      else if (this.#transport === 'webrtc') this.#failMedia(connection, String(error));
      else connection.close(new SessionError('internal', String(error), { cause: error }));
    }
    const reason = await closed;
    this.#wayBack?.end();
    // It may be another network that the next one is on.
    if (reason) this.#wayBack?.hurry();
    this.#closing.signal.removeEventListener('abort', abort);
    this.#leave();
    return reason;
  }

  /** What broke off goes on, with the first word whose end was not heard. */
  #resume(): void {
    const tooLate = this.#lostAtMs !== null && performance.now() - this.#lostAtMs > RESUME_WITHIN_MS;
    this.#lostAtMs = null;
    for (const { utterance, text, ended, stopped, brokeOff, charStart } of this.#book.rest()) {
      const isSaid = ended && text.trim() === '';
      if (tooLate || stopped || isSaid) {
        this.#abandon(utterance, isSaid && !stopped ? 'completed' : 'interrupted');
        continue;
      }
      if (brokeOff) this.emit('utterance.resumed', { utterance, charStart });
      if (text !== '') this.#send({ type: 'utterance.append', utterance, text });
      if (ended) this.#send({ type: 'utterance.end', utterance });
    }
  }

  #leave(): void {
    if (!this.#visit) return;
    this.#lostAtMs = performance.now();
    // The model is not asked again: what it has said so far goes on.
    for (const utterance of this.#answers) {
      this.#book.end(utterance);
      this.#answered({ type: 'chat.finished', utterance, reason: 'failed', text: this.#book.textOf(utterance) });
    }
    this.#book.breakOff(this.heardMs(this.#lostAtMs));
    this.#visit.close();
    this.#visit = null;
  }

  #connection(): Connection {
    return new Connection(this.#options.url, this.#options.WebSocket ?? WebSocket, this.#key);
  }

  #failMedia(connection: Connection, reason: string): void {
    const { transport = 'auto' } = this.#options;
    if (transport === 'auto' && this.#transport === 'webrtc') this.#takeWay('websocket', reason, connection);
    else connection.close(new SessionError('webrtc_failed', reason));
  }

  /** Opens a new connection, whose media come that way. */
  #takeWay(transport: Transport, reason: string, connection: Connection | null = this.#present): void {
    this.#transport = transport;
    this.emit('transport', { transport, reason });
    connection?.close();
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case 'utterance.started':
        this.emit('utterance.started', this.#book.started(message));
        break;
      case 'utterance.words':
        this.emit('utterance.words', this.#book.words(message));
        break;
      case 'utterance.finished': {
        const finished = this.#book.finished(message);
        this.emit('utterance.finished', finished);
        this.#promises.resolve(finished);
        break;
      }
      case 'chat.started':
        this.emit('chat.started', message);
        break;
      case 'chat.delta':
        this.#book.append(message.utterance, message.text);
        this.emit('chat.delta', message);
        break;
      case 'chat.finished':
        this.#answered(message);
        // One that was never said has no end of its own.
        this.#abandon(message.utterance, 'interrupted');
        break;
      case 'stats':
        this.emit('stats', message);
        break;
      case 'error':
        this.#receiveError(message);
        break;
      case 'session.opened':
      case 'webrtc.answer':
        break;
    }
  }

  #answered(message: ServerMessageOf<'chat.finished'>): void {
    this.#answers.delete(message.utterance);
    this.emit('chat.finished', message);
  }

  #receiveError(message: ServerMessageOf<'error'>): void {
    const { code, utterance, message: text } = message;
    // A face of another size: a new connection opens with it.
    if (code === 'unsupported_media' && utterance === undefined) {
      this.#leave();
      return;
    }
    if (utterance !== undefined && REFUSALS.has(code)) {
      this.#answers.delete(utterance);
      this.#book.abandon(utterance, 'interrupted');
      this.#promises.reject(utterance, new SessionError(code, text));
    }
    // Media that fail are looked after here; what is unknown to the server was finished when it was stopped.
    if (code !== 'webrtc_failed' && code !== 'unknown_utterance') this.emit('error', message);
  }

  #abandon(utterance: string, reason: Spoken['reason']): void {
    const spoken = this.#book.abandon(utterance, reason);
    if (!spoken) return;
    this.emit('utterance.finished', { type: 'utterance.finished', ...spoken });
    this.#promises.resolve(spoken);
  }

  #send(message: ClientMessage): void {
    this.#visit?.send(message);
  }

  #setState(state: SessionState): void {
    if (state.name === this.#state.name && state.name !== 'reconnecting') return;
    this.#state = state;
    this.emit('state', state);
  }
}

/** The members that are there: left out is not the same as undefined. */
const given = <T extends object>(wishes: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> =>
  Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined)) as Partial<T>;
