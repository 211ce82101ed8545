import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLOT_WINDOW_MS, plotPoints, plotRange, withinWindow } from '../../client/page/plot.ts';

const samples = (...values: readonly number[]) => values.map((value, index) => ({ atMs: index * 1000, value }));

describe('plotRange', () => {
  it('is the least range when all samples fit', () => {
    expect(plotRange(samples(12, 25), [0, 30])).toEqual([0, 30]);
    expect(plotRange([], [-100, 100])).toEqual([-100, 100]);
  });

  it('widens to 1, 2 or 5 times a power of ten', () => {
    expect(plotRange(samples(501), [0, 500])).toEqual([0, 1000]);
    expect(plotRange(samples(1010), [0, 500])).toEqual([0, 2000]);
    expect(plotRange(samples(-130, 0), [-100, 100])).toEqual([-200, 100]);
  });

  it('holds every sample', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), (values) => {
        const [low, high] = plotRange(samples(...values), [0, 1]);
        const slack = 1e-9 * Math.max(...values.map(Math.abs));
        return values.every((value) => low <= value + slack && value <= high + slack);
      }),
      { examples: [[[-Number.MIN_VALUE]]] },
    );
  });
});

describe('plotPoints', () => {
  it('puts now at the right edge and the window before it at the left', () => {
    const nowMs = 100_000;
    const points = plotPoints(
      [
        { atMs: nowMs - PLOT_WINDOW_MS, value: 0 },
        { atMs: nowMs, value: 30 },
      ],
      nowMs,
      [0, 30],
      240,
      36,
    );
    expect(points).toEqual([
      { x: 0, y: 36 },
      { x: 240, y: 0 },
    ]);
  });
});

describe('withinWindow', () => {
  it('keeps one sample beyond the left edge', () => {
    const kept = withinWindow(samples(...Array.from({ length: 100 }, (_, index) => index)), 99_000);
    expect(kept[0]?.atMs).toBe(99_000 - PLOT_WINDOW_MS - 1000);
    expect(kept).toHaveLength(62);
  });

  it('keeps the last sample however old', () => {
    expect(withinWindow(samples(1, 2), 1e9)).toEqual([{ atMs: 1000, value: 2 }]);
    expect(withinWindow([], 0)).toEqual([]);
  });
});
