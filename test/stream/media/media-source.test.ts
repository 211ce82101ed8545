import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFileWriter } from '../../../src/stream/media/codecs/file-writer.ts';
import { probeMedia, readPictures, readSound } from '../../../src/stream/media/codecs/media-source.ts';
import { modelsDir } from '../../support/models.ts';
import { temporaryFolder } from '../../support/program.ts';
import { toneSlot } from '../../support/synthetic-media.ts';

const RATE_HZ = 16_000;
const FPS = 25;
const FRAMES = 10;

/** Frames of one luma each, 20 brighter from one to the next, with or without a tone. */
const write = async (name: string, size: number, sampleRateHz: number | null, fps = FPS): Promise<string> => {
  const path = join(await temporaryFolder(), name);
  const writer = await createFileWriter(path, { sampleRateHz, size, fps });
  for (let i = 0; i < FRAMES; i++) {
    const i420 = new Uint8Array((size * size * 3) / 2).fill(128);
    i420.fill(20 + 20 * i, 0, size * size);
    await writer.writeVideo(i420);
    await writer.writeAudio(toneSlot(i, RATE_HZ).pcm);
  }
  await writer.close();
  return path;
};

const collect = async <T>(parts: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const part of parts) all.push(part);
  return all;
};

const greys = async (path: string, size: number): Promise<number[]> =>
  (await collect(readPictures(path, size, FPS))).map((rgb) => {
    expect(rgb).toHaveLength(size * size * 3);
    return rgb.reduce((sum, value) => sum + value, 0) / rgb.length;
  });

describe.each(['mp4', 'webm'])('a .%s file', (kind) => {
  test('gives its pictures, scaled, and its sound', async () => {
    const path = await write(`clip.${kind}`, 64, RATE_HZ);

    const info = await probeMedia(path);
    const levels = await greys(path, 32);
    const sound = (await collect(readSound(path, RATE_HZ))).flatMap((pcm) => [...pcm]);

    expect(info.hasSound).toBe(true);
    expect(info.durationMs).toBeGreaterThanOrEqual(380);
    expect(levels).toHaveLength(FRAMES);
    for (const [i, level] of levels.entries()) expect(Math.abs(level - ((4 + 20 * i) * 255) / 219)).toBeLessThan(6);
    expect(sound.length / RATE_HZ).toBeGreaterThanOrEqual(0.39);
    expect(sound.length / RATE_HZ).toBeLessThan(0.5);
    expect(Math.max(...sound)).toBeGreaterThan(0.4);
  });
});

test('a file at another rate is brought to the wanted one', async () => {
  const path = await write('slow.mp4', 64, null, 10);

  expect(await greys(path, 64)).toHaveLength(FRAMES * 2.5);
});

test('a file without sound says so and gives none', async () => {
  const path = await write('silent.mp4', 64, null);

  expect(await probeMedia(path)).toMatchObject({ hasSound: false });
  expect(await collect(readSound(path, RATE_HZ))).toEqual([]);
  expect(await greys(path, 64)).toHaveLength(FRAMES);
});

test('a picture is one frame', async () => {
  const path = join(modelsDir, 'avatars/alex/portrait.png');

  const [rgb, ...others] = await collect(readPictures(path, 256, FPS));

  expect(await probeMedia(path)).toMatchObject({ hasSound: false });
  expect(rgb).toHaveLength(256 * 256 * 3);
  expect(others).toEqual([]);
});

test.each(['mp4', 'webm'])(
  'a damaged .%s file gives what can be read of it, or an error that says so',
  async (kind) => {
    const whole = await readFile(await write(`clip.${kind}`, 64, RATE_HZ));
    const path = join(await temporaryFolder(), `damaged.${kind}`);
    const place = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) });
    const read = async (parts: AsyncIterable<unknown>) => {
      let count = 0;
      // A damaged time may ask for any number of frames.
      for await (const _ of parts) if ((count += 1) > 100) return;
    };

    await fc.assert(
      fc.asyncProperty(fc.array(place, { maxLength: 10 }), fc.nat(whole.length), async (changes, cut) => {
        const bytes = Buffer.from(cut % 3 === 0 ? whole.subarray(0, cut) : whole);
        for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
        await writeFile(path, bytes);
        try {
          await probeMedia(path);
          await read(readPictures(path, 64, FPS));
          await read(readSound(path, RATE_HZ));
        } catch (error) {
          expect(error).toMatchObject({ name: 'VisavisError', code: 'unsupported_media' });
        }
      }),
      { numRuns: 30 },
    );
  },
);

describe('what is no video is refused, with what it is:', () => {
  test('no file, a folder, text, a playlist of other files', async () => {
    const folder = await temporaryFolder();
    const [words, list, nested] = ['a.mp4', 'a.m3u8', 'b.mp4'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(words, 'This is no video.'.repeat(100));
    await writeFile(list, '#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n');
    await mkdir(nested);

    for (const [path, got] of [
      [join(folder, 'none.mp4'), 'no file'],
      [nested, 'a folder'],
      [words, 'something else'],
      [list, 'got'],
    ] as const) {
      await expect(probeMedia(path)).rejects.toThrow(
        expect.objectContaining({ code: 'unsupported_media', message: expect.stringContaining(got) }),
      );
    }
  });

  test('sound alone', async () => {
    const path = join(await temporaryFolder(), 'tone.wav');
    const writer = await createFileWriter(path, { sampleRateHz: RATE_HZ, size: 64, fps: FPS });
    await writer.writeAudio(toneSlot(0, RATE_HZ).pcm);
    await writer.close();

    await expect(probeMedia(path)).rejects.toThrow('without a picture');
  });

  test('a picture that is too large', async () => {
    const path = join(await temporaryFolder(), 'large.bmp');
    // BITMAPFILEHEADER and BITMAPINFOHEADER of 5000 × 1 pixels, 24 bits each.
    const bmp = Buffer.alloc(54 + 15_000);
    bmp.write('BM');
    for (const [value, at] of [
      [bmp.length, 2],
      [54, 10],
      [40, 14],
      [5000, 18],
      [1, 22],
    ] as const) {
      bmp.writeUInt32LE(value, at);
    }
    bmp.writeUInt16LE(1, 26);
    bmp.writeUInt16LE(24, 28);
    await writeFile(path, bmp);

    await expect(probeMedia(path)).rejects.toThrow('at most 4096 a side');
  });
});
