/** The shipped models with a small renderer of the paper's layers beside them, which draws alex. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { editJson, modelsDir, root } from './models.ts';

/** @returns the folder of models, the renderer's own, and what removes them */
export const narrowModels = async (): Promise<{ models: string; renderer: string; remove: () => Promise<void> }> => {
  const models = await mkdtemp(join(tmpdir(), 'visavis-narrow-'));
  const renderer = join(models, 'renderers/narrow-73');
  await cp(modelsDir, models, { recursive: true });
  await cp(join(root, 'test/fixtures/renderers/narrow-73'), renderer, { recursive: true });
  for (const file of (await readdir(renderer)).filter((name) => name.endsWith('.gz'))) {
    await writeFile(join(renderer, file.slice(0, -3)), gunzipSync(await readFile(join(renderer, file))));
  }
  await editJson(join(models, 'avatars/alex/avatar.json'), (json) => ({ ...json, renderer: 'narrow-73' }));
  return { models, renderer, remove: () => rm(models, { recursive: true }) };
};
