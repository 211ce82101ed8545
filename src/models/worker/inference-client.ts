/** The main thread's side of inference workers: calls, answers, and what happens when a worker dies. */
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';
import { workerEntry } from '../../worker-entry.ts';
import { type CallOptions, OverdueError, type WorkerState } from '../inference.ts';
import type { FromWorker, Operation, ReplyOf, RequestOf, Spent, WorkerSettings } from './protocol.ts';

const ENTRY = workerEntry(import.meta.url, './inference-worker.ts');

/** When the result of a call is needed that does not say so: later than what plays now, and never last for ever. */
const PATIENCE_MS = 500;
/** Weight of the newest run in the mean of an operation's. */
const NEWEST = 0.2;

/** Who is told of every finished call. */
export type OnCall = (call: DoneCall) => void;

/** A finished call. */
export interface DoneCall {
  readonly operation: Operation;
  readonly request: RequestOf<Operation>;
  readonly value: ReplyOf<Operation>;
  readonly thread: string;
  readonly spent: Spent;
}

interface Pending {
  readonly operation: Operation;
  readonly request: RequestOf<Operation>;
  readonly onTimed: CallOptions['onTimed'];
  resolve(value: ReplyOf<Operation>): void;
  reject(error: unknown): void;
}

/**
 * One worker thread. When it dies, the calls that it holds reject with `inference_failed`, and the next call starts it again.
 */
export class InferenceThread {
  readonly name: string;
  readonly #settings: WorkerSettings;
  readonly #onCall: OnCall;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #nextId = 0;
  #closed = false;

  constructor(name: string, settings: WorkerSettings, onCall: OnCall = () => undefined) {
    this.name = name;
    this.#settings = settings;
    this.#onCall = onCall;
  }

  /** Operations that wait for their answer. */
  get pending(): readonly Operation[] {
    return [...this.#pending.values()].map(({ operation }) => operation);
  }

  /**
   * Asks the worker. Typed arrays of the request are copied; those of the answer are the caller's own.
   * @throws {VisavisError} what the worker threw; `inference_failed` when it died; `shutting_down` after `close`;
   *   the signal's reason when that aborts first; `OverdueError`
   */
  async call<O extends Operation>(
    operation: O,
    request: RequestOf<O>,
    signal?: AbortSignal,
    { dueMs, orNever = false, onTimed }: CallOptions = {},
  ): Promise<ReplyOf<O>> {
    signal?.throwIfAborted();
    if (this.#closed) throw new VisavisError('shutting_down', 'The server is shutting down.');
    const worker = (this.#worker ??= this.#start());
    const id = this.#nextId++;
    const reply = new Promise<ReplyOf<O>>((resolve, reject) =>
      this.#pending.set(id, { operation, request, onTimed, resolve, reject }),
    );
    const abort = () => {
      // The answer still counts as pending, as the worker may be busy with it.
      this.#pending.get(id)?.reject(signal?.reason);
      worker.postMessage({ cancel: id });
    };
    signal?.addEventListener('abort', abort, { once: true });
    const madeMs = systemClock.nowMs();
    worker.postMessage({ id, operation, request, madeMs, dueMs: dueMs ?? madeMs + PATIENCE_MS, orNever });
    try {
      return await reply;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #start(): Worker {
    const worker = new Worker(ENTRY, { name: this.name, workerData: this.#settings });
    worker.on('message', (message: FromWorker) => {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if ('error' in message) pending?.reject(new VisavisError(message.error.code, message.error.message));
      else if ('overdueMs' in message) pending?.reject(new OverdueError(`needed ${message.overdueMs} ms ago`));
      else if (pending) {
        const { operation, request } = pending;
        this.#onCall({ operation, request, value: message.value, thread: this.name, spent: message.spent });
        pending.onTimed?.(message.spent);
        pending.resolve(message.value);
      }
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
      : new VisavisError('inference_failed', `The worker ${this.name} ended${why}. The next call starts it again.`, {
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

/** Threads that do the same work; a call goes to the one that will be free first. */
export class InferencePool {
  readonly threads: readonly InferenceThread[];
  /** Mean time of a run, ms. */
  readonly #runMs = new Map<Operation, number>();

  constructor(name: string, count: number, settings: WorkerSettings, onCall: OnCall = () => undefined) {
    const learn: OnCall = (call) => {
      const { operation, spent } = call;
      const mean = this.#runMs.get(operation) ?? spent.runMs;
      this.#runMs.set(operation, mean + NEWEST * (spent.runMs - mean));
      onCall(call);
    };
    this.threads = Array.from({ length: count }, (_, i) => new InferenceThread(`${name}-${i + 1}`, settings, learn));
  }

  get states(): readonly WorkerState[] {
    return this.threads.map(({ name, pending }) => ({ name, waiting: pending.length }));
  }

  /** The thread that will be free first. */
  get idlest(): InferenceThread {
    const [first, ...others] = this.threads.map((thread) => ({ thread, workMs: this.#workMs(thread) }));
    return others.reduce((best, other) => (other.workMs < best.workMs ? other : best), first!).thread;
  }

  /** Asks the thread that will be free first; see `InferenceThread.call`. */
  call<O extends Operation>(operation: O, request: RequestOf<O>, options?: CallOptions): Promise<ReplyOf<O>> {
    return this.idlest.call(operation, request, undefined, options);
  }

  /** Asks every thread. */
  async callAll<O extends Operation>(operation: O, request: RequestOf<O>): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.call(operation, request)));
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }

  /** What a thread still has to do. */
  #workMs({ pending }: InferenceThread): number {
    return pending.reduce((sum, operation) => sum + (this.#runMs.get(operation) ?? 1), 0);
  }
}
