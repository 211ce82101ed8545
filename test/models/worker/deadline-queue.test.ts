import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeadlineQueue } from '../../../src/models/worker/deadline-queue.ts';

test('the most urgent comes first, equals in the order of arrival, and one can be taken out', () => {
  const queue = new DeadlineQueue<{ id: number; dueMs: number }>();
  for (const [id, dueMs] of [30, 10, 20, 10].entries()) queue.push({ id, dueMs });

  const removed = queue.remove(2);
  const order = [queue.take(), queue.take(), queue.take(), queue.take()].map((call) => call?.id);

  expect([removed?.dueMs, order]).toEqual([20, [1, 3, 0, undefined]]);
});

test('nobody starves: under endless urgent work every call is done soon after its deadline', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 30 }),
      (patiences, runMs) => {
        const queue = new DeadlineQueue<{ id: number; dueMs: number }>();
        for (const [id, patience] of patiences.entries()) queue.push({ id, dueMs: patience });
        let nowMs = 0;
        let left = patiences.length;
        for (let id = patiences.length; left > 0; id += 1) {
          // Whoever comes now wants it now: more urgent than all that may still wait, until their time has come.
          queue.push({ id, dueMs: nowMs });
          const next = queue.take()!;
          nowMs += runMs;
          if (next.id >= patiences.length) continue;
          left -= 1;
          expect(nowMs).toBeLessThanOrEqual(500 + (patiences.length + 2) * 2 * runMs + 500);
        }
      },
    ),
  );
});
