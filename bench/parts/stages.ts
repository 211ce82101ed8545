import { measureStages } from '../stages.ts';
import { type Goal, judged } from '../figures.ts';
import type { BenchPart } from '../part.ts';

/** The goal of drawing a frame, in processor time. */
const RENDER_GOAL: Goal = { of: 'p50', limit: 8 };

/** Each model alone on one thread: time of one call, by the clock and of the processor. */
export const stages: BenchPart = {
  name: 'stages',
  async measure({ modelsDir, repeats, progress, signal }) {
    const times = repeats * 4;
    progress.show(`every model ${times} times on one thread`);
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const rows = await Promise.race([measureStages({ modelsDir, repeats: times }), aborted]);
    return rows.map(({ name, p50, p95, unit }) => {
      const options = name.endsWith('render a frame') && unit === 'ms CPU' ? { goal: RENDER_GOAL } : {};
      return judged(name, unit, { p50, p95, p99: null, worst: null }, times, options);
    });
  },
};
