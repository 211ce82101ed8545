/**
 * Named gestures: short movements over whatever the face does, played once. A gesture is a list of poses that follow each
 * other; expression stays away from jaw and lips' closing, so that it can be played over speech.
 */
export const GESTURES = ['smile', 'nod', 'think', 'surprise'] as const;
export type Gesture = (typeof GESTURES)[number];

/** Where the face is asked to go. */
export interface Pose {
  /** Weights 0…1 by ARKit name; a name without `_L`/`_R` means both sides. */
  readonly expression?: Readonly<Record<string, number>> | undefined;
  /** Degrees, added to the head's own movement. */
  readonly rotation?:
    | { readonly yaw?: number | undefined; readonly pitch?: number | undefined; readonly roll?: number | undefined }
    | undefined;
  /** −1…1; x > 0 looks to the person's left, y > 0 up. Replaces the eyes' own movement. */
  readonly gaze?: { readonly x: number; readonly y: number } | undefined;
}

/** A pose that is taken some time after the gesture begins, and held for a given time. */
export interface Movement extends Pose {
  readonly afterMs: number;
  readonly blendMs: number;
  readonly holdMs: number;
}

/** What each gesture is made of. The head's turns are added to its own movement, so overlapping ones are summed. */
export const MOVEMENTS: Readonly<Record<Gesture, readonly Movement[]>> = {
  smile: [
    {
      afterMs: 0,
      blendMs: 350,
      holdMs: 1500,
      expression: { mouthSmile: 0.6, cheekSquint: 0.45, eyeSquint: 0.2 },
    },
    { afterMs: 60, blendMs: 400, holdMs: 1000, rotation: { roll: 2, pitch: 1 } },
  ],
  nod: [
    { afterMs: 0, blendMs: 200, holdMs: 0, rotation: { pitch: -8 } },
    { afterMs: 360, blendMs: 200, holdMs: 0, rotation: { pitch: -6 } },
    { afterMs: 80, blendMs: 160, holdMs: 60, expression: { eyeBlink: 0.7 } },
  ],
  think: [
    {
      afterMs: 0,
      blendMs: 350,
      holdMs: 1600,
      gaze: { x: -0.55, y: 0.6 },
      rotation: { yaw: -6, pitch: 2, roll: -4 },
    },
    {
      afterMs: 100,
      blendMs: 350,
      holdMs: 1400,
      expression: { browDown_R: 0.35, browOuterUp_L: 0.45, eyeSquint: 0.25 },
    },
  ],
  surprise: [
    {
      afterMs: 0,
      blendMs: 160,
      holdMs: 900,
      expression: { browInnerUp: 0.8, browOuterUp: 0.7, eyeWide: 0.7 },
      rotation: { pitch: 4 },
    },
  ],
};
