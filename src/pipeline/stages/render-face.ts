import { EMPTY, type ObservableInput, type OperatorFunction, catchError, concatMap, from, map, throwError } from 'rxjs';
import { SLOT_MS, type VideoFrame } from '../../media.ts';
import { type CallOptions, type CallTiming, OverdueError } from '../../models/inference.ts';
import type { DrawPlan } from '../draw-plan.ts';
import type { DrawingTime } from '../drawing-time.ts';
import type { MotionTrack } from '../motion-track.ts';
import { RUNGS, type Rung } from '../rungs.ts';
import type { MovedSlot } from './predict-motion.ts';

/** The part of a face that the stage needs. */
export interface FaceSource {
  readonly size: number;
  readonly motionFrames: number;
  readonly motionCentre: number;
  render(motion: Float32Array, call?: CallOptions): ObservableInput<Uint8Array<ArrayBuffer>>;
}

/** Where the time of a frame went, from the moment when its slot was made. */
export interface FrameTimes {
  readonly madeMs: number;
  /** null: the motion model did not run for it. */
  readonly motion: CallTiming | null;
  /** null: it was not drawn. */
  readonly render: CallTiming | null;
  /** When it was drawn, or given up. */
  readonly doneMs: number;
}

/** A frame, and where its time went; missing where time is not measured. */
export interface DrawnFrame {
  readonly frame: VideoFrame;
  readonly times?: FrameTimes;
}

export interface RenderFaceDeps {
  /** The descriptors as they are shown; the renderer's window is read from it. */
  readonly shown: MotionTrack;
  /** The face to draw now; may change between frames. */
  readonly face: () => FaceSource;
  /** Newest slot that has been played. */
  readonly playedSequence: () => number;
  /** How long drawing takes; is read and kept up to date. */
  readonly drawingTime: DrawingTime;
  /** Time, to know how long drawing takes; null: playing waits for every frame, so none is skipped. */
  readonly nowMs: (() => number) | null;
  /** Told of every frame that was not drawn because it would have come too late. */
  readonly skipped: (sequence: number, times?: FrameTimes) => void;
  /** Which slots have a frame, and how much of the face moves. Default: all of them, all of it. */
  readonly plan?: DrawPlan;
  /** The rung of the ladder. Default: the uppermost. */
  readonly rung?: () => Rung;
  /** When the frame of a slot is needed. Default: whenever it comes. */
  readonly dueMs?: ((sequence: number) => number) | null;
}

/**
 * Draws every slot's frame with PIRenderer, one after the other. When drawing is slower than playing, frames that would be
 * ready only after their slot has been played are skipped, so that the picture keeps up with the sound and no queue grows.
 */
export const renderFace =
  ({
    shown,
    face,
    playedSequence,
    drawingTime,
    nowMs,
    skipped,
    plan,
    rung = () => RUNGS[0],
    dueMs = null,
  }: RenderFaceDeps): OperatorFunction<MovedSlot, DrawnFrame> =>
  (moved$) =>
    moved$.pipe(
      concatMap(({ sequence, opens, descriptor: moved, made }) => {
        const { descriptor, isDrawn } = plan?.next({ sequence, descriptor: moved, opens }, rung()) ?? {
          descriptor: moved,
          isDrawn: true,
        };
        shown.set(sequence, descriptor);
        if (!isDrawn) return EMPTY;
        let render: CallTiming | null = null;
        const times = () => made && nowMs && { madeMs: made.atMs, motion: made.motion, render, doneMs: nowMs() };
        const giveUp = () => {
          drawingTime.relax();
          skipped(sequence, ...[times()].filter((known) => known !== null && known !== undefined));
          return EMPTY;
        };
        // A frame may leave until its slot ends; while it is drawn, this many further slots are played.
        const passing = opens ? 0 : Math.floor(drawingTime.expectedMs / SLOT_MS);
        if (nowMs && sequence <= playedSequence() + passing) return giveUp();
        const drawn = face();
        // Descriptors after this slot are not known yet: the later part of the window repeats the newest.
        const window = shown.window(sequence + drawn.motionFrames - 1 - drawn.motionCentre, drawn.motionFrames);
        const startMs = nowMs?.() ?? 0;
        const call: CallOptions[] = dueMs
          ? [
              {
                dueMs: dueMs(sequence),
                // Playing waits for the frame of a slot that opens an utterance.
                orNever: !opens,
                onTimed: (timed) => {
                  render = timed;
                },
              },
            ]
          : [];
        return from(drawn.render(window, ...call)).pipe(
          map((i420) => {
            if (nowMs) drawingTime.observe(nowMs() - startMs);
            const known = times();
            const frame = { sequence, size: drawn.size, i420 };
            return known ? { frame, times: known } : { frame };
          }),
          catchError((error: unknown) => (error instanceof OverdueError ? giveUp() : throwError(() => error))),
        );
      }),
    );
