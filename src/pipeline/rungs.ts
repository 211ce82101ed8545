/** The ladder of a busy machine: how much of the picture is made. Each rung costs less than the one above; sound is the same on all. */

export interface Rung {
  /** As `stats` names it. */
  readonly name: 'none' | 'fewer-frames' | 'smaller' | 'mouth-only' | 'still';
  /** Every how manieth slot of 40 ms may have a frame. */
  readonly everySlots: number;
  /** Width and height that are encoded are divided by it. */
  readonly shrink: 1 | 2;
  /** What moves: all; the mouth, drawn only when it has moved; nothing, and the motion model does not run. */
  readonly moves: 'all' | 'mouth' | 'nothing';
}

/**
 * From all there is to a still with sound. What they save, of the renderer (R), the encoder (E) and the motion model (M):
 * half of R and E; three quarters of E, no R (the renderer's graph has one size); all of R and E in silence and where the lips rest, a
 * third of the rest; nearly all of R and E, and M.
 */
export const RUNGS = [
  { name: 'none', everySlots: 1, shrink: 1, moves: 'all' },
  { name: 'fewer-frames', everySlots: 2, shrink: 1, moves: 'all' },
  { name: 'smaller', everySlots: 2, shrink: 2, moves: 'all' },
  { name: 'mouth-only', everySlots: 3, shrink: 2, moves: 'mouth' },
  { name: 'still', everySlots: 3, shrink: 2, moves: 'nothing' },
] as const satisfies readonly [Rung, ...Rung[]];
