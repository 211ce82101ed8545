/** Portraits that users bring: the program `avatar`, as it is called. */
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodePng, encodePng, type RgbImage } from '../../src/models/png.ts';
import { editJson, modelsDir } from '../support/models.ts';
import { narrowModels } from '../support/narrow-renderer.ts';
import { run } from '../support/program.ts';

/** Each run starts a program; a busy machine takes seconds for one. */
const PATIENCE_MS = 180_000;

let models: string;
let renderer: string;
let config: string;
/** A file in the folder of models. */
const at = (name: string): string => join(models, name);
const avatar = (...args: string[]) => run('dist/src/avatar.js', [...args, '--config', config]);

const portraitOf = async (name: string): Promise<RgbImage> =>
  decodePng(await readFile(join(modelsDir, 'avatars', name, 'portrait.png')), name);

/** Pictures side by side. */
const beside = (left: RgbImage, right: RgbImage): RgbImage => {
  const { width, height } = left;
  const rgb = new Uint8Array(2 * width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (const [i, picture] of [left, right].entries()) {
      rgb.set(picture.rgb.subarray(3 * width * y, 3 * width * (y + 1)), 3 * width * (2 * y + i));
    }
  }
  return { width: 2 * width, height, rgb };
};
const grey = (width: number, height = width): RgbImage => ({
  width,
  height,
  rgb: new Uint8Array(3 * width * height).fill(130),
});

/** A PNG that says that it is huge. */
const bomb = (side: number): Buffer => {
  const chunk = (type: string, data: Uint8Array) => {
    const named = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1e6))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};

beforeAll(async () => {
  const narrow = await narrowModels();
  ({ models, renderer } = narrow);
  await cp(join(modelsDir, 'avatars/alex'), at('avatars/alex'), { recursive: true, force: true });
  config = at('config.json');
  await writeFile(config, JSON.stringify({ models }));
  const [alex, mia] = [await portraitOf('alex'), await portraitOf('mia')];
  await writeFile(at('two.png'), encodePng(beside(alex, mia)));
  await writeFile(at('aside.png'), encodePng(beside(grey(256), alex)));
  await writeFile(at('blank.png'), encodePng(grey(300)));
  await writeFile(at('small.png'), encodePng(grey(200)));
  await writeFile(at('bomb.png'), bomb(60_000));
  await writeFile(at('text.png'), 'no picture');
  await writeFile(at('me.png'), encodePng(mia));
  return () => narrow.remove();
}, PATIENCE_MS);

describe('a portrait', () => {
  test(
    'that the reader knows becomes an avatar, drawn by the renderer that draws it best',
    async () => {
      const done = await avatar('add', at('me.png'));

      expect(done).toMatchObject({ code: 0, errors: '' });
      expect(done.output).toMatch(
        /face: one that the reader knows \(alex, mia\), 3\d\.\d dB when it is drawn again; at rest/,
      );
      expect(done.output).toMatch(/At rest it is drawn 3\d\.\d dB from the portrait\.\n$/);
      expect(JSON.parse(await readFile(at('avatars/me/avatar.json'), 'utf8'))).toEqual({
        format: 'visavis-avatar/1',
        name: 'me',
        description: 'Made of me.png.',
        portrait: 'portrait.png',
        renderer: 'mia',
        voice: 'slt',
        licence: 'brought by the user',
      });
      const kept = decodePng(await readFile(at('avatars/me/portrait.png')), 'me');
      expect(Buffer.from(kept.rgb).equals(Buffer.from((await portraitOf('mia')).rgb))).toBe(true);
      expect((await avatar('check', 'me')).output).toMatch(/^me: 256 × 256 pixels, drawn by mia, voice slt\n/);
      expect((await avatar('list')).output).toContain('me: renderer mia, voice slt. Made of me.png.');
      expect((await avatar('add', at('me.png'))).errors).toMatch(/me is there already/);
    },
    PATIENCE_MS,
  );

  test(
    'that nobody can check is taken when the user has looked at it, and is told how little a renderer of another face makes of it',
    async () => {
      const refused = await avatar('add', at('blank.png'));
      const taken = await avatar(
        'add',
        at('blank.png'),
        '--as-it-is',
        '--name',
        'wall',
        '--renderer',
        'alex',
        '--voice',
        'rms',
      );

      expect(refused.code).toBe(1);
      expect(refused.errors).toMatch(
        /no face that can be told: the reader knows alex, mia alone.*add it with --as-it-is/,
      );
      expect(taken).toMatchObject({ code: 0, errors: '' });
      expect(taken.output).toMatch(/face: not checked/);
      expect(taken.output).toMatch(/alex has not learnt this face and does not draw it well/);
      expect(await readdir(at('avatars'))).toEqual(expect.not.arrayContaining(['blank', '.blank.part', '.wall.part']));
    },
    PATIENCE_MS,
  );

  test.each([
    ['that is no picture', 'text.png', [], /got something else\. Save the picture again/],
    ['that is not there', 'none.png', [], /got no file/],
    ['that unpacks to gigabytes', 'bomb.png', [], /got 60000 × 60000 pixels\. At most 4096 a side/],
    ['that is too small', 'small.png', [], /got 200 × 200 pixels\. At least 256 a side/],
    ['of two faces', 'two.png', [], /got 2 faces: 256 × 256 pixels at 0, 0; 256 × 256 pixels at 256, 0\. Crop it/],
    ['whose face is not in the middle', 'aside.png', [], /face is not in the middle \(256 × 256 pixels at 256, 0\)/],
    ['for a renderer that is not there', 'me.png', ['--name', 'x', '--renderer', 'nobody'], /no renderer "nobody"/],
    ['with a name that leads elsewhere', 'me.png', ['--name', '../x'], /expected a name of letters/],
  ])(
    '%s is refused with what was expected',
    async (_, file, more, reason) => {
      const done = await avatar('add', at(file), ...more);

      expect(done.code).toBe(1);
      expect(done.errors).toMatch(reason);
      expect(done.errors).not.toMatch(/\n\s+at /);
    },
    PATIENCE_MS,
  );
});

describe('a renderer', () => {
  test(
    'of another layout is told by what it takes, and refused when its layout or a file is wrong',
    async () => {
      const whole = await avatar('check', renderer);
      const broken = at('broken');
      await cp(renderer, broken, { recursive: true });
      const edit = (change: (own: Record<string, unknown>) => object) =>
        editJson(join(broken, 'manifest.json'), (json) => ({
          ...json,
          renderer: change(json['renderer'] as Record<string, unknown>),
        }));
      await edit((own) => ({ ...own, layout: { ...(own['layout'] as object), size: 70 } }));
      const narrower = await avatar('check', broken);
      await edit((own) => ({ ...own, layout: { ...(own['layout'] as object), size: 73 } }));
      await writeFile(join(broken, 'layout.json'), '{"matrix": [[1]], "offset": [0]}');
      const matrix = await avatar('check', broken);
      await rm(join(broken, 'render.onnx'));
      const missing = await avatar('check', broken);

      expect(whole).toMatchObject({ code: 0, errors: '' });
      expect(whole.output).toMatch(
        /narrow-73: a renderer of 256 × 256 pixels from 27 descriptors \(random-73, 73 numbers by layout.json\)/,
      );
      expect([narrower.code, matrix.code, missing.code]).toEqual([1, 1, 1]);
      expect(narrower.errors).toMatch(/expected inputs motion \[1,27,70\], got \[batch,27,73\]/);
      expect(matrix.errors).toMatch(/expected JSON of the layout random-73: "matrix" of 73 rows of 59/);
      expect(missing.errors).toMatch(/render.onnx: the manifest names this file, but it cannot be read/);
    },
    PATIENCE_MS,
  );
});
