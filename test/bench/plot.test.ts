import { expect, test } from 'vitest';
import { plotTraces } from '../../bench/plot.ts';

test('a plot has a panel for each kind of value, and in it a dot for each measurement', () => {
  const svg = plotTraces([
    {
      part: 'latency',
      what: 'text → sound',
      points: [
        [10, 90],
        [12, 110],
        [14, 100],
      ],
    },
    { part: 'interrupt', what: 'a < b', points: [[20, 5]] },
  ]);

  expect(svg.match(/<g /g)).toHaveLength(2);
  expect(svg.match(/<circle /g)).toHaveLength(4);
  expect(svg).toContain('text → sound: p50 100 ms, p95 110 ms, 3 times');
  expect(svg).toContain('a &lt; b');
});

test('dots are as high as their values, and nothing is beyond the picture', () => {
  const svg = plotTraces([
    {
      part: 'p',
      what: 'w',
      points: [
        [0, 0],
        [1, 150],
        [2, 75],
      ],
    },
  ]);

  const heights = [...svg.matchAll(/cy="([\d.]+)"/g)].map(([, y]) => Number(y));
  expect(heights[1]).toBeLessThan(heights[2]!);
  expect(heights[2]).toBeLessThan(heights[0]!);
  expect(Math.min(...heights)).toBeGreaterThanOrEqual(0);
});
