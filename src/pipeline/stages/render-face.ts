import { EMPTY, type ObservableInput, type OperatorFunction, concatMap, from, map } from 'rxjs';
import type { VideoFrame } from '../../media.ts';
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
  /** Newest slot whose time has passed: a frame of it or of an earlier slot is not drawn any more. */
  readonly passedSequence: () => number;
  /** Told of every frame that was not drawn because it came too late. */
  readonly skipped: (sequence: number) => void;
}

/**
 * Draws every slot's frame with PIRenderer. Frames are drawn one after the other; when drawing is slower than playing, slots
 * whose time has passed are skipped, so that the picture keeps up with the sound and no queue grows.
 */
export const renderFace =
  ({ shown, face, passedSequence, skipped }: RenderFaceDeps): OperatorFunction<MovedSlot, VideoFrame> =>
  (moved$) =>
    moved$.pipe(
      concatMap(({ sequence, descriptor }) => {
        shown.set(sequence, descriptor);
        if (sequence <= passedSequence()) {
          skipped(sequence);
          return EMPTY;
        }
        const drawn = face();
        // Descriptors after this slot are not known yet: the later part of the window repeats the newest.
        const window = shown.window(sequence + drawn.motionFrames - 1 - drawn.motionCentre, drawn.motionFrames);
        return from(drawn.render(window)).pipe(map((i420) => ({ sequence, size: drawn.size, i420 })));
      }),
    );
