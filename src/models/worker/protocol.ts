/** Messages between the main thread and an inference worker. Models are named; the worker loads them at their first use. */
import type { ErrorCode } from '../../errors.ts';
import type { PronunciationTable } from '../english/index.ts';
import type { CallReport } from '../inference.ts';
import type { EncodedChunk } from '../voice-model.ts';
import type { BatchOptions } from './batch-gatherer.ts';
import type { ChunkKey } from './chunk-cache.ts';

/** What a worker starts with. */
export interface WorkerSettings {
  readonly modelsDir: string;
  /** Paths by name of voices that are elsewhere. */
  readonly voices?: Readonly<Record<string, string>>;
  /** Execution provider of onnxruntime. */
  readonly provider: string;
  /** The user's own pronunciations, by language. */
  readonly pronunciations?: PronunciationTable;
  /** Whether the thread gives way to others of the process when processors are short: pictures do, for sound. */
  readonly yields?: boolean;
  /** Whether frames of one face are drawn together, where its renderer can. Default: each by itself. */
  readonly batch?: BatchOptions;
}

/** What a worker can be asked, and what it answers. Between calls it keeps loaded models and the chunks used last; both it can make again. */
interface Operations {
  /** Loads a voice and speaks a word, so that the next call is as fast as any. */
  warmVoice: { request: { voice: string }; reply: null };
  warmFace: { request: { avatar: string }; reply: null };
  warmMotion: { request: { motion: string }; reply: null };
  /** Loads the reader of faces. */
  warmReader: { request: Readonly<Record<string, never>>; reply: null };
  encode: {
    request: ChunkKey;
    reply: Omit<EncodedChunk, 'speech'> & { hopSamples: number; windowFrames: readonly number[] };
  };
  /** One window of a chunk; soonest on the thread that has encoded it. */
  decode: { request: ChunkKey & { first: number; end: number }; reply: Float32Array };
  move: {
    request: { motion: string; pcm: Float32Array; history: Float32Array; noise: Float32Array };
    reply: Float32Array;
  };
  render: { request: { avatar: string; motion: Float32Array }; reply: Uint8Array<ArrayBuffer> };
  /** Reads the descriptor of a face in a JPEG. */
  read: { request: { jpeg: Uint8Array }; reply: Float32Array };
}

export type Operation = keyof Operations;
export type RequestOf<O extends Operation> = Operations[O]['request'];
export type ReplyOf<O extends Operation> = Operations[O]['reply'];

/** One call; `id` counts the calls of a thread. */
export type Call = {
  [O in Operation]: {
    readonly id: number;
    readonly operation: O;
    readonly request: RequestOf<O>;
    /** `Clock.nowMs` when it was made, and when its result is needed. */
    readonly madeMs: number;
    readonly dueMs: number;
    /** Not begun after `dueMs`. */
    readonly orNever: boolean;
  };
}[Operation];

/** Where the time of a call went; see `CallReport`. */
export type Spent = Pick<CallReport, 'waitedMs' | 'runMs' | 'starvedMs' | 'cpuMs' | 'together'>;

/** To the worker: a call, the wish that a call that has not begun is skipped, or that the thread ends before its next call. */
export type ToWorker = Call | { readonly cancel: number } | { readonly exit: true };

/** From the worker: every call is answered once, skipped ones too. */
export type FromWorker =
  | { readonly id: number; readonly value: ReplyOf<Operation>; readonly spent: Spent }
  | { readonly id: number; readonly overdueMs: number }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly message: string } };
