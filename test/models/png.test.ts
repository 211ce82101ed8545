import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePng } from '../../src/models/png.ts';
import { modelsDir } from '../support/models.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

const chunk = (type: string, data: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type, 'latin1'), data, Buffer.alloc(4)]);
};

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly pixels: Uint8Array;
  /** Filter type of each row. */
  readonly filters: readonly number[];
}

const header = ({ width, height, channels }: Picture, depth = 8, interlace = 0): Buffer => {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([depth, channels === 3 ? 2 : 6, 0, 0, interlace], 8);
  return chunk('IHDR', data);
};

/** Filters rows as the standard says (§9.2), the mirror image of what the decoder does. */
const body = ({ width, height, channels, pixels, filters }: Picture): Buffer => {
  const stride = width * channels;
  const at = (x: number, y: number) => (x < 0 || y < 0 ? 0 : pixels[y * stride + x]!);
  const rows = Array.from({ length: height }, (_, y) => {
    const filter = filters[y]!;
    const row = Array.from({ length: stride }, (_, x) => {
      const [left, up, corner] = [at(x - channels, y), at(x, y - 1), at(x - channels, y - 1)];
      const estimate = left + up - corner;
      const nearest = [left, up, corner].reduce((best, v) =>
        Math.abs(estimate - v) < Math.abs(estimate - best) ? v : best,
      );
      return at(x, y) - [0, left, up, (left + up) >> 1, nearest][filter]!;
    });
    return [filter, ...row];
  });
  return deflateSync(Uint8Array.from(rows.flat()));
};

const encode = (picture: Picture): Buffer => {
  const data = body(picture);
  const half = data.length >> 1;
  return Buffer.concat([
    Buffer.from(SIGNATURE),
    header(picture),
    chunk('tEXt', Buffer.from('Comment')),
    chunk('IDAT', data.subarray(0, half)),
    chunk('IDAT', data.subarray(half)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};

const pictures = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    channels: fc.constantFrom<Picture['channels']>(3, 4),
  })
  .chain(({ width, height, channels }) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      channels: fc.constant(channels),
      pixels: fc.uint8Array({ minLength: width * height * channels, maxLength: width * height * channels }),
      filters: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: height, maxLength: height }),
    }),
  );

const plain: Picture = { width: 2, height: 1, channels: 3, pixels: new Uint8Array(6), filters: [0] };

test('a picture comes back from every mixture of row filters, without its transparency', () => {
  fc.assert(
    fc.property(pictures, (picture) => {
      const { width, height, rgb } = decodePng(encode(picture), 'test.png');

      const colours = picture.pixels.filter((_, i) => picture.channels === 3 || i % 4 !== 3);
      expect({ width, height, rgb }).toEqual({ width: picture.width, height: picture.height, rgb: colours });
    }),
  );
});

test('the portrait of alex is a face of 256 × 256 pixels', async () => {
  const path = join(modelsDir, 'avatars/alex/portrait.png');

  const { width, height, rgb } = decodePng(await readFile(path), path);
  const centre = rgb.subarray((128 * 256 + 128) * 3);

  expect([width, height]).toEqual([256, 256]);
  expect(centre[0]).toBeGreaterThan(centre[2]!);
});

test.each([
  ['a JPEG', Buffer.from([0xff, 0xd8, 0xff]), 'without the PNG signature'],
  ['16 bits a channel', Buffer.concat([Buffer.from(SIGNATURE), header(plain, 16)]), 'bit depth 16'],
  ['interlace', Buffer.concat([Buffer.from(SIGNATURE), header(plain, 8, 1)]), 'interlace 1'],
  ['a huge picture', Buffer.concat([Buffer.from(SIGNATURE), header({ ...plain, width: 60_000 })]), '60000 × 1 pixels'],
  ['a file cut off', encode(plain).subarray(0, 60), 'ends early'],
  ['damaged data', Buffer.from(encode(plain)).fill(0xff, 70, 75), 'got'],
  ['an unknown filter', encode({ ...plain, filters: [0] }).subarray(0, 20), 'ends early'],
])('%s is refused with what was expected', (_, file, got) => {
  expect(() => decodePng(file, 'face.png')).toThrow(
    expect.objectContaining({
      code: 'bad_model',
      message: expect.stringMatching(new RegExp(`^face.png: expected.*${got}`)),
    }),
  );
});
