/** Which processor cores the server and the benchmark may use, by util-linux' `taskset`. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';

/** Of util-linux; other systems may lack it. */
const TASKSET = 'taskset';

/** Some cores for the server alone, the others for this process and what it starts, until disposed. */
export interface CoreSplit extends Disposable {
  /** The server's cores; undefined when they could not be split. */
  readonly server: readonly number[] | undefined;
  /** A sentence about it. */
  readonly description: string;
}

/**
 * Keeps this process off the first `count` cores.
 * @throws {Error} when `taskset` is there and refuses.
 */
export const splitCores = (count: number): CoreSplit => {
  const cores = allowedCores();
  const server = cores.slice(0, count);
  const others = cores.slice(count);
  const missing = spawnSync(TASKSET, ['--version'], { stdio: 'ignore' }).status !== 0;
  if (missing || others.length === 0) {
    return {
      server: undefined,
      description: `not pinned: ${missing ? 'there is no taskset' : `only ${cores.length} cores`}`,
      [Symbol.dispose]: () => undefined,
    };
  }
  moveSelf(others);
  return {
    server,
    description: `server on cores ${server.join(',')}, Chromium on ${others.join(',')}`,
    [Symbol.dispose]: () => moveSelf(cores),
  };
};

const allowedCores = (): number[] => {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
};

const moveSelf = (cores: readonly number[]): void => {
  const list = cores.join(',');
  const { status, stderr } = spawnSync(TASKSET, ['-a', '-c', '-p', list, String(process.pid)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`taskset could not move this process to cores ${list}: ${stderr}`);
};
