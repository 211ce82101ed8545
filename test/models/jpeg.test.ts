import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeJpeg } from '../../src/models/jpeg.ts';
import { readPictures } from '../../src/stream/media/codecs/media-source.ts';
import { encodeJpeg, noisePicture } from '../support/jpeg-encoder.ts';
import { temporaryFolder } from '../support/program.ts';

const SIZE = 72;

/** The same file by FFmpeg's decoder. */
const byFfmpeg = async (jpeg: Uint8Array): Promise<Uint8Array> => {
  const path = join(await temporaryFolder(), 'picture.jpg');
  await writeFile(path, jpeg);
  for await (const rgb of readPictures(path, SIZE, 25)) return rgb;
  throw new Error('FFmpeg read no picture.');
};

const meanDifference = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;

const marker = (kind: number, ...payload: readonly number[]): number[] => [
  0xff,
  kind,
  (payload.length + 2) >> 8,
  (payload.length + 2) & 255,
  ...payload,
];

/** A grey picture of 16 × 16 whose four blocks are even: differences of 64 steps of 8 each, two blocks between restarts. */
const restarted = (second: readonly number[]): Uint8Array =>
  Uint8Array.from([
    0xff,
    0xd8,
    ...marker(0xdb, 0, ...Array<number>(64).fill(8)),
    ...marker(0xc0, 8, 0, 16, 0, 16, 1, 1, 0x11, 0),
    // DC: 0 is a difference of 7 bits, 10 none; AC: 0 ends a block.
    ...marker(0xc4, 0x00, 1, 1, ...Array<number>(14).fill(0), 7, 0),
    ...marker(0xc4, 0x10, 1, ...Array<number>(15).fill(0), 0),
    ...marker(0xdd, 0, 2),
    ...marker(0xda, 1, 1, 0x00, 0, 63, 0),
    // 0 1000000 0 | 10 0, filled up with ones.
    0b01000000,
    0b01001111,
    ...second,
    0b01000000,
    0b01001111,
    0xff,
    0xd9,
  ]);

describe('a JPEG', () => {
  test.each(['420', '422', '444'] as const)(
    'with colours sampled as %s is what FFmpeg makes of it',
    async (sampling) => {
      const jpeg = await encodeJpeg(noisePicture(SIZE, sampling), SIZE, sampling);

      const rgb = decodeJpeg(jpeg, SIZE);

      const reference = await byFfmpeg(jpeg);
      expect(rgb).toHaveLength(SIZE * SIZE * 3);
      // Colours of half the size are interpolated there, and repeated here.
      expect(meanDifference(rgb, reference)).toBeLessThan(sampling === '444' ? 1.5 : 5);
      const luma = (picture: Uint8Array) =>
        Uint8Array.from({ length: SIZE * SIZE }, (_, i) =>
          Math.round(0.299 * picture[3 * i]! + 0.587 * picture[3 * i + 1]! + 0.114 * picture[3 * i + 2]!),
        );
      expect(meanDifference(luma(rgb), luma(reference))).toBeLessThan(2);
    },
  );

  test('begins anew at restart markers', () => {
    const rgb = decodeJpeg(restarted([0xff, 0xd0]), 16);

    expect([...new Set(rgb)]).toEqual([128 + (64 * 8) / 8]);
  });

  test('of another size is refused before anything of it is decoded', () => {
    expect(() => decodeJpeg(restarted([0xff, 0xd0]), 24)).toThrow('of 24 × 24 pixels, got one of 16 × 16');
  });

  test.each([
    ['without its restart marker', restarted([]), /restart markers are not in their places|ends early/],
    ['that is a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47), /got something else/],
    ['that is empty', new Uint8Array(), /got something else/],
    ['that ends early', restarted([0xff, 0xd0]).slice(0, -3), /ends early/],
    ['that is progressive', restarted([0xff, 0xd0]).map((byte) => (byte === 0xc0 ? 0xc2 : byte)), /a progressive one/],
    [
      'without its tables',
      Uint8Array.from([
        0xff,
        0xd8,
        ...marker(0xc0, 8, 0, 16, 0, 16, 1, 1, 0x11, 0),
        ...marker(0xda, 1, 1, 0, 0, 63, 0),
      ]),
      /lacks a table/,
    ],
  ])('%s is refused', (_, bytes, reason) => {
    expect(() => decodeJpeg(bytes, 16)).toThrow(
      expect.objectContaining({ code: 'bad_message', message: expect.stringMatching(reason) }),
    );
  });
});
