import { measureStages } from '../stages.ts';
import { type Goal, judged } from '../figures.ts';
import type { BenchPart } from '../part.ts';

/** Goals by the end of a stage's name. */
const GOALS: Readonly<Record<string, Goal>> = {
  'render a frame': { of: 'p50', limit: 25 },
};

/** Each model alone on one thread: time of one call, and of a sentence. */
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
      const goal = Object.entries(GOALS).find(([end]) => name.endsWith(end))?.[1];
      return judged(name, unit, { p50, p95, worst: null }, times, goal ? { goal } : {});
    });
  },
};
