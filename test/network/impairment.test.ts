import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Impairment, type ImpairmentOptions } from '../support/network/impairment.ts';

/** Delivery times of `count` datagrams of 100 bytes, sent every `everyMs`. */
const deliver = (options: ImpairmentOptions, count: number, everyMs = 10, seed = 1): readonly number[][] => {
  const impairment = new Impairment(seed, 1);
  impairment.set(options);
  return Array.from({ length: count }, (_, i) => impairment.pass(i * everyMs, 100));
};

describe('an impaired network', () => {
  it('does the same to the same datagrams when the seed is the same', () => {
    const options = { loss: 0.2, jitterMs: 20, delayMs: 30, reorder: 0.1, duplicate: 0.1 };

    expect(deliver(options, 500)).toEqual(deliver(options, 500));
    expect(deliver(options, 500)).not.toEqual(deliver(options, 500, 10, 2));
  });

  it('loses the share that it is told, alone or in bursts', () => {
    const alone = deliver({ loss: 0.1 }, 20_000).filter(({ length }) => length === 0).length;
    const bursts = deliver({ burst: { enter: 0.05, leave: 0.2, loss: 1 } }, 20_000);
    const inBursts = bursts.filter(({ length }) => length === 0).length;
    const runs = bursts.filter(({ length }, i) => length === 0 && bursts[i - 1]?.length === 1).length;

    expect(alone / 20_000).toBeCloseTo(0.1, 1);
    expect(inBursts / 20_000).toBeCloseTo(0.2, 1);
    expect(inBursts / runs).toBeGreaterThan(4);
  });

  it('keeps the order unless it is told to reorder, and never delivers before the delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 100 }),
        fc.nat(),
        (delayMs, jitterMs, seed) => {
          const times = deliver({ delayMs, jitterMs }, 200, 7, seed).map(([due]) => due ?? NaN);

          for (const [i, due] of times.entries()) {
            expect(due).toBeGreaterThanOrEqual(i * 7 + Math.max(0, delayMs - jitterMs));
            if (i > 0) expect(due).toBeGreaterThanOrEqual(times[i - 1] ?? 0);
          }
        },
      ),
    );
    const reordered = deliver({ reorder: 0.1 }, 200).map(([due]) => due ?? 0);
    expect(reordered.some((due, i) => i > 0 && due < (reordered[i - 1] ?? 0))).toBe(true);
  });

  it('carries no more than its rate, and loses what would wait too long', () => {
    const rateBps = 51_200;
    const delivered = deliver({ rateBps, queueMs: 100 }, 1000);
    const arrived = delivered.flat();
    const waits = delivered.flatMap(([due], i) => (due === undefined ? [] : [due - i * 10]));

    // 128 bytes with headers take 20 ms: every second one passes.
    expect(arrived.length).toBeGreaterThan(495);
    expect(arrived.length).toBeLessThan(515);
    expect(Math.max(...waits)).toBeLessThanOrEqual(120);
  });
});
