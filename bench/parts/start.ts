import { delay } from '../../src/clock.ts';
import { distribution } from '../figures.ts';
import type { BenchPart } from '../part.ts';
import { withServer } from '../support/server-process.ts';

const RUNS = 5;
/** Memory is looked at when the garbage of the start has had time to go. */
const SETTLE_MS = 1_000;

/** The program from its start to its ready line, and the memory that it then has. */
export const start: BenchPart = {
  name: 'start',
  async measure(context) {
    const { clock, progress, signal } = context;
    const readyMs: number[] = [];
    const residentMb: number[] = [];
    for (let run = 1; run <= RUNS; run++) {
      progress.show(`run ${run} of ${RUNS}`);
      await withServer(context, {}, async (server) => {
        readyMs.push(server.readyMs);
        await delay(clock, SETTLE_MS, signal);
        residentMb.push(await server.residentMb());
      });
    }
    return [
      distribution('start to ready', 'ms', readyMs, { goal: { of: 'worst', limit: 5_000 } }),
      distribution('memory after start', 'MB', residentMb, { goal: { of: 'worst', limit: 700 } }),
    ];
  },
};
