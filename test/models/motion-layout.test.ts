import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createInference } from '../../src/models/create-inference.ts';
import { readLayout } from '../../src/models/motion-layout.ts';
import { narrowModels } from '../support/narrow-renderer.ts';

const SPEC = { name: 'random-73', size: 73, file: 'layout.json' };
let models: string;
let renderer: string;

beforeAll(async () => {
  const narrow = await narrowModels();
  ({ models, renderer } = narrow);
  return () => narrow.remove();
});

test('a layout multiplies each row with its matrix and adds its offset', async () => {
  const { matrix, offset } = JSON.parse(await readFile(join(renderer, 'layout.json'), 'utf8')) as {
    matrix: number[][];
    offset: number[];
  };
  const rows = new Float32Array(2 * 59);
  rows[3] = 1;
  rows[59 + 53] = 10;

  const { size, convert } = await readLayout(renderer, SPEC);

  expect(size).toBe(73);
  const wanted = [
    ...matrix.map((row, i) => row[3]! + offset[i]!),
    ...matrix.map((row, i) => 10 * row[53]! + offset[i]!),
  ];
  convert(rows).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 4));
});

test('a layout that does not fit is refused with what was expected', async () => {
  await expect(readLayout(renderer, { ...SPEC, size: 70 })).rejects.toThrow(
    /layout.json: expected JSON of the layout random-73: "matrix" of 70 rows of 59 and "offset" of 70, got: .*matrix/s,
  );
  await expect(readLayout(renderer, { ...SPEC, file: 'none.json' })).rejects.toThrow(/none.json: .* no file/);
});

test('a renderer of the paper’s size with 73 coefficients in windows of 27 frames draws an avatar', async () => {
  const inference = await createInference({ modelsDir: models });
  const avatar = await inference.face('alex');

  const atRest = await avatar.render(new Float32Array(avatar.motionFrames * 59));
  const turned = await avatar.render(new Float32Array(avatar.motionFrames * 59).fill(0.3));
  await inference.close();

  expect(avatar.motionFrames).toBe(27);
  expect(avatar.motionCentre).toBe(13);
  expect(atRest).toHaveLength(256 * 256 * 1.5);
  expect(turned).not.toEqual(atRest);
});
