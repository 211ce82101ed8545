/** Where and under which load the figures were measured, and the files that keep them. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { packageRoot } from '../src/package-root.ts';
import type { Figure } from './figures.ts';
import { plotTraces } from './plot.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
}

/** Values of one kind, in the order in which they were measured. */
export interface Trace {
  readonly part: string;
  readonly what: string;
  /** Seconds since the benchmark began, and ms. */
  readonly points: readonly (readonly [atS: number, valueMs: number])[];
}

/** One run of the benchmark. */
export interface BenchResults {
  readonly format: 'visavis-bench/1';
  /** When it began, ISO 8601. */
  readonly date: string;
  /** Abbreviated hash, `+` behind it when files differed from it; `unknown` outside a repository. */
  readonly commit: string;
  readonly seed: number;
  readonly seconds: number;
  readonly repeats: number;
  /** Whether another program took the cores of the server in `sync`. */
  readonly busy: boolean;
  readonly machine: Machine;
  /** Load average over one minute. */
  readonly load: { readonly before: number; readonly after: number };
  readonly notes: readonly string[];
  readonly parts: readonly { readonly part: string; readonly figures: readonly Figure[] }[];
  readonly traces: readonly Trace[];
  /** Parts that could not be measured, and why. */
  readonly failed: readonly { readonly part: string; readonly error: string }[];
}

export const describeMachine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
});

/** Load average over the last minute, to one decimal. */
export const currentLoad = (): number => Math.round((loadavg()[0] ?? 0) * 10) / 10;

export const currentCommit = (): string => {
  const git = (...given: string[]) =>
    execFileSync('git', given, { cwd: packageRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git(
      'status',
      '--porcelain',
      '--untracked-files=no',
      '--',
      'src',
      'client',
      'config',
      'models',
      'bench/*.ts',
    );
    return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`;
  } catch {
    // A copy without its repository, or a machine without git.
    return 'unknown';
  }
};

/**
 * Writes the results as JSON, and latency over time as a plot.
 * @param complete - Whether every part was measured in full: only then do the results become `latest.json`, which the
 * README quotes; others go to a folder that is not kept.
 * @returns the written files, relative to the working directory.
 */
export const writeResults = async (results: BenchResults, complete: boolean): Promise<string[]> => {
  const folder = join(packageRoot, 'bench', 'results', ...(complete ? [] : ['local']));
  await mkdir(folder, { recursive: true });
  const day = results.date.replaceAll(':', '').replace(/\..*/, '');
  const names = [`${results.commit.replace('+', '-changed')}-${day}.json`, ...(complete ? ['latest.json'] : [])];
  for (const name of names) await writeFile(join(folder, name), `${JSON.stringify(results, null, 2)}\n`);
  if (results.traces.length > 0) {
    const plots = names.map((name) => name.replace('.json', '.svg'));
    for (const name of plots) await writeFile(join(folder, name), plotTraces(results.traces));
    names.push(...plots);
  }
  return names.map((name) => relative(process.cwd(), join(folder, name)));
};
