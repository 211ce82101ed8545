import { EMPTY, type ObservableInput, type OperatorFunction, concatMap, from, map } from 'rxjs';
import { SLOT_MS, type VideoFrame } from '../../media.ts';
import type { DrawingTime } from '../drawing-time.ts';
import type { MotionTrack } from '../motion-track.ts';
import type { MovedSlot } from './predict-motion.ts';

/** The part of a face that the stage needs. */
export interface FaceSource {
  readonly size: number;
  readonly motionFrames: number;
  readonly motionCentre: number;
  render(motion: Float32Array): ObservableInput<Uint8Array<ArrayBuffer>>;
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
  readonly skipped: (sequence: number) => void;
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
  }: RenderFaceDeps): OperatorFunction<MovedSlot, VideoFrame> =>
  (moved$) =>
    moved$.pipe(
      concatMap(({ sequence, opens, descriptor }) => {
        shown.set(sequence, descriptor);
        // A frame may leave until its slot ends; while it is drawn, this many further slots are played.
        const passing = opens ? 0 : Math.floor(drawingTime.expectedMs / SLOT_MS);
        if (nowMs && sequence <= playedSequence() + passing) {
          drawingTime.relax();
          skipped(sequence);
          return EMPTY;
        }
        const drawn = face();
        // Descriptors after this slot are not known yet: the later part of the window repeats the newest.
        const window = shown.window(sequence + drawn.motionFrames - 1 - drawn.motionCentre, drawn.motionFrames);
        const startMs = nowMs?.() ?? 0;
        return from(drawn.render(window)).pipe(
          map((i420) => {
            if (nowMs) drawingTime.observe(nowMs() - startMs);
            return { sequence, size: drawn.size, i420 };
          }),
        );
      }),
    );
