import { expect, test } from 'vitest';
import { DrawingTime } from '../../src/pipeline/drawing-time.ts';

test('steady drawing is expected to take what it took', () => {
  const time = new DrawingTime();

  for (let i = 0; i < 100; i += 1) time.observe(20);

  expect(time.expectedMs).toBeCloseTo(20, 1);
});

test('unsteady drawing is expected to take longer than its mean', () => {
  const time = new DrawingTime();

  for (let i = 0; i < 100; i += 1) time.observe(i % 2 === 0 ? 10 : 50);

  expect(time.expectedMs).toBeGreaterThan(50);
});

test('what was too slow to begin is tried again after a while', () => {
  const time = new DrawingTime();
  for (let i = 0; i < 20; i += 1) time.observe(400);

  let skipped = 0;
  while (time.expectedMs > 40) {
    time.relax();
    skipped += 1;
  }

  expect(skipped).toBeGreaterThan(3);
  expect(skipped).toBeLessThan(25);
});
