/** What became of the frames of one session: on time, or late, and which stage took the time. Pure; times are `Clock.nowMs`. */
import { SLOT_MS } from '../../media.ts';
import type { CallTiming } from '../../models/inference.ts';
import type { FrameTimes } from '../../pipeline/stages/render-face.ts';

/** Where the time of a frame can go. `pipeline`: the main thread, and the order in which frames are made. */
export type Stage = 'motion-queue' | 'motion' | 'render-queue' | 'render' | 'pipeline' | 'encoder';
export const STAGES: readonly Stage[] = ['motion-queue', 'motion', 'render-queue', 'render', 'pipeline', 'encoder'];

/** ms in each stage; what a frame did not come to is 0. */
export type Spans = Readonly<Record<Stage, number>>;

export interface FrameOutcome {
  readonly isLate: boolean;
  readonly spans: Spans;
  /** ms in which a worker could have run for it and had no processor. */
  readonly starvedMs: number;
}

/** A frame that was drawn may leave this many slots after its own was played before it counts as lost: it is being encoded. */
const ENCODING_SLOTS = 2;

export class FrameAccount {
  /** Frames that have not left, by slot. */
  readonly #drawn = new Map<number, FrameTimes>();
  /** Times of the last frame that was drawn: why further ones are not begun. */
  #last: FrameTimes | null = null;

  /** A frame was handed to the encoder. */
  drawn(sequence: number, times: FrameTimes): void {
    this.#drawn.set(sequence, times);
    this.#last = times;
  }

  /** A frame was given up, before or while it waited to be drawn. */
  skipped(times: FrameTimes): FrameOutcome {
    const render = times.render ?? this.#last?.render ?? null;
    return outcome({ ...times, render }, 0, true);
  }

  /** A frame left, `encodeMs` after its turn came. null: not one that is known. */
  shown(sequence: number, encodeMs: number): FrameOutcome | null {
    const times = this.#drawn.get(sequence);
    this.#drawn.delete(sequence);
    return times ? outcome(times, encodeMs, false) : null;
  }

  /** A frame was left out on purpose. */
  spared(sequence: number): void {
    this.#drawn.delete(sequence);
  }

  /** A slot was played. Gives the frames that came too late for theirs. */
  played(sequence: number, atMs: number): readonly FrameOutcome[] {
    const lost: FrameOutcome[] = [];
    for (const [slot, times] of this.#drawn) {
      if (slot >= sequence - ENCODING_SLOTS) continue;
      this.#drawn.delete(slot);
      // Drawn before its slot was over: it was the encoder that did not get through with it.
      const overMs = atMs - (sequence - slot - 1) * SLOT_MS;
      lost.push(outcome(times, times.doneMs < overMs ? atMs - overMs : 0, true));
    }
    return lost;
  }

  /** Slots from `sequence` on were taken back. */
  restart(sequence: number): void {
    for (const slot of this.#drawn.keys()) if (slot >= sequence) this.#drawn.delete(slot);
  }
}

/** The stage that took the most time. */
export const slowestStage = (spans: Spans): Stage =>
  STAGES.reduce((slowest, stage) => (spans[stage] > spans[slowest] ? stage : slowest));

const outcome = ({ madeMs, motion, render, doneMs }: FrameTimes, encodeMs: number, isLate: boolean): FrameOutcome => {
  const known = sumOf(motion) + sumOf(render);
  return {
    isLate,
    spans: {
      'motion-queue': motion?.waitedMs ?? 0,
      motion: motion?.runMs ?? 0,
      'render-queue': render?.waitedMs ?? 0,
      render: render?.runMs ?? 0,
      pipeline: Math.max(0, doneMs - madeMs - known),
      encoder: encodeMs,
    },
    starvedMs: (motion?.starvedMs ?? 0) + (render?.starvedMs ?? 0),
  };
};

const sumOf = (timing: CallTiming | null): number => (timing ? timing.waitedMs + timing.runMs : 0);
