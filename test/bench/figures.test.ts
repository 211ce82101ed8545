import { describe, expect, it } from 'vitest';
import { distribution, percentile, single } from '../../bench/figures.ts';
import { formatTable } from '../../bench/table.ts';

const oneToHundred = Array.from({ length: 100 }, (_, i) => 100 - i);

describe('figures of the benchmark', () => {
  it('have percentiles that are samples themselves', () => {
    expect(percentile(oneToHundred, 0.5)).toBe(50);
    expect(percentile(oneToHundred, 0.95)).toBe(95);
    expect(percentile([7], 0.95)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('count from the bad end, whichever that is', () => {
    const delay = distribution('delay', 'ms', oneToHundred);
    const rate = distribution('rate', 'fps', oneToHundred, { better: 'higher' });

    expect([delay.p50, delay.p95, delay.p99, delay.worst]).toEqual([50, 95, 99, 100]);
    expect([rate.p50, rate.p95, rate.p99, rate.worst]).toEqual([51, 6, 2, 1]);
  });

  it('are held against the column that the goal names', () => {
    const goal = { of: 'p95', limit: 90 } as const;

    expect(distribution('delay', 'ms', oneToHundred, { goal }).reached).toBe(false);
    expect(distribution('rate', 'fps', [91, 95], { goal, better: 'higher' }).reached).toBe(true);
  });

  it('neither reach nor miss a goal without a value', () => {
    const goal = { of: 'p50', limit: 1 } as const;

    expect(distribution('delay', 'ms', [], { goal })).toMatchObject({ p50: null, samples: 0, reached: null });
    expect(single('rate', '%', null, { goal })).toMatchObject({ p50: null, samples: 0, reached: null });
    expect(single('rate', '%', Number.NaN, { goal })).toMatchObject({ p50: null, samples: 0, reached: null });
  });

  it('are printed in columns', () => {
    const figures = [
      distribution('delay', 'ms', oneToHundred, { goal: { of: 'p95', limit: 90 } }),
      single('gaps', '', 0, { goal: { of: 'p50', limit: 0 } }),
    ];

    expect(formatTable([{ part: 'latency', figures }]).split('\n')).toEqual([
      'what     p50  p95  p99  worst  unit  goal        ok?',
      'latency:',
      '  delay   50   95   99    100  ms    ≤ 90 (p95)  NO',
      '  gaps     0                         ≤ 0         yes',
    ]);
  });
});
