import { expect, it } from 'vitest';
import { backOffMs } from '../../client/library/reconnect.ts';

it('waits longer after every failure, up to 15 s', () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => backOffMs(attempt, 1))).toEqual([
    500, 1000, 2000, 4000, 8000, 15_000, 15_000,
  ]);
});

it('spreads clients over half of the wait', () => {
  expect(backOffMs(2, 0)).toBe(1000);
  expect(backOffMs(2, 0.5)).toBe(1500);
});
