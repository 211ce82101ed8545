import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchGatherer } from '../../../src/models/worker/batch-gatherer.ts';
import { DeadlineQueue } from '../../../src/models/worker/deadline-queue.ts';
import { FakeClock } from '../../support/fake-clock.ts';

interface Call {
  readonly id: number;
  readonly dueMs: number;
  readonly face: string;
}
const call = (id: number, dueMs: number, face = 'a'): Call => ({ id, dueMs, face });

const create = ({ frames = 3, waitMs = 5 } = {}) => {
  const clock = new FakeClock();
  const queue = new DeadlineQueue<Call>();
  const gatherer = new BatchGatherer(queue, { frames, waitMs }, clock);
  const push = (...calls: Call[]) => {
    for (const each of calls) {
      queue.push(each);
      gatherer.arrived();
    }
  };
  const gather = (first: Call) => {
    const gathered: { ids: number[] | null } = { ids: null };
    const run = async () => {
      const calls = await gatherer.gather(first, ({ face }) => face === first.face);
      gathered.ids = calls.map(({ id }) => id);
    };
    const done = run();
    return { gathered, done };
  };
  return { clock, queue, push, gather };
};
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('what waits and is alike goes along, the most urgent first, and no more than one run takes', async () => {
  const { queue, push, gather } = create();
  push(call(1, 40), call(2, 20), call(3, 10, 'b'), call(4, 30));

  const { gathered, done } = gather(call(0, 5));
  await done;

  expect(gathered.ids).toEqual([0, 2, 4]);
  expect([queue.take()?.id, queue.take()?.id, queue.take()]).toEqual([3, 1, undefined]);
});

test('the first waits for others, no longer than a moment, and not when the run is full', async () => {
  const { clock, push, gather } = create();

  const alone = gather(call(0, 100));
  clock.advance(4.9);
  await settle();
  expect(alone.gathered.ids).toBeNull();
  clock.advance(0.2);
  await alone.done;
  expect(alone.gathered.ids).toEqual([0]);

  const joined = gather(call(1, 100));
  push(call(2, 90), call(3, 80, 'b'), call(4, 95));
  await joined.done;
  expect(joined.gathered.ids).toEqual([1, 2, 4]);
  expect(clock.pending).toBe(0);
});

test('what is due does not wait', async () => {
  const { clock, gather } = create();
  clock.advance(50);

  const late = gather(call(0, 49));
  await late.done;
  const soon = gather(call(1, 52));
  clock.advance(2);
  await soon.done;

  expect([late.gathered.ids, soon.gathered.ids]).toEqual([[0], [1]]);
});

test('nobody starves: under endless work of another face every call is drawn soon after its deadline', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 2, max: 6 }),
      async (patiences, runMs, frames) => {
        const { clock, queue, push, gather } = create({ frames, waitMs: 4 });
        push(...patiences.map((patience, id) => call(id, patience, 'quiet')));
        let left = patiences.length;
        for (let id = patiences.length; left > 0; id += frames) {
          push(...Array.from({ length: frames }, (_, i) => call(id + i, clock.nowMs(), 'busy')));
          const next = gather(queue.take()!);
          clock.advance(4);
          await next.done;
          clock.advance(runMs);
          const quiet = (next.gathered.ids ?? []).filter((given) => given < patiences.length);
          left -= quiet.length;
          for (const given of quiet) {
            expect(clock.nowMs()).toBeLessThanOrEqual(
              2 * (patiences[given]! + (patiences.length + 2) * (runMs + 4)) + 600,
            );
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});
