import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPortrait } from '../../src/models/face-renderer.ts';
import { readManifest } from '../../src/models/manifest.ts';
import {
  type GraphSpec,
  OnnxSession,
  type Outputs,
  type Tensor,
  type TensorDtype,
} from '../../src/models/onnx-session.ts';
import { root } from '../support/models.ts';

/** A tensor in the .bin file, a picture, or the output of the same name of another graph that is fed with this case's inputs. */
type Stored =
  | { readonly dtype: TensorDtype; readonly shape: readonly number[]; readonly offset: number }
  | { readonly file: string }
  | { readonly graph: string };

interface GoldenBatch {
  /** Folder of the model, seen from the repository. */
  readonly model: string;
  readonly cases: readonly {
    readonly graph: string;
    readonly inputs: Readonly<Record<string, Stored>>;
    readonly outputs: Readonly<Record<string, Extract<Stored, { offset: number }>>>;
    /** How far bytes may be off, any of them and on average; 1 where nothing is said. */
    readonly byteTolerance?: { readonly most: number; readonly mean: number };
  }[];
}

const ARRAYS = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array };
/** What the export itself allows, of the tensor's peak. */
const FLOAT_TOLERANCE = 1e-4;

const folder = join(root, 'test/fixtures/golden');
const batches = (await readdir(folder)).filter((file) => file.endsWith('.json'));

test('the voice, the motion model, the renderers and the reader have golden batches', () => {
  expect(batches).toEqual(
    expect.arrayContaining([
      'voice-rms.json',
      'motion-speech.json',
      'renderer-alex.json',
      'renderer-mia.json',
      'reader-alex-mia.json',
    ]),
  );
});

describe.each(batches)('%s', async (file) => {
  const batch = JSON.parse(await readFile(join(folder, file), 'utf8')) as GoldenBatch;
  const { buffer } = Uint8Array.from(await readFile(join(folder, file.replace('.json', '.bin'))));
  const { manifest } = await readManifest(join(root, batch.model));
  const graphs: Readonly<Record<string, GraphSpec>> = manifest.files;

  const read = ({ dtype, shape, offset }: Extract<Stored, { offset: number }>) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return { dtype, shape, data: new ARRAYS[dtype](buffer, offset, length) } as Tensor;
  };

  const run = async (graph: string, inputs: Readonly<Record<string, Stored>>): Promise<Outputs> => {
    const spec = graphs[graph]!;
    const feeds: Record<string, Tensor> = {};
    for (const name of Object.keys(spec.inputs)) {
      const stored = inputs[name]!;
      if ('offset' in stored) feeds[name] = read(stored);
      else if ('file' in stored) feeds[name] = await readPortrait(join(root, stored.file), 256);
      else feeds[name] = (await run(stored.graph, inputs)).any(name);
    }
    const session = await OnnxSession.load(join(root, batch.model, spec.file), spec, { provider: 'cpu' });
    const outputs = await session.run(feeds);
    await session.release();
    return outputs;
  };

  test.each(batch.cases)(
    '$graph gives what PyTorch gave',
    async ({ graph, inputs, outputs, byteTolerance = { most: 1, mean: 1 } }) => {
      const actual = await run(graph, inputs);

      for (const [name, stored] of Object.entries(outputs)) {
        const expected = read(stored);
        const got = actual.get(name, stored.dtype);
        const wanted = Array.from(expected.data, Number);
        const off = Array.from(got.data, Number).map((x, i) => Math.abs(x - wanted[i]!));
        const worst = off.reduce((top, x) => Math.max(top, x), 0);
        const mean = off.reduce((sum, x) => sum + x, 0) / off.length;
        const peak = wanted.reduce((top, x) => Math.max(top, Math.abs(x)), 0);
        const isByte = stored.dtype === 'uint8';
        expect(got.shape).toEqual(stored.shape);
        expect(worst, name).toBeLessThanOrEqual(
          isByte ? byteTolerance.most : stored.dtype === 'float32' ? FLOAT_TOLERANCE * peak : 0,
        );
        if (isByte) expect(mean, name).toBeLessThanOrEqual(byteTolerance.mean);
      }
    },
  );
});
