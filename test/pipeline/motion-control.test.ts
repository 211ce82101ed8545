import { describe, expect, test } from 'vitest';
import { GESTURES, MOVEMENTS } from '../../src/pipeline/gestures.ts';
import { EXPRESSION_NAMES, MotionControl, unknownExpressions } from '../../src/pipeline/motion-control.ts';

const rest = new Float32Array(59);
const YAW = 53;
const PITCH = 54;
const frames = (control: MotionControl, from: number, count: number) =>
  Array.from({ length: count }, (_, i) => control.apply(from + i, rest));
const at = (descriptor: Float32Array, name: string) => descriptor[EXPRESSION_NAMES.indexOf(name)] ?? Number.NaN;

describe('a wish', () => {
  test('blends in, holds and blends out', () => {
    const control = new MotionControl();
    control.apply(9, rest);
    control.set({ expression: { jawOpen: 1 }, blendMs: 80, holdMs: 120 });

    const jaw = Array.from({ length: 10 }, (_, i) => at(control.apply(10 + i, rest), 'jawOpen'));

    expect(jaw).toEqual([0, 0.5, 1, 1, 1, 1, 0.5, 0, 0, 0]);
  });

  test('without a side moves both sides', () => {
    const control = new MotionControl();
    control.set({ expression: { mouthSmile: 0.6 }, blendMs: 0 });

    const shown = control.apply(0, rest);

    expect(at(shown, 'mouthSmile_L')).toBeCloseTo(0.6);
    expect(at(shown, 'mouthSmile_R')).toBeCloseTo(0.6);
  });

  test('adds rotation to the movement that is there and replaces the gaze', () => {
    const control = new MotionControl();
    const moving = new Float32Array(59);
    moving[53] = 5;
    moving[EXPRESSION_NAMES.indexOf('eyeLookUp_L')] = 0.4;
    control.set({ rotation: { yaw: 10 }, gaze: { x: 0, y: -0.5 }, blendMs: 0 });

    const shown = control.apply(0, moving);

    expect(shown[53]).toBe(15);
    expect(at(shown, 'eyeLookUp_L')).toBe(0);
    expect(at(shown, 'eyeLookDown_L')).toBe(0.5);
  });

  test('leaves the given descriptor as it was', () => {
    const control = new MotionControl();
    control.set({ expression: { jawOpen: 1 }, blendMs: 0 });
    const given = new Float32Array(59);

    control.apply(0, given);

    expect(given.every((value) => value === 0)).toBe(true);
  });

  test('fades out while the next fades in', () => {
    const control = new MotionControl();
    control.set({ expression: { jawOpen: 1 }, blendMs: 0 });
    control.apply(0, rest);
    control.set({ expression: { cheekPuff: 1 }, blendMs: 0 });

    const shown = control.apply(1, rest);

    expect(at(shown, 'jawOpen')).toBe(0);
    expect(at(shown, 'cheekPuff_L')).toBe(1);
  });
});

test('names that no weight has are found', () => {
  expect(unknownExpressions({ expression: { jawOpen: 1, mouthSmile: 1, moustache: 1 } })).toEqual(['moustache']);
});

describe('a gesture', () => {
  test('nods twice, and the head is back where it was within a second', () => {
    const control = new MotionControl();
    control.set({ gesture: 'nod' });

    const pitch = frames(control, 0, 26).map((shown) => shown[PITCH]!);

    const lows = pitch.filter((angle, i) => i > 0 && angle < -3 && angle <= pitch[i - 1]! && angle < pitch[i + 1]!);
    expect(lows).toHaveLength(2);
    expect(pitch[0]).toBe(0);
    expect(pitch.at(-1)).toBe(0);
  });

  test('goes over a wish that holds, which stays', () => {
    const control = new MotionControl();
    control.set({ rotation: { yaw: 10 }, blendMs: 0 });
    control.set({ gesture: 'surprise' });

    const shown = frames(control, 0, 40);

    expect(shown.every((descriptor) => descriptor[YAW] === 10)).toBe(true);
    expect(Math.max(...shown.map((descriptor) => at(descriptor, 'browInnerUp_L')))).toBeCloseTo(0.8);
    expect(at(shown.at(-1)!, 'browInnerUp_L')).toBe(0);
  });

  test('fades out when another begins', () => {
    const control = new MotionControl();
    control.set({ gesture: 'think' });
    frames(control, 0, 15);

    control.set({ gesture: 'smile' });
    const shown = frames(control, 15, 25);

    expect(at(shown[0]!, 'eyeLookUp_L')).toBeGreaterThan(0.4);
    expect(at(shown.at(-1)!, 'eyeLookUp_L')).toBe(0);
    expect(at(shown.at(-1)!, 'mouthSmile_L')).toBeCloseTo(0.6);
  });

  test.each(GESTURES)(
    '%s moves without a jump, names only shapes that there are, and leaves jaw and closed lips to speech',
    (gesture) => {
      const control = new MotionControl();
      control.set({ gesture });

      const shown = frames(control, 0, 100);

      const steps = shown.slice(1).map((now, i) => {
        const before = shown[i]!;
        return {
          weight: Math.max(...EXPRESSION_NAMES.map((_, k) => Math.abs(now[k]! - before[k]!))),
          degrees: Math.max(...[53, 54, 55].map((k) => Math.abs(now[k]! - before[k]!))),
        };
      });
      expect(Math.max(...steps.map(({ weight }) => weight))).toBeLessThan(0.35);
      expect(Math.max(...steps.map(({ degrees }) => degrees))).toBeLessThan(3);
      expect(MOVEMENTS[gesture].flatMap((movement) => unknownExpressions(movement))).toEqual([]);
      for (const name of ['jawOpen', 'mouthClose', 'mouthPress_L', 'mouthFunnel']) {
        expect(shown.every((descriptor) => at(descriptor, name) === 0)).toBe(true);
      }
      expect(shown.at(-1)).toEqual(rest);
    },
  );
});
