import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { root } from './models.ts';
import { startPageServer } from './page-server.ts';

/** A fresh folder that is removed after the test. */
export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'visavis-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

/** Runs a compiled program of the project to its end. */
export const run = async (
  script: string,
  args: readonly string[],
  input = '',
): Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }> => {
  const child = spawn(process.execPath, [join(root, script), ...args], { cwd: root });
  const [output, errors] = [textOf(child.stdout), textOf(child.stderr)];
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: output(), errors: errors() };
};

/** The real server, with the shipped models, on a free port of the loopback address; it is stopped after the test. */
export const startProgram = async (
  ...given: Parameters<typeof startPageServer>
): Promise<{ readonly address: string; readonly process: ChildProcess }> => {
  const server = await startPageServer(...given);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { address: server.url, process: server.process };
};

const textOf = (stream: NodeJS.ReadableStream): (() => string) => {
  let text = '';
  stream.on('data', (chunk) => (text += String(chunk)));
  return () => text;
};
