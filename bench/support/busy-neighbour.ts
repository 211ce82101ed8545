/** Another program on the server's cores, which wants all of their time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { packageRoot } from '../../src/package-root.ts';

const SCRIPT = join(packageRoot, 'bench', 'support', 'spin.mjs');

export interface BusyNeighbour extends AsyncDisposable {
  /** A sentence about it. */
  readonly description: string;
}

/**
 * Starts a program with one spinning thread a core, at the usual priority and in a session of its own, as the server has: where the
 * kernel shares time between sessions (`sched_autogroup_enabled`) both have the same right to it, elsewhere every thread has.
 * @param cores - The only ones that it uses, by `taskset`; undefined: all.
 */
export const startBusyNeighbour = (cores: readonly number[] | undefined): BusyNeighbour => {
  const threads = cores?.length ?? availableParallelism();
  const pinned = cores ? ['taskset', '-c', cores.join(',')] : [];
  const program = [process.execPath, SCRIPT, String(threads)];
  const [command = process.execPath, ...given] = [...pinned, ...program];
  const child: ChildProcess = spawn(command, given, { stdio: 'ignore', detached: true });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    description: `beside the server a program with ${threads} spinning threads on ${cores ? `cores ${cores.join(',')}` : 'all cores'}`,
    async [Symbol.asyncDispose]() {
      process.off('exit', kill);
      if (child.exitCode !== null) return;
      kill();
      await once(child, 'exit');
    },
  };
};
