/** Imitation from end to end: a clip of a known track of descriptors, drawn by the project's own renderer, is read and drawn again. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, test } from 'vitest';
import { FRAMES_PER_SECOND, MOTION_SIZE } from '../../src/media.ts';
import { find, readCatalog } from '../../src/models/catalog.ts';
import { FaceRenderer } from '../../src/models/face-renderer.ts';
import { EXPRESSION_NAMES } from '../../src/pipeline/motion-control.ts';
import { createFileWriter } from '../../src/stream/media/codecs/file-writer.ts';
import { probeMedia, readPictures } from '../../src/stream/media/codecs/media-source.ts';
import { modelsDir } from '../support/models.ts';
import { run } from '../support/program.ts';
import { barFrame, toneSlot } from '../support/synthetic-media.ts';

const FRAMES = 50;
const RATE_HZ = 16_000;
const YAW = 53;
const [JAW, SMILE_L, SMILE_R, BLINK_L, BLINK_R, BROW_L, BROW_R] = [
  'jawOpen',
  'mouthSmile_L',
  'mouthSmile_R',
  'eyeBlink_L',
  'eyeBlink_R',
  'browInnerUp_L',
  'browInnerUp_R',
].map((name) => EXPRESSION_NAMES.indexOf(name)) as [number, number, number, number, number, number, number];

/** Speaks with the jaw, smiles, blinks twice, raises the brows, and turns its head. */
const TRACK = Array.from({ length: FRAMES }, (_, i) => {
  const motion = new Float32Array(MOTION_SIZE);
  const phase = (2 * Math.PI * i) / FRAMES;
  motion[JAW] = 0.25 - 0.25 * Math.cos(5 * phase);
  motion[SMILE_L] = motion[SMILE_R] = 0.4 - 0.4 * Math.cos(phase);
  motion[BLINK_L] = motion[BLINK_R] = i % 25 >= 10 && i % 25 < 15 ? 1 : 0;
  motion[BROW_L] = motion[BROW_R] = 0.4 + 0.4 * Math.sin(2 * phase);
  motion[YAW] = 12 * Math.sin(phase);
  return motion;
});

const imitate = (...args: string[]) => run('dist/src/imitate.js', args);

/** Draws the track with an avatar into a file, with a tone or without. */
const film = async (avatar: string, path: string, sampleRateHz: number | null): Promise<void> => {
  const { avatars, renderers } = await readCatalog(modelsDir);
  const described = find(avatars, avatar, 'unknown_avatar', 'avatar');
  const renderer = find(renderers, described.manifest.renderer, 'bad_model', 'renderer');
  const face = await FaceRenderer.load(described, renderer, { provider: 'cpu' });
  const writer = await createFileWriter(path, { sampleRateHz, size: face.size, fps: FRAMES_PER_SECOND });
  for (const [i, motion] of TRACK.entries()) {
    await writer.writeVideo(await face.render(motion));
    await writer.writeAudio(toneSlot(i, RATE_HZ).pcm);
  }
  await writer.close();
  await face.release();
};

/** The array `motion` of an .npz file, a row a frame. */
const readMotion = async (path: string): Promise<Float32Array[]> => {
  const npy = Uint8Array.from(unzipSync(await readFile(path))['motion.npy'] ?? []);
  const begin = 10 + new DataView(npy.buffer).getUint16(8, true);
  const values = new Float32Array(npy.buffer.slice(begin));
  return Array.from({ length: values.length / MOTION_SIZE }, (_, i) =>
    values.subarray(i * MOTION_SIZE, (i + 1) * MOTION_SIZE),
  );
};

/** How alike the courses of two tracks are in one column, -1…1 (Pearson). */
const correlation = (a: readonly Float32Array[], b: readonly Float32Array[], column: number): number => {
  const [x, y] = [a, b].map((track) => {
    const values = track.map((row) => row[column] ?? 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  }) as [number[], number[]];
  const product = (u: readonly number[], v: readonly number[]) => u.reduce((sum, value, i) => sum + value * v[i]!, 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
};
const meanError = (a: readonly Float32Array[], b: readonly Float32Array[], columns: readonly number[]): number =>
  a.reduce((sum, row, i) => sum + columns.reduce((all, k) => all + Math.abs(row[k]! - b[i]![k]!), 0), 0) /
  (a.length * columns.length);

const MOVED = [JAW, SMILE_L, SMILE_R, BLINK_L, BLINK_R, BROW_L, BROW_R];
const EXPRESSIONS = EXPRESSION_NAMES.map((_, index) => index);

/** That a track does what the known one does. */
const expectToFollow = (track: readonly Float32Array[]): void => {
  expect(track).toHaveLength(FRAMES);
  for (const column of [...MOVED, YAW])
    expect(correlation(track, TRACK, column), `column ${column}`).toBeGreaterThan(0.85);
  // Of one who always says what the track is on average, it is 0.25.
  expect(meanError(track, TRACK, MOVED)).toBeLessThan(0.2);
  expect(meanError(track, TRACK, [YAW])).toBeLessThan(2);
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'visavis-imitate-'));
  return () => rm(folder, { recursive: true });
});

describe.each([
  ['alex', 'mia'],
  ['mia', 'alex'],
])('a clip of %s', (from, to) => {
  test('is read as it was drawn', async () => {
    const [clip, motion] = [join(folder, `${from}.mp4`), join(folder, `${from}.npz`)];
    await film(from, clip, RATE_HZ);

    const done = await imitate(clip, '--out', motion);

    expect(done).toMatchObject({ code: 0, errors: '', output: `${motion}: 2.00 s\n` });
    expectToFollow(await readMotion(motion));
  });

  test(`is imitated by ${to}, with its sound`, async () => {
    const [clip, out, again] = [`${from}.mp4`, `${to}-as-${from}.mp4`, `${to}-again.npz`].map((name) =>
      join(folder, name),
    ) as [string, string, string];

    const done = await imitate(clip, '--avatar', to, '--out', out);
    await imitate(out, '--out', again);

    expect(done).toMatchObject({ code: 0, errors: '' });
    const info = await probeMedia(out);
    expect(info.hasSound).toBe(true);
    expect(info.durationMs).toBeLessThan(2100);
    expectToFollow(await readMotion(again));
  });
});

test('a clip without sound is imitated without sound', async () => {
  const [clip, out] = ['silent.mp4', 'out.webm'].map((name) => join(folder, name)) as [string, string];
  await film('mia', clip, null);

  const done = await imitate(clip, '--avatar', 'mia', '--out', out);

  expect(done).toMatchObject({ code: 0, errors: '' });
  expect(await probeMedia(out)).toMatchObject({ hasSound: false });
  let frames = 0;
  for await (const _ of readPictures(out, 64, FRAMES_PER_SECOND)) frames += 1;
  expect(frames).toBe(FRAMES);
});

test('a picture gives its one descriptor', async () => {
  const out = join(folder, 'portrait.npz');

  const done = await imitate(join(modelsDir, 'avatars/mia/portrait.png'), '--out', out);

  expect(done).toMatchObject({ code: 0, errors: '' });
  const [motion, ...others] = await readMotion(out);
  expect(others).toEqual([]);
  // A portrait shows its avatar at rest: nearly all is 0.
  expect(meanError([motion!], [new Float32Array(MOTION_SIZE)], EXPRESSIONS)).toBeLessThan(0.05);
});

test('who looks like nobody that the reader knows is told so', async () => {
  const [clip, out] = ['bars.mp4', 'bars.npz'].map((name) => join(folder, name)) as [string, string];
  const writer = await createFileWriter(clip, { sampleRateHz: null, size: 256, fps: FRAMES_PER_SECOND });
  for (let i = 0; i < 3; i++) await writer.writeVideo(barFrame(i, 256).i420);
  await writer.close();

  const done = await imitate(clip, '--out', out);

  expect(done.code).toBe(0);
  expect(done.errors).toMatch(/look like none of alex, mia.*not to be trusted: see docs\/imitation\.md/);
});

test.each([
  [['clip.mp4'], 'npm run imitate', 2],
  [['clip.mp4', '--out', 'x.wav'], '.mp4, .webm or .npz', 1],
  [['x.mp4', '--out', 'x.mp4'], 'another file than the video itself', 1],
  [['none.mp4', '--out', 'x.mp4'], 'got no file', 1],
  [['text.mp4', '--out', 'x.mp4'], 'expected a video or picture', 1],
  [['cut.mp4', '--out', 'x.mp4'], 'no frame can be decoded', 1],
  [['alex.mp4', '--out', 'x.mp4', '--avatar', 'nobody'], 'alex, mia', 1],
] as [string[], string, number][])('a wrong request is answered with the way out: %s', async (args, answer, code) => {
  await writeFile(join(folder, 'text.mp4'), 'This is no video.'.repeat(100));
  const whole = await readFile(join(folder, 'alex.mp4'));
  // All that the file says of itself, and nothing of what it holds.
  await writeFile(join(folder, 'cut.mp4'), whole.subarray(0, whole.indexOf('mdat') + 4));

  const done = await imitate(
    join(folder, args[0]!),
    ...args.slice(1).map((arg) => (arg.startsWith('x.') ? join(folder, arg) : arg)),
  );

  expect(done.output + done.errors).toContain(answer);
  expect(done.code).toBe(code);
});
