/** `npm run bench`: measures, prints one table, writes it as JSON. Says whether goals are reached and fails for none. */
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/clock.ts';
import { packageRoot } from '../src/package-root.ts';
import type { BenchPart } from './part.ts';
import { interrupt } from './parts/interrupt.ts';
import { latency } from './parts/latency.ts';
import { models } from './parts/models.ts';
import { page } from './parts/page.ts';
import { sessions } from './parts/sessions.ts';
import { sherpa } from './parts/sherpa.ts';
import { stages } from './parts/stages.ts';
import { start } from './parts/start.ts';
import { sustained } from './parts/sustained.ts';
import { sync } from './parts/sync.ts';
import { tokens } from './parts/tokens.ts';
import { createProgress } from './progress.ts';
import { type BenchResults, currentCommit, currentLoad, describeMachine, writeResults } from './results.ts';
import { formatTable } from './table.ts';

const PARTS: readonly BenchPart[] = [
  stages,
  sherpa,
  start,
  page,
  latency,
  tokens,
  interrupt,
  sustained,
  sync,
  sessions,
  models,
];
const NAMES = PARTS.map(({ name }) => name).join(',');

/** A run with less than this is a try-out. */
const FULL = { seconds: 60, repeats: 24 };

const USAGE = `Measures what the README says. Let nothing else run meanwhile.

  npm run bench -- [--only ${NAMES}] [--seconds 60] [--repeats 24] [--seed 1] [--models DIR] [--piper FILE] [--busy]

  --only      parts to measure, with commas between
  --seconds   length of the sustained speech, and of the watch over sync
  --repeats   utterances and interruptions; each model runs four times as often
  --seed      of voices and pauses
  --models    another folder of models
  --piper     a voice to compare with sherpa-onnx, see bench/README.md
  --busy      sync with another program on the server's cores, see bench/README.md

A run of all parts, at least that long, becomes bench/results/latest.json; any other goes to bench/results/local/.
`;

interface Request {
  readonly parts: readonly BenchPart[];
  readonly seconds: number;
  readonly repeats: number;
  readonly seed: number;
  readonly modelsDir: string | undefined;
  readonly piperVoice: string | undefined;
  readonly busy: boolean;
}

const numberIn = (name: string, given: string | undefined, preset: number, least: number, most: number): number => {
  const value = given === undefined ? preset : Number(given);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`--${name} takes a whole number from ${least} to ${most}, got "${given}"`);
};

const readRequest = (): Request | null => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string' },
      repeats: { type: 'string' },
      seed: { type: 'string' },
      models: { type: 'string' },
      piper: { type: 'string' },
      busy: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const wanted = values.only?.split(',') ?? PARTS.map(({ name }) => name);
  const unknown = wanted.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) throw new RangeError(`--only takes ${NAMES}, got "${unknown.join(',')}"`);
  return {
    parts: PARTS.filter(({ name }) => wanted.includes(name)),
    seconds: numberIn('seconds', values.seconds, FULL.seconds, 5, 3_600),
    repeats: numberIn('repeats', values.repeats, FULL.repeats, 1, 10_000),
    seed: numberIn('seed', values.seed, 1, 0, 2 ** 32 - 1),
    modelsDir: values.models,
    piperVoice: values.piper,
    busy: values.busy ?? false,
  };
};

const measureAll = async (
  { parts, seconds, repeats, seed, modelsDir, piperVoice, busy }: Request,
  signal: AbortSignal,
): Promise<BenchResults> => {
  const date = new Date(systemClock.wallMs()).toISOString();
  const before = currentLoad();
  const notes: string[] = [];
  const measured: BenchResults['parts'][number][] = [];
  const failed: BenchResults['failed'][number][] = [];
  const traces = new Map<string, { part: string; what: string; points: [number, number][] }>();
  const startMs = systemClock.nowMs();
  for (const part of parts) {
    const progress = createProgress(part.name);
    try {
      const figures = await part.measure({
        clock: systemClock,
        modelsDir: resolve(modelsDir ?? join(packageRoot, 'models')),
        modelsGiven: modelsDir !== undefined,
        piperVoice,
        seed,
        seconds,
        repeats,
        busy,
        progress,
        note: (sentence) => notes.push(sentence),
        trace: (what, atMs, valueMs) => {
          const trace = traces.get(what) ?? { part: part.name, what, points: [] };
          trace.points.push([Math.round((atMs - startMs) / 100) / 10, Math.round(valueMs * 10) / 10]);
          traces.set(what, trace);
        },
        signal,
      });
      measured.push({ part: part.name, figures });
    } catch (error) {
      signal.throwIfAborted();
      failed.push({ part: part.name, error: error instanceof Error ? error.message : String(error) });
    } finally {
      progress.clear();
    }
  }
  return {
    format: 'visavis-bench/1',
    date,
    commit: currentCommit(),
    seed,
    seconds,
    repeats,
    busy,
    machine: describeMachine(),
    load: { before, after: currentLoad() },
    notes,
    parts: measured,
    traces: [...traces.values()],
    failed,
  };
};

const report = async (results: BenchResults): Promise<void> => {
  const { machine, load, commit, date, seed, seconds, repeats, busy, notes, parts, failed } = results;
  const complete =
    !busy && parts.length === PARTS.length && seconds >= FULL.seconds && repeats >= FULL.repeats && failed.length === 0;
  const files = await writeResults(results, complete);
  const lines = [
    formatTable(parts),
    '',
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Node ${machine.node}`,
    `commit ${commit}, ${date}, seed ${seed}, load average ${load.before} before and ${load.after} after`,
    ...notes,
    `p95: 95 of 100 are not worse. Written to ${files.join(' and ')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  for (const { part, error } of failed) process.stderr.write(`${part} could not be measured: ${error}\n`);
  if (failed.length > 0) process.exitCode = 1;
};

const main = async (): Promise<void> => {
  const request = readRequest();
  if (!request) {
    process.stdout.write(USAGE);
    return;
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
  }
  await report(await measureAll(request, stopping.signal));
};

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
// Models that ran on this thread may hold handles of the runtime.
process.exit();
