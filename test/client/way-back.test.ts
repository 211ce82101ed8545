import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WayBack } from '../../client/library/way-back.ts';

let page: EventTarget;
beforeEach(() => {
  vi.useFakeTimers();
  page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Notes when it probes and when it has found the way, ms after it began. */
const search = (answers: readonly boolean[] = []) => {
  const probes: number[] = [];
  const found: number[] = [];
  const world = { idle: true };
  const startMs = performance.now();
  const wayBack = new WayBack({
    probe: async () => answers[probes.push(performance.now() - startMs) - 1] ?? false,
    isIdle: () => world.idle,
    found: () => found.push(performance.now() - startMs),
  });
  return { wayBack, probes, found, world };
};

it('tries again after 30 s, then ever more seldom', async () => {
  const { wayBack, probes, found } = search();
  wayBack.begin();

  await vi.advanceTimersByTimeAsync(3_600_000);

  const pausesS = probes.map((atMs, i) => (atMs - (probes[i - 1] ?? 0)) / 1000);
  expect(pausesS.slice(0, 7)).toEqual([30, 60, 120, 240, 480, 600, 600]);
  expect(found).toEqual([]);
  wayBack.end();
});

it('tries soon after the connection was lost, and when the browser is online again', async () => {
  const { wayBack, probes } = search();
  wayBack.begin();
  await vi.advanceTimersByTimeAsync(40_000);
  wayBack.end();

  wayBack.hurry();
  wayBack.begin();
  await vi.advanceTimersByTimeAsync(5000);
  page.dispatchEvent(new Event('online'));
  await vi.advanceTimersByTimeAsync(5000);

  expect(probes.map((atMs) => Math.round(atMs / 1000))).toEqual([30, 41, 46]);
  wayBack.end();
});

it('neither tries nor goes over while something is being said', async () => {
  const { wayBack, probes, found, world } = search([true]);
  world.idle = false;
  wayBack.begin();

  await vi.advanceTimersByTimeAsync(60_000);
  expect(probes).toEqual([]);
  world.idle = true;
  await vi.advanceTimersByTimeAsync(250);

  expect(probes).toHaveLength(1);
  expect(found).toHaveLength(1);
});

it('goes over when what began during the attempt has been said', async () => {
  const { found, world } = search();
  let answer = (_through: boolean): void => undefined;
  const slow = new WayBack({
    probe: () => new Promise((resolve) => (answer = resolve)),
    isIdle: () => world.idle,
    found: () => found.push(0),
  });
  slow.begin();
  await vi.advanceTimersByTimeAsync(31_000);

  world.idle = false;
  answer(true);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(found).toEqual([]);
  world.idle = true;
  await vi.advanceTimersByTimeAsync(250);

  expect(found).toHaveLength(1);
});

it('stops when it is told to', async () => {
  const { wayBack, probes, found } = search([true]);
  wayBack.begin();
  await vi.advanceTimersByTimeAsync(10_000);

  wayBack.end();
  await vi.advanceTimersByTimeAsync(100_000);

  expect([probes, found]).toEqual([[], []]);
});
