import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSpeechPlan, windowsOf } from '../../src/models/speech-plan.ts';

const SIZES = [8, 16, 32, 64];

test('windows join without gap or overlap, begin small and never end with a sliver', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3000 }), (frameCount) => {
      const windows = [...windowsOf(frameCount, SIZES)];

      expect(windows.map(([first]) => first)).toEqual([0, ...windows.map(([, end]) => end)].slice(0, windows.length));
      expect(windows.at(-1)?.[1] ?? 0).toBe(frameCount);
      expect(windows.every(([first, end]) => end > first && end - first < 96)).toBe(true);
      if (windows.length > 1) expect(windows.every(([first, end]) => end - first >= 4)).toBe(true);
      if (frameCount > 0) expect(windows[0]![1]).toBeLessThan(12);
    }),
  );
});

test('a loop that is left early asks for no more windows, and a new loop begins again', async () => {
  const asked: number[] = [];
  const plan = createSpeechPlan(
    { frameCount: 100, words: [] },
    { hopSamples: 256, windowFrames: SIZES },
    async (first, end) => {
      asked.push(first);
      return new Float32Array((end - first) * 256);
    },
  );

  for await (const samples of plan.windows()) {
    expect(samples).toHaveLength(8 * 256);
    break;
  }
  for await (const samples of plan.windows()) if (samples.length > 8 * 256) break;

  expect(asked).toEqual([0, 0, 8]);
  expect(plan.durationSamples).toBe(25_600);
});
