import { EMPTY, type ObservableInput, type OperatorFunction, concatMap, defer, from, map } from 'rxjs';
import { SLOT_MS, type VideoFrame } from '../../media.ts';
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
  /** Time, to know how long drawing takes. */
  readonly nowMs: () => number;
  /** Told of every frame that was not drawn because it would have come too late. */
  readonly skipped: (sequence: number) => void;
}

/** Weight of the newest drawing time in the running mean. */
const NEWEST = 0.2;

/**
 * Draws every slot's frame with PIRenderer, one after the other. When drawing is slower than playing, frames that would be
 * ready only after their slot has been played are skipped, so that the picture keeps up with the sound and no queue grows.
 */
export const renderFace =
  ({ shown, face, playedSequence, nowMs, skipped }: RenderFaceDeps): OperatorFunction<MovedSlot, VideoFrame> =>
  (moved$) =>
    defer(() => {
      let drawingMs = 0;
      return moved$.pipe(
        concatMap(({ sequence, descriptor }) => {
          shown.set(sequence, descriptor);
          // While a frame is drawn, `drawingMs / SLOT_MS` further slots are played.
          if (sequence <= playedSequence() + Math.floor(drawingMs / SLOT_MS)) {
            drawingMs *= 1 - NEWEST;
            skipped(sequence);
            return EMPTY;
          }
          const drawn = face();
          // Descriptors after this slot are not known yet: the later part of the window repeats the newest.
          const window = shown.window(sequence + drawn.motionFrames - 1 - drawn.motionCentre, drawn.motionFrames);
          const startMs = nowMs();
          return from(drawn.render(window)).pipe(
            map((i420) => {
              drawingMs += NEWEST * (nowMs() - startMs - drawingMs);
              return { sequence, size: drawn.size, i420 };
            }),
          );
        }),
      );
    });
