/**
 * What the pipeline asks of the models. The calls run in worker threads (onnxruntime blocks the thread that calls it);
 * everything here is asynchronous and every state is the caller's, so that a stream can be rewound by asking again.
 */
import type { WordTiming } from '../media.ts';

/** How a text chunk is to be spoken. */
export interface SpeechOptions {
  /** Rate of speech, 0.25…4; 1 is the voice's own, and beyond 0.5…2 it loses clarity. */
  readonly speed: number;
  /** Non-negative integer. The same text, options and seed give the same samples. */
  readonly seed: number;
}

/** Where the time of one call went. */
export interface CallTiming {
  /** From the call until a worker began with it. */
  readonly waitedMs: number;
  /** From then until it was done. */
  readonly runMs: number;
  /** Of that, time in which the worker could have run and no processor was free; null where the system does not tell. */
  readonly starvedMs: number | null;
}

/** How urgent a call is, and who wants to know how it went. */
export interface CallOptions {
  /**
   * `Clock.nowMs` time at which the result is needed; workers take the most urgent call first.
   * @default half a second from now
   */
  readonly dueMs?: number;
  /** Whether the call is worth nothing after `dueMs`: it then rejects with `OverdueError` instead of being begun. @default false */
  readonly orNever?: boolean;
  /** Told when the call is done. */
  readonly onTimed?: (timing: CallTiming) => void;
}

/** A call was not begun, because its time was over. */
export class OverdueError extends Error {
  override readonly name = 'OverdueError';
}

/** A call that a worker has finished, for whoever measures what models cost. */
export interface CallReport extends CallTiming {
  readonly operation: 'encode' | 'decode' | 'move' | 'render' | 'read';
  /** Of the worker: `speech-1`, `face-2`. */
  readonly thread: string;
  /** Processor time; null where the system does not tell. */
  readonly cpuMs: number | null;
  /** Frames that were drawn in the same run; their time is shared among them, the rest counts as waiting. @default 1 */
  readonly together?: number;
  /** Length of the speech that was decoded; 0 for other operations. */
  readonly mediaMs: number;
}

/** A worker thread now. */
export interface WorkerState {
  readonly name: string;
  /** Calls that it has not answered. */
  readonly waiting: number;
}

/** Something in a text that cannot be spoken; everything else is. */
export interface TextProblem {
  /** Phonemes in `[[…]]` that do not exist, a text without one word that the voice can read, or symbols that it lacks. */
  readonly kind: 'bad-phonemes' | 'unreadable' | 'unknown-symbols';
  /** What was expected, what came, the way out. */
  readonly message: string;
}

/** A text chunk that has been encoded: its length and word times are known, its sound is not made yet. */
export interface SpeechPlan {
  readonly durationSamples: number;
  /** Words in order; times in ms from the chunk's first sample, characters from the chunk's first. */
  readonly words: readonly WordTiming[];
  /** What of the text is not spoken, and why; missing when all of it is. */
  readonly problems?: readonly TextProblem[];
  /**
   * The sound, window by window, float32 in -1…1; the lengths add up to `durationSamples`. Each step decodes one window
   * when it is asked for; leaving the loop early frees what the worker holds.
   * @param call - Asked before each window how urgent it is.
   */
  windows(call?: () => CallOptions): AsyncIterableIterator<Float32Array>;
}

/** A voice: VITS cut into encoder, flow and decoder. */
export interface Voice {
  readonly name: string;
  readonly language: string;
  readonly sampleRateHz: number;
  /**
   * Reads the text and encodes it. Text without anything to say gives a plan of 0 samples.
   * @throws {VisavisError} `bad_text` when the voice cannot speak it; `inference_failed` when the worker died.
   */
  plan(text: string, options: SpeechOptions, signal?: AbortSignal, call?: CallOptions): Promise<SpeechPlan>;
}

/** The flow from audio to the next motion descriptor (PIRenderer §3.4), one step of 25 Hz a call. */
export interface MotionModel {
  readonly sampleRateHz: number;
  /** Samples of the window that `next` takes. */
  readonly windowSamples: number;
  /** How many of them lie after the end of the frame's own 40 ms. */
  readonly lookaheadSamples: number;
  /** Descriptors before the frame that it takes. */
  readonly historyFrames: number;
  readonly temperature: number;
  /**
   * @param pcm float32[windowSamples], -1…1
   * @param history float32[historyFrames × 59], oldest first
   * @param noise float32[59], standard normal × temperature
   * @returns float32[59], the next descriptor
   */
  next(pcm: Float32Array, history: Float32Array, noise: Float32Array, call?: CallOptions): Promise<Float32Array>;
}

/** A portrait with the renderer that moves it; the portrait's features are cached where it is rendered. */
export interface Face {
  readonly name: string;
  /** Width and height in pixels. */
  readonly size: number;
  /** Length of the window of descriptors that one frame takes. */
  readonly motionFrames: number;
  /** Which of them is the frame's own. */
  readonly motionCentre: number;
  /** The voice that fits it. */
  readonly voice: string;
  /**
   * @param motion float32[motionFrames × 59]
   * @returns I420, BT.601 limited range, size² × 1.5 bytes; the caller owns it
   * @throws {OverdueError} see `CallOptions.orNever`
   */
  render(motion: Float32Array, call?: CallOptions): Promise<Uint8Array<ArrayBuffer>>;
}

/** The network that tells a face's descriptor from its picture, for imitation. */
export interface FaceReader {
  /** Pixels a side of the pictures that it takes. */
  readonly size: number;
  /** The avatars whose faces it has learnt; of others it reads nothing that can be trusted. */
  readonly avatars: readonly string[];
  /**
   * @param jpeg baseline JPEG of `size`² pixels; it is the caller's own
   * @returns float32[59] of the layout `visavis-59`, expression weights within 0…1
   * @throws {VisavisError} `bad_message` when it is no such picture
   * @throws {OverdueError} see `CallOptions.orNever`
   */
  read(jpeg: Uint8Array, call?: CallOptions): Promise<Float32Array>;
}

/** What is installed, without loading it. */
export interface VoiceInfo {
  readonly name: string;
  readonly language: string;
  readonly gender: string;
  readonly sampleRateHz: number;
  readonly description: string;
  readonly licence: string;
}
export interface AvatarInfo {
  readonly name: string;
  readonly description: string;
  readonly size: number;
  readonly voice: string;
  readonly licence: string;
}

/** All models of a server and the worker threads that run them. */
export interface Inference {
  readonly voices: readonly VoiceInfo[];
  readonly avatars: readonly AvatarInfo[];
  /** @throws {VisavisError} `unknown_voice`, naming those there are. */
  voice(name: string): Promise<Voice>;
  /** @throws {VisavisError} `unknown_avatar`, naming those there are. */
  face(name: string): Promise<Face>;
  motion(): Promise<MotionModel>;
  /** Missing where none is installed. */
  readonly reader?: FaceReader;
  /** Its worker threads, and who is told of every call that they finish; one listener. Missing where nothing is measured. */
  readonly workers?: {
    states(): readonly WorkerState[];
    listen(listener: (report: CallReport) => void): void;
  };
  /** Ends the workers; calls in flight reject with `shutting_down`. */
  close(): Promise<void>;
}
