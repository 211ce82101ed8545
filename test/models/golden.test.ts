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
  }[];
}

const ARRAYS = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array };
/** Of the tensor's peak for float32, absolute for uint8: what the export itself allows. */
const TOLERANCE = { float32: 1e-4, uint8: 1, int64: 0 };

const folder = join(root, 'test/fixtures/golden');
const batches = (await readdir(folder)).filter((file) => file.endsWith('.json'));

test('the voice, the motion model and the renderer have golden batches', () => {
  expect(batches).toEqual(expect.arrayContaining(['voice-rms.json', 'motion-speech.json', 'renderer-realtime.json']));
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
      else feeds[name] = (await run(stored.graph, inputs)).get(name, 'float32');
    }
    const session = await OnnxSession.load(join(root, batch.model, spec.file), spec, { provider: 'cpu' });
    const outputs = await session.run(feeds);
    await session.release();
    return outputs;
  };

  test.each(batch.cases)('$graph gives what PyTorch gave', async ({ graph, inputs, outputs }) => {
    const actual = await run(graph, inputs);

    for (const [name, stored] of Object.entries(outputs)) {
      const expected = read(stored);
      const got = actual.get(name, stored.dtype);
      const wanted = Array.from(expected.data, Number);
      const peak = stored.dtype === 'float32' ? wanted.reduce((top, x) => Math.max(top, Math.abs(x)), 0) : 1;
      const worst = Array.from(got.data, Number).reduce((top, x, i) => Math.max(top, Math.abs(x - wanted[i]!)), 0);
      expect(got.shape).toEqual(stored.shape);
      expect(worst, name).toBeLessThanOrEqual(TOLERANCE[stored.dtype] * peak);
    }
  });
});
