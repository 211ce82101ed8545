import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MOTION_SIZE } from '../../src/media.ts';
import { readManifest, verifyFiles } from '../../src/models/manifest.ts';
import { MotionReader, findReader } from '../../src/models/motion-reader.ts';
import { readPictures } from '../../src/stream/media/codecs/media-source.ts';
import { copyModels, editJson, modelsDir } from '../support/models.ts';

const badModel = (pattern: RegExp) =>
  expect.objectContaining({ code: 'bad_model', message: expect.stringMatching(pattern) });

test('the shipped reader reads a resting face in a portrait, weights within 0…1', async () => {
  const described = await findReader(modelsDir);
  const reader = await MotionReader.load(described, { provider: 'cpu' });
  let motion = new Float32Array();

  for await (const rgb of readPictures(join(modelsDir, 'avatars/alex/portrait.png'), reader.size, 25)) {
    motion = Float32Array.from(await reader.read(rgb));
  }

  await reader.release();
  await expect(verifyFiles(described)).resolves.toBeUndefined();
  expect(reader.avatars).toEqual(['alex', 'mia']);
  expect(motion).toHaveLength(MOTION_SIZE);
  const weights = motion.subarray(0, 53);
  expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
  expect(weights.reduce((sum, value) => sum + value, 0) / weights.length).toBeLessThan(0.05);
  for (const angle of motion.subarray(53, 56)) expect(Math.abs(angle)).toBeLessThan(3);
});

test('a models folder without a reader, or with something else in its place, is told with its path', async () => {
  const folder = await copyModels();
  const manifest = join(folder, 'readers/alex-mia/manifest.json');

  await editJson(manifest, (json) => ({ ...json, reader: { ...(json['reader'] as object), size: 128 } }));
  await expect(readManifest(join(folder, 'readers/alex-mia'))).rejects.toThrow(
    badModel(/expected inputs picture \[1,128,128,3\], got \[1,256,256,3\]/),
  );
  await rm(join(folder, 'readers'), { recursive: true });
  await expect(findReader(folder)).rejects.toThrow(badModel(/readers: expected a folder with a reader/));
});
