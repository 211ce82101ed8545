import type { Clock } from '../src/clock.ts';
import type { Figure } from './figures.ts';
import type { Progress } from './progress.ts';

/** What a part of the benchmark is given. */
export interface BenchContext {
  readonly clock: Clock;
  /** Folder of the models that are measured. */
  readonly modelsDir: string;
  /** Whether that folder was named by the caller, so that a server has to be told. */
  readonly modelsGiven: boolean;
  readonly seed: number;
  /** Length of the sustained speech. */
  readonly seconds: number;
  /** How often what is short is measured. */
  readonly repeats: number;
  /** A voice in Piper's format with a lexicon beside it, as `training/voice/piper.py` writes it. */
  readonly piperVoice: string | undefined;
  /** Whether another program takes the server's cores meanwhile; concerns `sync`. */
  readonly busy: boolean;
  readonly progress: Progress;
  /** Takes a measured value for the plot over time, when it was measured (`Clock.nowMs`). */
  readonly trace: (what: string, atMs: number, valueMs: number) => void;
  /** Takes a sentence about how this was measured, for the report. */
  readonly note: (sentence: string) => void;
  /** Aborted by Ctrl-C; a part then closes what it opened and rejects. */
  readonly signal: AbortSignal;
}

/** One part of the benchmark, runnable alone. */
export interface BenchPart {
  readonly name: string;
  measure(context: BenchContext): Promise<Figure[]>;
}
