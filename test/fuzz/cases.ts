/** How much is tried, and how long one case may take. */
import process from 'node:process';

/** A million cases by `npm run test:long`, a hundred thousand otherwise; `share` of them. */
export const casesOf = (share: number): number =>
  Math.round((process.env['VISAVIS_LONG'] === '1' ? 1_000_000 : 100_000) * share);

/** Most processor time of one case: whoever takes longer keeps others waiting. */
const MAX_CPU_MS = 100;

/** Runs one case. @throws {Error} when it took too much of the processor. */
export const inNoTime = <T>(run: () => T): T => {
  const before = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(before);
  if ((user + system) / 1000 > MAX_CPU_MS) throw new Error(`took ${(user + system) / 1000} ms of the processor`);
  return result;
};
