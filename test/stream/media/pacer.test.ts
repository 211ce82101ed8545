import { expect, it } from 'vitest';
import { Pacer, type Paced } from '../../../src/stream/media/pacer.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** Does something every `everyMs` from `startMs` on, and notes when. */
const ticker = (startMs: number, everyMs: number) => {
  let next = startMs;
  const times: number[] = [];
  const paced: Paced = {
    nextDueMs: () => next,
    process: (nowMs) => {
      for (; next <= nowMs; next += everyMs) times.push(nowMs);
    },
  };
  return { paced, times };
};

it('wakes every member at its deadlines, without drift', () => {
  const clock = new FakeClock(1000);
  const pacer = new Pacer(clock);
  const a = ticker(1000, 20);
  const b = ticker(1007, 20);

  pacer.add(a.paced);
  pacer.add(b.paced);
  clock.advance(100_000);

  expect(a.times).toHaveLength(5001);
  expect(a.times.every((time, i) => time === 1000 + 20 * i)).toBe(true);
  expect(b.times.every((time, i) => time === 1007 + 20 * i)).toBe(true);
});

it('keeps one timer, and none when nothing is due', () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock);
  const idle: Paced = { nextDueMs: () => null, process: () => undefined };
  const busy = ticker(10, 20);

  pacer.add(idle);
  expect(clock.pending).toBe(0);
  pacer.add(busy.paced);
  clock.advance(500);
  expect(clock.pending).toBe(1);
  pacer.remove(busy.paced);
  clock.advance(500);

  expect(clock.pending).toBe(0);
  expect(busy.times.at(-1)).toBeLessThanOrEqual(500);
});

it('processes at once what is waked, and comes sooner when a deadline moved', () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock);
  let due: number | null = null;
  const times: number[] = [];
  const member: Paced = {
    nextDueMs: () => due,
    process: (nowMs) => {
      times.push(nowMs);
      if (due !== null && due <= nowMs) due = null;
    },
  };

  pacer.add(member);
  due = 50;
  pacer.wake(member);
  due = 30;
  pacer.wake(member);
  clock.advance(100);

  expect(times).toEqual([0, 0, 0, 30]);
});
