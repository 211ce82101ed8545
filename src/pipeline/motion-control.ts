/**
 * Intuitive control (PIRenderer §4.3): a client sets expression, rotation and gaze by hand. The wish is blended over what
 * the flow gives, held, and blended away again.
 */
import { MOTION_SIZE, SLOT_MS } from '../media.ts';
import { MOVEMENTS, type Gesture, type Pose } from './gestures.ts';

/** Index of every expression weight in a descriptor, in the order of the layout `visavis-59`. */
export const EXPRESSION_NAMES: readonly string[] = [
  'browDown_L',
  'browDown_R',
  'browInnerUp_L',
  'browInnerUp_R',
  'browOuterUp_L',
  'browOuterUp_R',
  'cheekPuff_L',
  'cheekPuff_R',
  'cheekSquint_L',
  'cheekSquint_R',
  'eyeBlink_L',
  'eyeBlink_R',
  'eyeLookDown_L',
  'eyeLookDown_R',
  'eyeLookIn_L',
  'eyeLookIn_R',
  'eyeLookOut_L',
  'eyeLookOut_R',
  'eyeLookUp_L',
  'eyeLookUp_R',
  'eyeSquint_L',
  'eyeSquint_R',
  'eyeWide_L',
  'eyeWide_R',
  'jawForward',
  'jawLeft',
  'jawOpen',
  'jawRight',
  'mouthClose',
  'mouthDimple_L',
  'mouthDimple_R',
  'mouthFrown_L',
  'mouthFrown_R',
  'mouthFunnel',
  'mouthLeft',
  'mouthLowerDown_L',
  'mouthLowerDown_R',
  'mouthPress_L',
  'mouthPress_R',
  'mouthPucker',
  'mouthRight',
  'mouthRollLower',
  'mouthRollUpper',
  'mouthShrugLower',
  'mouthShrugUpper',
  'mouthSmile_L',
  'mouthSmile_R',
  'mouthStretch_L',
  'mouthStretch_R',
  'mouthUpperUp_L',
  'mouthUpperUp_R',
  'noseSneer_L',
  'noseSneer_R',
];

/** Those that speech moves. */
export const MOUTH_INDICES: readonly number[] = EXPRESSION_NAMES.flatMap((name, index) =>
  /^(?:jaw|mouth|cheekPuff)/.test(name) ? [index] : [],
);

const YAW = 53;
const PITCH = 54;
const ROLL = 55;
const GAZE = {
  left: ['eyeLookOut_L', 'eyeLookIn_R'],
  right: ['eyeLookIn_L', 'eyeLookOut_R'],
  up: ['eyeLookUp_L', 'eyeLookUp_R'],
  down: ['eyeLookDown_L', 'eyeLookDown_R'],
} as const;

/** What a client asks of the face. */
export interface MotionWish extends Pose {
  /** Time of the blend in and out, ms. Default 200. */
  readonly blendMs?: number | undefined;
  /** How long it holds, ms; without it, until the next wish. */
  readonly holdMs?: number | undefined;
  /** Played once, over the rest; it ends no other wish. */
  readonly gesture?: Gesture | undefined;
}

const indexOf = new Map(EXPRESSION_NAMES.map((name, index) => [name, index]));
const bothSides = (name: string): readonly number[] =>
  [name, `${name}_L`, `${name}_R`].map((side) => indexOf.get(side)).filter((index) => index !== undefined);

/** Names in `expression` that no weight has. */
export const unknownExpressions = (wish: MotionWish): readonly string[] =>
  Object.keys(wish.expression ?? {}).filter((name) => bothSides(name).length === 0);

const smoothstep = (x: number): number => {
  const t = Math.min(1, Math.max(0, x));
  return t * t * (3 - 2 * t);
};

interface Held {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly blendMs: number;
  /** Target and whether it replaces (weights, gaze) or adds (rotation), by index. */
  readonly targets: ReadonlyMap<number, { readonly value: number; readonly adds: boolean }>;
}

/** Ends what has begun; what has not begun yet does not. */
const fadeOut = (all: readonly Held[], atMs: number): readonly Held[] =>
  all
    .filter(({ fromMs }) => fromMs <= atMs)
    .map(({ fromMs, untilMs, blendMs, targets }) => ({ fromMs, untilMs: Math.min(untilMs, atMs), blendMs, targets }));

const targetsOf = (wish: Pose): Held['targets'] => {
  const targets = new Map<number, { value: number; adds: boolean }>();
  const set = (names: readonly string[], value: number) => {
    for (const name of names) for (const index of bothSides(name)) targets.set(index, { value, adds: false });
  };
  if (wish.gaze) {
    set(GAZE.left, Math.max(0, wish.gaze.x));
    set(GAZE.right, Math.max(0, -wish.gaze.x));
    set(GAZE.up, Math.max(0, wish.gaze.y));
    set(GAZE.down, Math.max(0, -wish.gaze.y));
  }
  for (const [name, value] of Object.entries(wish.expression ?? {})) set([name], value);
  const { yaw, pitch, roll } = wish.rotation ?? {};
  if (yaw !== undefined) targets.set(YAW, { value: yaw, adds: true });
  if (pitch !== undefined) targets.set(PITCH, { value: pitch, adds: true });
  if (roll !== undefined) targets.set(ROLL, { value: roll, adds: true });
  return targets;
};

/** The wishes of one session. A new wish fades the one before it out while it fades in, and so does a new gesture. */
export class MotionControl {
  #held: readonly Held[] = [];
  #played: readonly Held[] = [];
  #frameMs = 0;

  /** Takes a wish; it begins at the next frame. One that names only a gesture leaves the wish before it as it is. */
  set({ gesture, ...wish }: MotionWish): void {
    const fromMs = this.#frameMs;
    if (gesture) {
      const movements = MOVEMENTS[gesture].map(({ afterMs, blendMs, holdMs, ...movement }) => ({
        fromMs: fromMs + afterMs,
        untilMs: fromMs + afterMs + blendMs + holdMs,
        blendMs,
        targets: targetsOf(movement),
      }));
      this.#played = [...fadeOut(this.#played, fromMs), ...movements];
      if (Object.keys(wish).length === 0) return;
    }
    const blendMs = wish.blendMs ?? 200;
    const untilMs = wish.holdMs === undefined ? Infinity : fromMs + blendMs + wish.holdMs;
    const targets = targetsOf(wish);
    this.#held = fadeOut(this.#held, fromMs);
    if (targets.size > 0) this.#held = [...this.#held, { fromMs, untilMs, blendMs, targets }];
  }

  /** The descriptor, float32[59], of a slot as it is to be shown; a copy when anything is blended over it. */
  apply(sequence: number, descriptor: Float32Array): Float32Array {
    this.#frameMs = (sequence + 1) * SLOT_MS;
    const atMs = sequence * SLOT_MS;
    this.#held = this.#held.filter((held) => atMs < held.untilMs + held.blendMs);
    this.#played = this.#played.filter((held) => atMs < held.untilMs + held.blendMs);
    if (this.#held.length + this.#played.length === 0) return descriptor;
    const shown = Float32Array.from(descriptor.subarray(0, MOTION_SIZE));
    for (const { fromMs, untilMs, blendMs, targets } of [...this.#held, ...this.#played]) {
      const rise = blendMs > 0 ? smoothstep((atMs - fromMs) / blendMs) : 1;
      const fall = blendMs > 0 ? 1 - smoothstep((atMs - untilMs) / blendMs) : atMs < untilMs ? 1 : 0;
      const weight = Math.min(rise, fall);
      for (const [index, { value, adds }] of targets) {
        const now = shown[index] ?? 0;
        shown[index] = adds ? now + weight * value : now + weight * (value - now);
      }
    }
    return shown;
  }
}
