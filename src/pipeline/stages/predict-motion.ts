import { type ObservableInput, type OperatorFunction, concatMap, from, map, of } from 'rxjs';
import { MOTION_SIZE } from '../../media.ts';
import type { CallOptions, CallTiming } from '../../models/inference.ts';
import type { MotionTrack } from '../motion-track.ts';
import type { ComposedSlot } from '../slot-composer.ts';

/** The part of the motion flow that the stage needs. */
export interface MotionSource {
  readonly historyFrames: number;
  next(
    pcm: Float32Array,
    history: Float32Array,
    noise: Float32Array,
    call?: CallOptions,
  ): ObservableInput<Float32Array>;
}

/** Makes what is shown of what the flow gives; called once for every slot that is made. */
export interface MotionShaper {
  /** @param speaking - whether an utterance sounds in the slot */
  apply(sequence: number, descriptor: Float32Array, speaking: boolean): Float32Array;
}

/** A slot's descriptor: float32[59], as it is shown, with what a client set by hand, or lets imitate, blended over it. */
export interface MovedSlot {
  readonly sequence: number;
  /** An utterance begins in it: playing waits for its frame. */
  readonly opens: boolean;
  readonly descriptor: Float32Array;
  /** When it was made and where the time until now went; missing where time is not measured. */
  readonly made?: { readonly atMs: number; readonly motion: CallTiming | null };
}

export interface PredictMotionDeps {
  readonly model: MotionSource;
  /** The flow's own descriptors; history is read from it and results go into it. */
  readonly track: MotionTrack;
  readonly control: MotionShaper;
  /** The slot's draw from the flow's prior: float32[59], standard normal × temperature. */
  readonly noise: (sequence: number) => Float32Array;
  /** A slot's window at the rate that the model takes. */
  readonly atModelRate: (window: Float32Array) => Float32Array;
  /** Whether the flow runs; while it does not, the descriptor before stays. Default: it does. */
  readonly runs?: () => boolean;
  /** Time, and when a slot's descriptor is needed; null: whenever it comes. */
  readonly timing?: { nowMs(): number; dueMs(sequence: number): number } | null;
}

/**
 * Gives every slot its motion descriptor, p_i = f_θ(n_i; p_{i-k..i-1}, a_{i-τ..i+τ}) (PIRenderer §3.4). `concatMap`, because
 * each step needs the one before it.
 */
export const predictMotion =
  ({
    model,
    track,
    control,
    noise,
    atModelRate,
    runs = () => true,
    timing = null,
  }: PredictMotionDeps): OperatorFunction<ComposedSlot, MovedSlot> =>
  (slot$) =>
    slot$.pipe(
      map((slot) => ({ ...slot, atMs: timing?.nowMs() ?? 0 })),
      concatMap(({ sequence, window, marks, speaking, atMs }) => {
        let motion: CallTiming | null = null;
        const call = timing && {
          dueMs: timing.dueMs(sequence),
          onTimed: (timed: CallTiming) => {
            motion = timed;
          },
        };
        const predict = () =>
          model.next(
            atModelRate(window),
            track.window(sequence - 1, model.historyFrames),
            noise(sequence),
            ...(call ? [call] : []),
          );
        return (runs() ? from(predict()) : of(track.window(sequence - 1, 1))).pipe(
          map((descriptor) => {
            if (descriptor.length !== MOTION_SIZE)
              throw new RangeError(`expected 59 numbers, got ${descriptor.length}`);
            track.set(sequence, descriptor);
            return {
              sequence,
              descriptor: control.apply(sequence, descriptor, speaking),
              opens: marks.some(({ mark }) => mark.kind === 'start'),
              ...(timing ? { made: { atMs, motion } } : {}),
            };
          }),
        );
      }),
    );
