/** The program itself, as a newcomer starts it, in a process of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type Clock, delay } from '../../src/clock.ts';
import { packageRoot } from '../../src/package-root.ts';
import type { BenchContext } from '../part.ts';

/** A start that takes longer has failed. */
const START_TIMEOUT_MS = 120_000;
/** A server that has not stopped by then is killed. */
const STOP_TIMEOUT_MS = 5_000;
/** How much of what a failed server wrote is shown. */
const SHOWN_CHARACTERS = 4_000;
/** Linux counts processor time in hundredths of a second (`getconf CLK_TCK`). */
const TICKS_A_SECOND = 100;

/** A server that listens on loopback. */
export interface ServerProcess {
  /** For example `http://127.0.0.1:40123`. */
  readonly address: string;
  /** From the start of the process to its ready line. */
  readonly readyMs: number;
  /** Memory that it occupies (VmRSS), MB of 2^20 bytes. */
  residentMb(): Promise<number>;
  /** Files, sockets and pipes that it has open. */
  openHandles(): Promise<number>;
  /** Processor time of all its threads since it started, seconds. */
  cpuSeconds(): Promise<number>;
  /** Sends it a signal that does not end it. */
  signal(name: 'SIGUSR2'): void;
  /** Sum of a metric of `/metrics` over its labels. */
  metric(name: string): Promise<number>;
}

export interface ServerOptions {
  /** The only cores that it may use, by `taskset`. @default all */
  readonly cores?: readonly number[] | undefined;
  /** Module that is loaded before the program. */
  readonly preload?: string;
}

/**
 * Starts `dist/src/main.js` on a free port, does `work` with it, and stops it.
 * @returns what `work` gives.
 * @throws {Error} with what the server wrote, when it does not become ready or ends before `work` does.
 */
export const withServer = async <Result>(
  { clock, modelsDir, modelsGiven, signal }: Pick<BenchContext, 'clock' | 'modelsDir' | 'modelsGiven' | 'signal'>,
  { cores, preload }: ServerOptions,
  work: (server: ServerProcess) => Promise<Result>,
): Promise<Result> => {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'visavis-bench-'));
  try {
    const program = [
      ...(preload === undefined ? [] : ['--import', preload]),
      join(packageRoot, 'dist', 'src', 'main.js'),
      '--port',
      '0',
      '--host',
      '127.0.0.1',
    ];
    if (modelsGiven) {
      const config = join(folder, 'config.json');
      await writeFile(config, JSON.stringify({ models: modelsDir }));
      program.push('--config', config);
    }
    const startedMs = clock.nowMs();
    await using child = startChild(cores, program, clock, signal);
    const server = await child.unlessEnded(whenReady(child.process, startedMs, clock, signal));
    return await child.unlessEnded(work(server));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

type Child = ChildProcessByStdio<null, Readable, Readable>;

interface RunningChild extends AsyncDisposable {
  readonly process: Child;
  /** What `work` gives; its failure is told as the child's end when the child has ended. */
  unlessEnded<Result>(work: Promise<Result>): Promise<Result>;
}

const startChild = (
  cores: readonly number[] | undefined,
  program: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): RunningChild => {
  const [command, ...given] = [...(cores ? ['taskset', '-c', cores.join(',')] : []), process.execPath, ...program];
  // In a process group of its own, so that Ctrl-C reaches it through this process only.
  const child = spawn(command!, given, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let written = '';
  child.stderr.on('data', (bytes: Buffer) => {
    written = (written + bytes.toString()).slice(-SHOWN_CHARACTERS);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, by) => resolve(`the server ended with ${by ?? code}\n${written}`));
    child.once('error', (error) => resolve(`the server could not be started: ${error.message}`));
  });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  // The server may also be left alone: by a crash of this process, which is told here at the latest.
  process.once('exit', kill);
  return {
    process: child,
    async unlessEnded(work) {
      const end = ended.then((how) => {
        signal.throwIfAborted();
        throw new Error(how);
      });
      return Promise.race([work, end]);
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', kill);
      const stopping = new AbortController();
      child.kill('SIGINT');
      const giveUp = delay(clock, STOP_TIMEOUT_MS, stopping.signal).then(kill, () => undefined);
      await ended;
      stopping.abort();
      await giveUp;
      process.off('exit', kill);
    },
  };
};

/** Resolves at the ready line. */
const whenReady = async (
  child: Child,
  startedMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<ServerProcess> => {
  const waiting = new AbortController();
  const timeout = delay(clock, START_TIMEOUT_MS, AbortSignal.any([signal, waiting.signal])).then(() => {
    throw new Error(`the server was not ready after ${START_TIMEOUT_MS} ms`);
  });
  const announced = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = /ready on (http:\S+)/.exec(line)?.[1];
      if (address) resolve(address);
    });
  });
  const address = await Promise.race([announced, timeout]).finally(() => waiting.abort());
  return {
    address,
    readyMs: clock.nowMs() - startedMs,
    residentMb: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) / 1024;
    },
    signal: (name) => void child.kill(name),
    openHandles: async () => (await readdir(`/proc/${child.pid}/fd`)).length,
    cpuSeconds: async () => {
      // Fields 14 and 15 of proc(5), counted after the command's name, which is in parentheses.
      const fields = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
    },
    metric: async (name) => {
      const text = await (await fetch(`${address}/metrics`, { signal })).text();
      const values = [...text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, 'gm'))];
      if (values.length === 0) throw new Error(`/metrics has no ${name}`);
      return values.reduce((sum, [, value]) => sum + Number(value), 0);
    },
  };
};
