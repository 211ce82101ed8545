import { expect, test } from 'vitest';
import { wishOf } from '../../client/page/face-panel.ts';

test('sliders at rest ask for nothing but the way back', () => {
  expect(wishOf({})).toEqual({ blendMs: 120, expression: {}, rotation: { yaw: 0, pitch: 0, roll: 0 } });
});

test('one slider raises brows to one side and lowers them to the other', () => {
  expect(wishOf({ brows: 0.5 }).expression).toEqual({ browInnerUp: 0.5, browOuterUp: 0.5 });
  expect(wishOf({ brows: -0.5 }).expression).toEqual({ browDown: 0.5 });
});

test('the gaze is the eyes’ own until a slider of it is moved', () => {
  expect(wishOf({ yaw: 5 }).gaze).toBeUndefined();
  expect(wishOf({ gazeX: 0.2 }).gaze).toEqual({ x: 0.2, y: 0 });
});
