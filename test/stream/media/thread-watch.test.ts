import { expect, test } from 'vitest';
import { watchThread } from '../../../src/stream/media/thread-watch.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A thread that answers at once, or never. */
const watched = (clock: FakeClock) => {
  const seen = { asked: 0, hung: 0, answers: true };
  const cancel = watchThread(
    clock,
    () => {
      seen.asked += 1;
      return seen.answers ? Promise.resolve() : new Promise(() => undefined);
    },
    () => (seen.hung += 1),
  );
  return { seen, cancel };
};

const pass = async (clock: FakeClock, seconds: number) => {
  for (let i = 0; i < seconds; i += 1) {
    clock.advance(1000);
    await settle();
  }
};

test('a thread that answers is asked once a second, and left alone', async () => {
  const clock = new FakeClock();
  const { seen, cancel } = watched(clock);

  await pass(clock, 60);
  cancel();

  expect(seen).toMatchObject({ asked: 60, hung: 0 });
  expect(clock.pending).toBe(0);
});

test('a thread that answers no more is told of once', async () => {
  const clock = new FakeClock();
  const { seen } = watched(clock);
  await pass(clock, 5);

  seen.answers = false;
  await pass(clock, 9);
  expect(seen.hung).toBe(0);
  await pass(clock, 30);

  expect(seen.hung).toBe(1);
  expect(clock.pending).toBe(0);
});

test('time in which the whole process stood still does not count', async () => {
  const clock = new FakeClock();
  const { seen } = watched(clock);
  seen.answers = false;
  await pass(clock, 5);

  clock.sleep(60_000);
  await pass(clock, 8);
  expect(seen.hung).toBe(0);
  await pass(clock, 3);

  expect(seen.hung).toBe(1);
});
