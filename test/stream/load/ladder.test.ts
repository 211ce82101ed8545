import fc from 'fast-check';
import { concatMap, from, map, merge, scan, filter, tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { LoadLadder, type Step } from '../../../src/stream/load/ladder.ts';
import { marbles } from '../../support/marbles.ts';

const FRAME_MS = 40;
/** Whoever is late on it is so by itself. */
const IDLE = { isBusy: false, fits: () => true };

/** Sessions on one machine that draws so many frames a second, each asking for what its rung wants; time passes in frames. */
const runMachine = (
  sessions: number,
  capacity: (ms: number) => number,
  seconds: number,
): { readonly ladder: LoadLadder<number>; readonly steps: (Step<number> & { readonly atMs: number })[] } => {
  const ladder = new LoadLadder<number>();
  const framesOf = [25, 12.5, 12.5, 8, 0.5];
  const steps: (Step<number> & { readonly atMs: number })[] = [];
  const asked = Array.from({ length: sessions }, () => 0);
  let room = 0;
  let wanted = 0;
  let sinceMs = 0;
  for (let id = 0; id < sessions; id += 1) ladder.join(id, 5, 0);
  for (let ms = 0; ms < seconds * 1000; ms += FRAME_MS) {
    room = Math.min(sessions, room + (capacity(ms) * FRAME_MS) / 1000);
    for (let id = 0; id < sessions; id += 1) {
      asked[id] = (asked[id] ?? 0) + ((framesOf[ladder.rungOf(id)] ?? 0) * FRAME_MS) / 1000;
      if (asked[id]! < 1) continue;
      asked[id] = asked[id]! - 1;
      const isLate = room < 1;
      if (!isLate) room -= 1;
      wanted += 1;
      ladder.frame(id, isLate, ms);
    }
    const isBusy = wanted > 0.85 * ((capacity(ms) * (ms - sinceMs + FRAME_MS)) / 1000);
    if (ms - sinceMs >= 1000) {
      wanted = 0;
      sinceMs = ms + FRAME_MS;
    }
    const fits = ({ from: now, to, id }: Step<number>) => {
      const others = asked.reduce(
        (sum, _, other) => sum + (other === id ? 0 : (framesOf[ladder.rungOf(other)] ?? 0)),
        0,
      );
      return others + (framesOf[to] ?? 0) <= 0.85 * capacity(ms) || framesOf[now] === framesOf[to];
    };
    const machine = { isBusy, fits };
    for (let step = ladder.look(ms, machine); step; step = ladder.look(ms, machine)) steps.push({ ...step, atMs: ms });
  }
  return { ladder, steps };
};

describe('the ladder', () => {
  test('takes a step when three frames of a second are late, not at two', () => {
    marbles(({ hot, expectObservable }) => {
      // x: late, o: on time; a mark is 40 ms.
      const frame$ = hot('x 39ms o 39ms x 39ms o 39ms o 39ms x 39ms o');
      const ladder = new LoadLadder<string>();
      ladder.join('s', 5, 0);

      const step$ = frame$.pipe(
        scan((frame, mark) => ({ atMs: frame.atMs + FRAME_MS, mark }), { atMs: -FRAME_MS, mark: '' }),
        tap(({ atMs, mark }) => ladder.frame('s', mark === 'x', atMs)),
        map(({ atMs }) => ladder.look(atMs, IDLE)),
        filter((step) => step !== null),
        map(({ from: before, to }) => `${before}${to}`),
      );

      expectObservable(step$).toBe('200ms a', { a: '01' });
    });
  });

  test('goes down one rung at a time while frames stay late, each after the one before could help', () => {
    marbles(({ cold, expectObservable }) => {
      const ladder = new LoadLadder<string>();
      ladder.join('s', 5, 0);
      const late$ = from(Array.from({ length: 125 }, (_, i) => i)).pipe(
        concatMap((i) => cold('40ms (x|)').pipe(map(() => (i + 1) * FRAME_MS))),
      );

      const rung$ = merge(
        late$.pipe(
          tap((atMs) => ladder.frame('s', true, atMs)),
          map((atMs) => ladder.look(atMs, IDLE)),
          filter((step) => step !== null),
          map(({ to }) => String(to)),
        ),
      );

      // Three late frames, then a second's pause and what was late in it.
      expectObservable(rung$).toBe('120ms 1 999ms 2 999ms 3 999ms 4 1879ms |');
    });
  });

  test('a few late frames among many are no reason', () => {
    const ladder = new LoadLadder<number>();
    ladder.join(1, 5, 0);

    for (let i = 0; i < 25; i += 1) ladder.frame(1, i % 13 === 0, i * FRAME_MS);

    expect(ladder.look(1000, IDLE)).toBeNull();
  });

  test('goes up only after ten seconds on time, and only where its cost fits', () => {
    const ladder = new LoadLadder<number>();
    ladder.join(1, 5, 0);
    for (let i = 0; i < 3; i += 1) ladder.frame(1, true, i);
    ladder.look(3, IDLE);

    const early = ladder.look(10_002, IDLE);
    const withoutRoom = ladder.look(10_003, { ...IDLE, fits: () => false });
    const up = ladder.look(10_004, IDLE);

    expect([early, withoutRoom, up]).toEqual([null, null, { id: 1, from: 1, to: 0 }]);
  });

  test('a rise that did not hold makes the next one wait twice as long', () => {
    const ladder = new LoadLadder<number>();
    ladder.join(1, 5, 0);
    const fallAt = (ms: number) => {
      for (let i = 0; i < 3; i += 1) ladder.frame(1, true, ms);
      return ladder.look(ms, IDLE);
    };
    const waitFrom = (ms: number) => {
      for (let at = ms; ; at += 100) if (ladder.look(at, IDLE)) return at - ms;
    };
    fallAt(0);
    fallAt(2000);

    const first = waitFrom(2000);
    fallAt(2000 + first + 1000);
    const second = waitFrom(2000 + first + 1000);

    expect([first, second]).toEqual([10_000, 20_000]);
  });

  test('late sound weighs as much as a step needs', () => {
    const ladder = new LoadLadder<number>();
    ladder.join(1, 5, 0);

    ladder.gap(1, 10);

    expect(ladder.look(10, IDLE)).toEqual({ id: 1, from: 0, to: 1 });
  });

  test('of sessions that are late the one with the most picture gives way first, so that they stay within a rung', () => {
    const { ladder } = runMachine(4, () => 70, 60);
    const rungs = [0, 1, 2, 3].map((id) => ladder.rungOf(id));

    expect(Math.max(...rungs) - Math.min(...rungs)).toBeLessThanOrEqual(1);
  });

  test('one session that is late by itself gives way alone', () => {
    const ladder = new LoadLadder<string>();
    ladder.join('slow', 5, 0);
    ladder.join('well', 5, 0);
    for (let ms = 0; ms < 8000; ms += FRAME_MS) {
      ladder.frame('slow', true, ms);
      ladder.frame('well', false, ms);
      ladder.look(ms, IDLE);
    }

    expect([ladder.rungOf('slow'), ladder.rungOf('well')]).toEqual([4, 0]);
  });

  test('whatever the load does: steps are single rungs, never two rises close together, and a long calm brings all back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }),
        (sessions, capacities) => {
          const calmMs = capacities.length * 5000;
          const capacity = (ms: number) => (ms < calmMs ? capacities[Math.floor(ms / 5000)]! : 1000);
          const { ladder, steps } = runMachine(sessions, capacity, calmMs / 1000 + 60 + sessions * 40);

          for (const { from: before, to } of steps) expect(Math.abs(to - before)).toBe(1);
          const rises = steps.filter(({ from: before, to }) => to < before);
          for (const [i, { atMs }] of rises.slice(1).entries())
            expect(atMs - rises[i]!.atMs).toBeGreaterThanOrEqual(2000);
          for (let id = 0; id < sessions; id += 1) expect(ladder.rungOf(id)).toBe(0);
        },
      ),
      { numRuns: 50, examples: [[1, [9, 9, 15, 1]]] },
    );
  });
});
