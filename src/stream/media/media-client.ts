/** The main thread's side of the media thread: starts it, and gives each session a `MediaChannel`. */
import { Worker } from 'node:worker_threads';
import { systemClock, type Cancel, type Clock } from '../../clock.ts';
import { asVisavisError, VisavisError } from '../../errors.ts';
import { SLOT_MS, type AudioSlot, type VideoFrame } from '../../media.ts';
import { workerEntry } from '../../worker-entry.ts';
import type { Cut, MediaChannel, MediaEvent, MediaOptions, MediaServer, Thrift, ThreadState } from './media-channel.ts';
import type { MediaCommand, MediaNotice, MediaThreadOptions, Reply } from './protocol.ts';
import { watchThread } from './thread-watch.ts';
import type { DataLimits } from './webrtc/data-guard.ts';

const DATA_LIMITS: DataLimits = { dataChannels: 16, dataBytes: 262_144, messagesPerSecond: 1000 };

export interface MediaServerOptions {
  /**
   * Addresses to offer to browsers beside those of the network interfaces.
   * @default the loopback address, for a browser on the same machine
   */
  readonly hostAddresses?: readonly string[];
  /** First and last UDP port to use; null: any. @default null */
  readonly portRange?: readonly [number, number] | null;
  /** What browsers' data channels may make the server hold. @default those of the configuration's schema */
  readonly dataLimits?: DataLimits;
  /** Told of failures inside the thread that it survives. @default nobody */
  readonly onFault?: (message: string) => void;
  /** Time of the watch over the thread. @default the system's */
  readonly clock?: Clock;
}

type Request = Extract<MediaCommand, { request: number }>;
type WithoutRequest<T> = T extends unknown ? Omit<T, 'request'> : never;

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** A promise and what settles it (Node 20 has no `Promise.withResolvers`). */
const deferred = <T>(): Deferred<T> => {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
};

/** One run of the thread. */
class MediaThread {
  isAlive = true;
  readonly #worker: Worker;
  readonly #poolCalls: Int32Array;
  readonly #clock: Clock;
  readonly #onFault: (message: string) => void;
  readonly #channels = new Map<number, (event: MediaEvent) => void>();
  readonly #requests = new Map<number, Deferred<Reply>>();
  readonly #started = deferred<void>();
  readonly #onState: (state: ThreadState) => void;
  #count = 0;
  #unwatch: Cancel = () => undefined;

  constructor(
    worker: Worker,
    poolCalls: SharedArrayBuffer,
    {
      clock,
      onFault,
      onState,
    }: Required<Pick<MediaServerOptions, 'clock' | 'onFault'>> & {
      readonly onState: (state: ThreadState) => void;
    },
  ) {
    this.#worker = worker;
    this.#poolCalls = new Int32Array(poolCalls);
    this.#clock = clock;
    this.#onFault = onFault;
    this.#onState = onState;
    this.#worker.on('message', (notice: MediaNotice) => this.#take(notice));
    this.#worker.on('error', (error) => this.#die(asVisavisError(error)));
    this.#worker.on('exit', () => this.#die(new VisavisError('internal', 'The media thread ended.')));
  }

  started(): Promise<void> {
    return this.#started.promise;
  }

  /** A new channel number, whose events go to `listener`. */
  add(listener: (event: MediaEvent) => void): number {
    this.#count += 1;
    this.#channels.set(this.#count, listener);
    return this.#count;
  }

  remove(channel: number): void {
    this.#channels.delete(channel);
  }

  send(command: Exclude<MediaCommand, Request>, transfer: ArrayBuffer[] = []): void {
    if (this.isAlive) this.#worker.postMessage(command, transfer);
  }

  ask(command: WithoutRequest<Request>): Promise<Reply> {
    if (!this.isAlive) return Promise.reject(new VisavisError('internal', 'The media thread ended.'));
    this.#count += 1;
    const request = this.#count;
    const answer = deferred<Reply>();
    this.#requests.set(request, answer);
    this.#worker.postMessage({ ...command, request });
    return answer.promise;
  }

  /** Closes every session, then the thread. */
  async end(): Promise<void> {
    this.#unwatch();
    // When the thread died meanwhile, there is nothing left to close.
    await this.ask({ type: 'stop', channel: 0 }).catch(() => undefined);
    this.#channels.clear();
    await this.#worker.terminate();
  }

  #take(notice: MediaNotice): void {
    switch (notice.type) {
      case 'started':
        this.#started.resolve();
        this.#unwatch = watchThread(
          this.#clock,
          () => this.ask({ type: 'ping', channel: 0 }),
          () => this.#giveUp(),
        );
        break;
      case 'fault':
        this.#onFault(notice.message);
        break;
      case 'thread':
        this.#onState(notice.state);
        break;
      case 'event':
        this.#channels.get(notice.channel)?.(notice.event);
        break;
      case 'reply':
        this.#requests.get(notice.request)?.resolve(notice.value);
        this.#requests.delete(notice.request);
        break;
      case 'refusal':
        this.#requests.get(notice.request)?.reject(new VisavisError(notice.code, notice.message));
        this.#requests.delete(notice.request);
        break;
    }
  }

  #giveUp(): void {
    this.#die(new VisavisError('internal', 'The media thread has not answered for 10 s and is given up.'));
    if (Atomics.load(this.#poolCalls, 0) === 0) {
      // Whether it can be ended depends on what it hangs in; nobody waits for that.
      this.#worker.terminate().catch(() => undefined);
      return;
    }
    // node-av would abort the process, as there is nobody left to be told that a frame has been encoded.
    this.#worker.unref();
    this.#onFault(
      'The media thread hangs while frames are being encoded. It cannot be ended; restart the server when nobody is here.',
    );
  }

  /** Tells everyone who waits or listens; the next `open` starts a new thread. */
  #die(reason: VisavisError): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#unwatch();
    this.#started.reject(reason);
    for (const { reject } of this.#requests.values()) reject(reason);
    this.#requests.clear();
    for (const listener of this.#channels.values()) {
      listener({ type: 'error', message: reason.message });
      listener({ type: 'state', state: 'closed' });
    }
    this.#channels.clear();
  }
}

/** A session's channel to one run of the thread. */
class ThreadChannel implements MediaChannel {
  readonly #thread: MediaThread;
  readonly #options: MediaOptions;
  readonly #channel: number;
  #listener: ((event: MediaEvent) => void) | null = null;
  /** Events before `listen`. */
  #early: MediaEvent[] = [];
  #cuts = 0;
  #closing: Promise<void> | null = null;

  constructor(thread: MediaThread, options: MediaOptions) {
    this.#thread = thread;
    this.#options = options;
    this.#channel = thread.add((event) => {
      if (this.#listener === null) this.#early.push(event);
      else this.#listener(event);
    });
  }

  async open(): Promise<void> {
    try {
      await this.#thread.ask({ type: 'open', channel: this.#channel, options: this.#options });
    } catch (error) {
      this.#thread.remove(this.#channel);
      throw error;
    }
  }

  listen(listener: (event: MediaEvent) => void): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const event of early) listener(event);
  }

  async offer(sdp: string): Promise<string> {
    return (await this.#thread.ask({ type: 'offer', channel: this.#channel, sdp })) as string;
  }

  candidate(candidate: Parameters<MediaChannel['candidate']>[0]): void {
    this.#thread.send({ type: 'candidate', channel: this.#channel, candidate });
  }

  sendText(text: string): void {
    this.#thread.send({ type: 'text', channel: this.#channel, text });
  }

  spare(thrift: Thrift): void {
    this.#thread.send({ type: 'thrift', channel: this.#channel, thrift });
  }

  pushAudio(slot: AudioSlot): void {
    const samples = (this.#options.sampleRateHz * SLOT_MS) / 1000;
    if (slot.pcm.length !== samples) throw new RangeError(`A slot takes ${samples} samples, not ${slot.pcm.length}.`);
    if (!this.#takesMedia()) return;
    const pcm = owned(slot.pcm);
    this.#thread.send({ type: 'audio', channel: this.#channel, slot: { ...slot, pcm } }, [pcm.buffer]);
  }

  pushVideo(frame: VideoFrame): void {
    const size = this.#options.video?.size;
    if (frame.size !== size || frame.i420.length !== (size * size * 3) / 2) {
      throw new RangeError(
        `A frame takes ${size ?? 0}² pixels of I420, not ${frame.size}² in ${frame.i420.length} bytes.`,
      );
    }
    if (!this.#takesMedia()) return;
    const i420 = owned(frame.i420);
    this.#thread.send({ type: 'video', channel: this.#channel, frame: { ...frame, i420 } }, [i420.buffer]);
  }

  async cut(from = 0): Promise<Cut> {
    this.#cuts += 1;
    try {
      return (await this.#thread.ask({ type: 'cut', channel: this.#channel, from })) as Cut;
    } finally {
      this.#cuts -= 1;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (!this.#thread.isAlive) return;
    // When the thread dies meanwhile, everything is freed too.
    await this.#thread.ask({ type: 'close', channel: this.#channel }).catch(() => undefined);
    this.#thread.remove(this.#channel);
  }

  /** While a cut is under way, slots still carry the old numbers and belong to what is being cut. */
  #takesMedia(): boolean {
    return this.#cuts === 0 && this.#closing === null;
  }
}

/** An array whose whole buffer is its own, fit to be transferred. */
const owned = <T extends Float32Array | Uint8Array>(array: T): T & { readonly buffer: ArrayBuffer } => {
  const isWhole = array.buffer instanceof ArrayBuffer && array.byteLength === array.buffer.byteLength;
  return (isWhole ? array : array.slice()) as T & { readonly buffer: ArrayBuffer };
};

/** Starts the thread itself. */
export const startMediaWorker = (options: MediaThreadOptions): Worker =>
  new Worker(workerEntry(import.meta.url, './media-thread.ts'), { workerData: options, name: 'media' });

/**
 * Starts the media thread. When it dies, or does not answer any more, its channels get `error` and `state: closed`, and the next `open` starts it again.
 * @throws {VisavisError} `internal` when it does not start.
 */
export const createMediaServer = async (
  options: MediaServerOptions = {},
  startWorker: typeof startMediaWorker = startMediaWorker,
): Promise<MediaServer> => {
  const threadOptions: Omit<MediaThreadOptions, 'poolCalls'> = {
    hostAddresses: options.hostAddresses ?? ['127.0.0.1'],
    portRange: options.portRange ?? null,
    dataLimits: options.dataLimits ?? DATA_LIMITS,
  };
  let onState: (state: ThreadState) => void = () => undefined;
  const watch = {
    clock: options.clock ?? systemClock,
    onFault: options.onFault ?? (() => undefined),
    onState: (state: ThreadState) => onState(state),
  };
  const startThread = () => {
    const poolCalls = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    return new MediaThread(startWorker({ ...threadOptions, poolCalls }), poolCalls, watch);
  };
  let thread = startThread();
  let isClosed = false;
  await thread.started();
  return {
    async open(mediaOptions) {
      if (isClosed) throw new VisavisError('shutting_down', 'The media server is closed.');
      if (!thread.isAlive) thread = startThread();
      const current = thread;
      await current.started();
      const channel = new ThreadChannel(current, mediaOptions);
      await channel.open();
      return channel;
    },
    watch(listener) {
      onState = listener;
    },
    async close() {
      isClosed = true;
      await thread.end();
    },
  };
};
