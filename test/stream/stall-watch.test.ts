import { expect, test } from 'vitest';
import { watchStalls } from '../../src/stream/stall-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('a process that stood still is told of once, with how long, and goes on being watched', () => {
  const clock = new FakeClock();
  const stalls: number[] = [];
  const stop = watchStalls(clock, (ms) => stalls.push(ms));

  clock.advance(10_000);
  clock.sleep(5000);
  clock.advance(10_000);
  clock.sleep(1000);
  clock.advance(10_000);
  clock.sleep(2500);

  expect(stalls).toEqual([4500, 2000]);
  stop();
  expect(clock.pending).toBe(0);
});
