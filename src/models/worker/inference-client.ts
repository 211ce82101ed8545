/** The main thread's side of inference workers: calls, answers, and what happens when a worker dies. */
import { Worker } from 'node:worker_threads';
import { VisavisError } from '../../errors.ts';
import { workerEntry } from '../../worker-entry.ts';
import type { FromWorker, Operation, ReplyOf, RequestOf, WorkerSettings } from './protocol.ts';

const ENTRY = workerEntry(import.meta.url, './inference-worker.ts');

interface Pending {
  resolve(value: ReplyOf<Operation>): void;
  reject(error: unknown): void;
}

/**
 * One worker thread. When it dies, the calls that it holds reject with `inference_failed`, and the next call starts it again.
 */
export class InferenceThread {
  readonly #name: string;
  readonly #settings: WorkerSettings;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #nextId = 0;
  #closed = false;

  constructor(name: string, settings: WorkerSettings) {
    this.#name = name;
    this.#settings = settings;
  }

  /** Calls that wait for their answer. */
  get load(): number {
    return this.#pending.size;
  }

  /**
   * Asks the worker. Typed arrays of the request are copied; those of the answer are the caller's own.
   * @throws {VisavisError} what the worker threw; `inference_failed` when it died; `shutting_down` after `close`;
   *   the signal's reason when that aborts first
   */
  async call<O extends Operation>(operation: O, request: RequestOf<O>, signal?: AbortSignal): Promise<ReplyOf<O>> {
    signal?.throwIfAborted();
    if (this.#closed) throw new VisavisError('shutting_down', 'The server is shutting down.');
    const worker = (this.#worker ??= this.#start());
    const id = this.#nextId++;
    const reply = new Promise<ReplyOf<O>>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    const abort = () => {
      // The answer still counts towards `load`, as the worker may be busy with it.
      this.#pending.get(id)?.reject(signal?.reason);
      worker.postMessage({ cancel: id });
    };
    signal?.addEventListener('abort', abort, { once: true });
    worker.postMessage({ id, operation, request });
    try {
      return await reply;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #start(): Worker {
    const worker = new Worker(ENTRY, { name: this.#name, workerData: this.#settings });
    worker.on('message', (message: FromWorker) => {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if ('error' in message) pending?.reject(new VisavisError(message.error.code, message.error.message));
      else pending?.resolve(message.value);
    });
    worker.on('error', (cause) => this.#fail(worker, cause));
    worker.on('exit', () => this.#fail(worker));
    return worker;
  }

  #fail(worker: Worker, cause?: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    const why = cause ? `: ${cause.message}` : '';
    const error = this.#closed
      ? new VisavisError('shutting_down', 'The server is shutting down.')
      : new VisavisError('inference_failed', `The worker ${this.#name} ended${why}. The next call starts it again.`, {
          cause,
        });
    for (const pending of lost) pending.reject(error);
  }

  /** Ends the worker after the run that it is in, as a crash would; it starts again with the next call. */
  async kill(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    // `terminate` in the middle of a run would make onnxruntime abort the whole process.
    worker.postMessage({ exit: true });
    await ended;
  }

  /** Ends the worker for good; calls in flight reject with `shutting_down`. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.kill();
  }
}

/** Threads that do the same work; a call goes to the one with the fewest calls waiting. */
export class InferencePool {
  readonly threads: readonly InferenceThread[];

  constructor(name: string, count: number, settings: WorkerSettings) {
    this.threads = Array.from({ length: count }, (_, i) => new InferenceThread(`${name}-${i + 1}`, settings));
  }

  /** The thread with the fewest calls waiting. */
  get idlest(): InferenceThread {
    return this.threads.reduce((best, thread) => (thread.load < best.load ? thread : best));
  }

  /** Asks the idlest thread; see `InferenceThread.call`. */
  call<O extends Operation>(operation: O, request: RequestOf<O>): Promise<ReplyOf<O>> {
    return this.idlest.call(operation, request);
  }

  /** Asks every thread. */
  async callAll<O extends Operation>(operation: O, request: RequestOf<O>): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.call(operation, request)));
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}
