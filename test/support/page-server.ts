/** The built program, started as a user starts it, for all tests of a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { root } from './models.ts';

export interface PageServer extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string;
  readonly process: ChildProcess;
}

/** Lets every session in, with all of its picture: a machine that runs tests beside each other would hardly have room for one. */
const EVERY_SESSION = join(root, 'test/fixtures/every-session.json');

/**
 * Runs `dist/src/main.js` on a free port. Without a configuration of its own it looks at no cost of sessions.
 * @param environment - beside this process' own.
 * @throws {Error} with what it wrote when it ends before it is ready.
 */
export const startPageServer = async (
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<PageServer> => {
  const config = args.includes('--config') ? [] : ['--config', EVERY_SESSION];
  const child = spawn(process.execPath, [join(root, 'dist/src/main.js'), '--port', '0', ...config, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const said: string[] = [];
  const ready = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const address = /ready on (http\S+)/.exec(line)?.[1];
        if (address) resolve(address);
      });
    }
    child.once('exit', () => reject(new Error(`The program ended: ${said.join('\n')}`)));
  });
  return {
    url: await ready,
    process: child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill('SIGINT');
      await once(child, 'exit');
    },
  };
};
