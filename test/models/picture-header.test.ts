import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePng } from '../../src/models/png.ts';
import { readPictureHeader } from '../../src/models/picture-header.ts';
import { encodeJpeg, noisePicture } from '../support/jpeg-encoder.ts';

const webp = (kind: string, ...payload: readonly number[]): Uint8Array =>
  Buffer.concat([
    Buffer.from('RIFF....WEBP', 'latin1'),
    Buffer.from(kind, 'latin1'),
    Buffer.alloc(4),
    Buffer.from(payload),
    Buffer.alloc(20),
  ]);

test.each([
  ['VP8 ', webp('VP8 ', 0, 0, 0, 0x9d, 0x01, 0x2a, 0x2c, 0x41, 0xf0, 0x00)],
  ['VP8L', webp('VP8L', 0x2f, 0x2b, 0xc1, 0x3b, 0x00)],
  ['VP8X', webp('VP8X', 0, 0, 0, 0, 0x2b, 0x01, 0, 0xef, 0, 0)],
])('a WebP of the kind %s tells its size', (_, file) => {
  expect(readPictureHeader(file)).toEqual({ format: 'WebP', width: 300, height: 240 });
});

test('PNG and JPEG tell their size', async () => {
  const png = encodePng({ width: 3, height: 2, rgb: new Uint8Array(18) });
  const jpeg = await encodeJpeg(noisePicture(40), 40, '420');

  expect(readPictureHeader(png)).toEqual({ format: 'PNG', width: 3, height: 2 });
  expect(readPictureHeader(jpeg)).toEqual({ format: 'JPEG', width: 40, height: 40 });
});

test('whatever else a file holds is null or a size, and never an exception', () => {
  const beginnings = [
    [0xff, 0xd8, 0xff],
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    [...Buffer.from('RIFF1234WEBPVP8X')],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...beginnings, []), fc.uint8Array({ maxLength: 60 }), (beginning, rest) => {
      const header = readPictureHeader(Uint8Array.from([...beginning, ...rest]));
      if (header) expect(Math.min(header.width, header.height)).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 5_000 },
  );
});
