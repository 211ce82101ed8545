/** `npm run soak`: lets clients come and go for long, and says whether the server keeps what it should have given back. */
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Clock, delay, systemClock } from '../src/clock.ts';
import { createRandom } from '../src/models/random.ts';
import { packageRoot } from '../src/package-root.ts';
import { percentile } from './figures.ts';
import { createProgress } from './progress.ts';
import { currentCommit, describeMachine } from './results.ts';
import { type Point, slopeOf } from './slope.ts';
import { makeVisit, type Visit, visitOf } from './support/churn.ts';
import { type ServerProcess, withServer } from './support/server-process.ts';

const USAGE = `Lets clients come, speak, interrupt and vanish, and watches what that leaves behind.

  npm run soak -- [--minutes 15] [--visits N] [--clients 2] [--seed 1]

  --minutes   how long; of it, the first fifth warms up and does not count
  --visits    stop after so many visits, however long they take
  --clients   visitors at once
  --seed      of what they do

Once a minute all clients leave, and what the server still holds is noted. It fails when memory, handles or the event loop's
lag grow beyond doubt, or when a session or a handle is left at the end. Written to bench/results/local/.
`;

const LAG = 'nodejs_eventloop_lag_p99_seconds';
const LAG_EVERY_MS = 5000;
const TIDE_MS = 60_000;
/** Sockets that were just closed need a moment, and collecting garbage another. */
const EBB_MS = 3000;
const COLLECTING_MS = 2000;
const MOST_EBB_MS = 60_000;
const WARM_UP_SHARE = 0.2;
/** A slope is beyond doubt when it is so many of its standard errors above what is allowed. */
const DOUBT_ERRORS = 2;
/** Per hour. A process of this size breathes by some megabytes; a real leak by churn is many times that. */
const ALLOWED = { residentMb: 20, heapMb: 10, handles: 4, lagP99Ms: 10 } as const;
/** A handle or two may be a connection of the measurement itself. */
const HANDLES_LEFT = 4;

type Quantity = keyof typeof ALLOWED;

/** What was noted while no client was there; the lag is that of the time before, with clients. */
interface Ebb extends Readonly<Record<Quantity, number>> {
  readonly atMs: number;
  readonly sessions: number;
  readonly visits: number;
}

interface SoakOptions {
  readonly minutes: number;
  readonly visits: number;
  readonly clients: number;
  readonly seed: number;
}

const noteEbb = async (server: ServerProcess, now: Pick<Ebb, 'atMs' | 'lagP99Ms' | 'visits'>): Promise<Ebb> => {
  const [residentMb, heapBytes, handles, sessions] = await Promise.all([
    server.residentMb(),
    server.metric('nodejs_heap_size_used_bytes'),
    server.openHandles(),
    server.metric('visavis_sessions'),
  ]);
  return { ...now, residentMb, heapMb: heapBytes / 2 ** 20, handles, sessions };
};

/** The event loop's lag, every few seconds while `work` is under way: its 99th percentile since the sample before. */
const lagDuring = async (
  server: ServerProcess,
  clock: Clock,
  signal: AbortSignal,
  work: Promise<unknown>,
): Promise<number> => {
  const samples: number[] = [];
  let isOver = false;
  const over = work.finally(() => (isOver = true));
  await server.metric(LAG);
  for (let looks = 1; !isOver; looks += 1) {
    await Promise.race([over, delay(clock, LAG_EVERY_MS, signal)]);
    if (!isOver || looks === 1) samples.push(1000 * (await server.metric(LAG)));
  }
  await over;
  return percentile(samples, 0.5);
};

/** Waits until the server has no session and no garbage. */
const emptied = async (server: ServerProcess, clock: Clock, signal: AbortSignal): Promise<void> => {
  const untilMs = clock.nowMs() + MOST_EBB_MS;
  while ((await server.metric('visavis_sessions')) > 0 && clock.nowMs() < untilMs) await delay(clock, 250, signal);
  await delay(clock, EBB_MS, signal);
  server.signal('SIGUSR2');
  await delay(clock, COLLECTING_MS, signal);
};

interface Soaked {
  readonly ebbs: readonly Ebb[];
  readonly visits: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
}

const soak = async (
  server: ServerProcess,
  options: SoakOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<Soaked> => {
  const random = createRandom(options.seed);
  const visits: Record<string, number> = {};
  const failures: Record<string, number> = {};
  const ebbs: Ebb[] = [];
  const progress = createProgress('soak');
  const startMs = clock.nowMs();
  const endMs = startMs + options.minutes * 60_000;
  let count = 0;
  const isOver = () => clock.nowMs() >= endMs || count >= options.visits;
  const visitUntil = async (untilMs: number) => {
    while (clock.nowMs() < untilMs && !isOver()) {
      const visit: Visit = visitOf(random.uniform());
      count += 1;
      visits[visit] = (visits[visit] ?? 0) + 1;
      progress.show(`${count} visits, ${Math.round((clock.nowMs() - startMs) / 1000)} s`);
      try {
        await makeVisit(visit, { address: server.address, clock, random, signal });
      } catch (error) {
        signal.throwIfAborted();
        const reason = `${visit}: ${error instanceof Error ? error.message : String(error)}`;
        failures[reason] = (failures[reason] ?? 0) + 1;
      }
    }
  };
  const ebb = async (lagP99Ms: number) => {
    await emptied(server, clock, signal);
    ebbs.push(await noteEbb(server, { atMs: clock.nowMs() - startMs, lagP99Ms, visits: count }));
  };
  try {
    await ebb(0);
    while (!isOver()) {
      const tideMs = clock.nowMs() + TIDE_MS;
      const tide = Promise.all(Array.from({ length: options.clients }, () => visitUntil(tideMs)));
      await ebb(await lagDuring(server, clock, signal, tide));
    }
  } finally {
    progress.clear();
  }
  return { ebbs, visits, failures };
};

/** What a quantity did, and whether that is a leak beyond doubt. */
const judge = (quantity: Quantity, ebbs: readonly Ebb[]) => {
  const counted = ebbs.slice(Math.max(1, Math.ceil(ebbs.length * WARM_UP_SHARE)));
  const points = counted.map((ebb): Point => ({ atMs: ebb.atMs, value: ebb[quantity] }));
  const { perMs, errorPerMs } = slopeOf(points);
  const [perHour, errorPerHour] = [perMs * 3_600_000, errorPerMs * 3_600_000];
  return {
    quantity,
    before: ebbs[0]?.[quantity] ?? Number.NaN,
    warm: points[0]?.value ?? Number.NaN,
    end: points.at(-1)?.value ?? Number.NaN,
    perHour,
    errorPerHour,
    allowedPerHour: ALLOWED[quantity],
    grows: perHour - DOUBT_ERRORS * errorPerHour > ALLOWED[quantity],
  };
};

const verdictOf = ({ ebbs }: Soaked) => {
  const quantities = (Object.keys(ALLOWED) as Quantity[]).map((quantity) => judge(quantity, ebbs));
  const handles = quantities.find(({ quantity }) => quantity === 'handles');
  const problems = [
    ...quantities.filter(({ grows }) => grows).map(({ quantity }) => `${quantity} grows`),
    ...((ebbs.at(-1)?.sessions ?? 0) > 0 ? ['sessions are left'] : []),
    ...((handles?.end ?? 0) - (handles?.warm ?? 0) > HANDLES_LEFT ? ['handles are left'] : []),
  ];
  return { quantities, problems };
};

const report = async (options: SoakOptions, soaked: Soaked, load: readonly number[]): Promise<boolean> => {
  const { quantities, problems } = verdictOf(soaked);
  const made = Object.values(soaked.visits).reduce((sum, count) => sum + count, 0);
  const failed = Object.values(soaked.failures).reduce((sum, count) => sum + count, 0);
  const date = new Date(systemClock.wallMs()).toISOString();
  const folder = join(packageRoot, 'bench', 'results', 'local');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `soak-${date.replaceAll(':', '').replace(/\..*/, '')}.json`);
  const result = {
    format: 'visavis-soak/1',
    date,
    commit: currentCommit(),
    ...options,
    machine: describeMachine(),
    load: { before: load[0], after: load[1] },
    problems,
    quantities,
    ...soaked,
  };
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  const number = (value: number) => value.toFixed(1).padStart(10);
  const lines = [
    `${''.padEnd(12)}${['start', 'warm', 'end', 'an hour', '±', 'allowed'].map((name) => name.padStart(10)).join('')}`,
    ...quantities.map(
      ({ quantity, before, warm, end, perHour, errorPerHour, allowedPerHour }) =>
        `${quantity.padEnd(12)}${[before, warm, end, perHour, errorPerHour, allowedPerHour].map(number).join('')}`,
    ),
    '',
    `${made} visits, ${failed} failed${Object.entries(soaked.failures)
      .map(([reason, count]) => `\n  ${count} × ${reason}`)
      .join('')}`,
    `load average ${load.map((value) => value.toFixed(1)).join(' before and ')} after`,
    problems.length === 0 ? 'Nothing is left behind.' : `LEFT BEHIND: ${problems.join(', ')}`,
    `Written to ${relative(process.cwd(), file)}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return problems.length === 0;
};

const numberIn = (name: string, given: string | undefined, preset: number, least: number, most: number): number => {
  const value = given === undefined ? preset : Number(given);
  if (value >= least && value <= most) return value;
  throw new RangeError(`--${name} takes a number from ${least} to ${most}, got "${given}"`);
};

const readOptions = (): SoakOptions | null => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      visits: { type: 'string' },
      clients: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const visits = numberIn('visits', values.visits, Infinity, 1, Infinity);
  return {
    minutes: numberIn('minutes', values.minutes, values.visits === undefined ? 15 : 24 * 60, 0.5, 7 * 24 * 60),
    visits,
    clients: numberIn('clients', values.clients, 2, 1, 1000),
    seed: numberIn('seed', values.seed, 1, 0, 2 ** 32 - 1),
  };
};

const main = async (): Promise<void> => {
  const options = readOptions();
  if (!options) {
    process.stdout.write(USAGE);
    return;
  }
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => stopping.abort(new Error(`stopped by ${name}`)));
  }
  const { signal } = stopping;
  const modelsDir = join(packageRoot, 'models');
  const before = loadavg()[0] ?? 0;
  const preload = join(packageRoot, 'bench', 'support', 'collect-garbage.mjs');
  const soaked = await withServer(
    { clock: systemClock, modelsDir, modelsGiven: false, signal },
    { preload },
    (server) => soak(server, options, systemClock, signal),
  );
  if (!(await report(options, soaked, [before, loadavg()[0] ?? 0]))) process.exitCode = 1;
};

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
process.exit();
