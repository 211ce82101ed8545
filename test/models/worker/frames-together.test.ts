/** Frames of several sessions in one run, with real models in real workers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { MOTION_SIZE } from '../../../src/media.ts';
import { createInference } from '../../../src/models/create-inference.ts';
import { type DoneCall, InferenceThread } from '../../../src/models/worker/inference-client.ts';
import { modelsDir, root } from '../../support/models.ts';
import { narrowModels } from '../../support/narrow-renderer.ts';

const FRAMES = 27;
const BATCH = { frames: 4, waitMs: 10 };

let models: string;
beforeAll(async () => {
  const narrow = await narrowModels();
  ({ models } = narrow);
  return () => narrow.remove();
});

/** Windows of descriptors that differ, of nine sessions. */
const MOTIONS = Array.from({ length: 9 }, (_, session) =>
  Float32Array.from({ length: FRAMES * MOTION_SIZE }, (__, i) => 0.4 * Math.sin(i * (session + 1))),
);

const largest = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

test('are what they are alone, in as few runs as there have to be, beside faces and motion that are not drawn so', async () => {
  const settings = { modelsDir: models, provider: 'cpu' };
  const done: DoneCall[] = [];
  const alone = new InferenceThread('alone', settings);
  const together = new InferenceThread('together', { ...settings, batch: BATCH }, (call) => done.push(call));
  const expected: Uint8Array[] = [];
  for (const motion of MOTIONS) expected.push(await alone.call('render', { avatar: 'alex', motion }));
  await together.call('warmFace', { avatar: 'alex' });
  await together.call('warmFace', { avatar: 'mia' });
  done.length = 0;

  const [frames, others] = await Promise.all([
    Promise.all(MOTIONS.map((motion) => together.call('render', { avatar: 'alex', motion }))),
    Promise.all([0, 1].map(() => together.call('render', { avatar: 'mia', motion: new Float32Array(MOTION_SIZE) }))),
  ]);
  await Promise.all([alone.close(), together.close()]);

  expect(Math.max(...frames.map((frame, i) => largest(frame, expected[i]!)))).toBeLessThanOrEqual(1);
  expect(largest(frames[0]!, frames[1]!)).toBeGreaterThan(5);
  expect(others[0]).toEqual(others[1]);
  const sizes = done.flatMap(({ request, spent }) =>
    'avatar' in request && request.avatar === 'alex' ? [spent.together ?? 1] : [],
  );
  expect(sizes).toHaveLength(MOTIONS.length);
  expect(Math.max(...sizes)).toBe(BATCH.frames);
  expect(sizes.reduce((runs, size) => runs + 1 / size, 0)).toBeCloseTo(3);
  expect(done.every(({ spent }) => spent.waitedMs >= 0 && spent.runMs > 0)).toBe(true);
});

test('that come too late are left out, and what is wrong is told to each of them', async () => {
  const thread = new InferenceThread('together', { modelsDir: models, provider: 'cpu', batch: BATCH });
  await thread.call('warmFace', { avatar: 'alex' });

  const [late, wrong, right, nobody] = await Promise.allSettled([
    thread.call('render', { avatar: 'alex', motion: MOTIONS[0]! }, undefined, { dueMs: 0, orNever: true }),
    thread.call('render', { avatar: 'alex', motion: new Float32Array(5 * FRAMES * MOTION_SIZE) }),
    thread.call('render', { avatar: 'mia', motion: new Float32Array(MOTION_SIZE) }),
    thread.call('render', { avatar: 'nobody', motion: MOTIONS[0]! }),
  ]);
  await thread.close();

  expect(late).toMatchObject({ status: 'rejected', reason: { name: 'OverdueError' } });
  expect(wrong.status).toBe('rejected');
  expect(right.status).toBe('fulfilled');
  expect(nobody).toMatchObject({ status: 'rejected', reason: { code: 'unknown_avatar' } });
});

test.skipIf(
  existsSync(join(root, 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so')),
)('without the libraries of the CUDA provider a server does not start, and says how to get them', async () => {
  await expect(createInference({ modelsDir, provider: 'cuda' })).rejects.toMatchObject({
    code: 'bad_config',
    message: expect.stringMatching(
      /cannot load it with the provider "cuda".*ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild.*inference.provider to "cpu"/,
    ),
  });
});
