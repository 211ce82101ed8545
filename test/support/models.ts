import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The repository's own folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));
/** The models that the repository ships. */
export const modelsDir = join(root, 'models');

/** A copy of the shipped models that a test may damage; it is removed after the test. */
export const copyModels = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'visavis-models-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(modelsDir, folder, { recursive: true });
  return folder;
};

/** Gives an object of a JSON file to `edit` and writes back what that made of it. */
export const editJson = async (path: string, edit: (json: Record<string, unknown>) => object): Promise<void> => {
  const json = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify(edit(json)));
};
