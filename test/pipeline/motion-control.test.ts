import { describe, expect, test } from 'vitest';
import { EXPRESSION_NAMES, MotionControl, unknownExpressions } from '../../src/pipeline/motion-control.ts';

const rest = new Float32Array(59);
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
