import { describe, expect, it } from 'vitest';
import { createOpusEncoder, OPUS_SAMPLE_RATES_HZ } from '../../../src/stream/media/codecs/opus-encoder.ts';
import { createPacketEncoder } from '../../../src/stream/media/codecs/audio-packets.ts';
import { createVp8Encoder } from '../../../src/stream/media/codecs/vp8-encoder.ts';
import { barFrame, toneSlot } from '../../support/synthetic-media.ts';

describe('Opus encoder', () => {
  it.each(OPUS_SAMPLE_RATES_HZ)('makes one packet of every 20 ms at %i Hz', async (rate) => {
    const encoder = await createOpusEncoder(rate);
    const half = rate / 50;

    const packets = Array.from({ length: 100 }, (_, i) =>
      encoder.encode(toneSlot(i >> 1, rate).pcm.subarray((i % 2) * half, (i % 2) * half + half)),
    );
    encoder.close();

    // RFC 6716 §3.1: the frame count code 0 in the last two bits of the first byte.
    expect(packets.every((packet) => packet.length > 2 && ((packet[0] ?? 1) & 3) === 0)).toBe(true);
    expect(packets.every(({ buffer, byteLength }) => buffer.byteLength === byteLength)).toBe(true);
    const bitsPerSecond = (packets.reduce((sum, { length }) => sum + length, 0) * 8) / 2;
    expect(bitsPerSecond).toBeLessThan(64_000);
  });

  it('refuses a wrong length and other rates, and is closed once', async () => {
    const encoder = await createOpusEncoder(16_000);

    expect(() => encoder.encode(new Float32Array(319))).toThrow(RangeError);
    expect(() => encoder.encode(new Float32Array(640))).toThrow(RangeError);
    await expect(createOpusEncoder(22_050)).rejects.toMatchObject({ code: 'unsupported_media' });
    encoder.close();
    encoder.close();
    expect(() => encoder.encode(new Float32Array(320))).toThrow('closed');
  });
});

describe('VP8 encoder', () => {
  it('keeps to its bit rate, and makes key frames when asked and only then', async () => {
    const encoder = await createVp8Encoder(256, 300_000);

    const frames = [];
    for (let i = 0; i < 100; i++) frames.push(await encoder.encode(barFrame(i, 256).i420, i === 50));
    await encoder.close();

    expect(frames.flatMap(({ keyFrame }, i) => (keyFrame ? [i] : []))).toEqual([0, 50]);
    // RFC 6386 §9.1: the lowest bit of a key frame is 0.
    expect(frames.every(({ payload, keyFrame }) => ((payload[0] ?? 0) & 1) === (keyFrame ? 0 : 1))).toBe(true);
    const bitsPerSecond = (frames.reduce((sum, { payload }) => sum + payload.length, 0) * 8) / 4;
    expect(bitsPerSecond).toBeLessThan(400_000);
  });

  it('encodes overlapping calls in their order, and finishes them before it closes', async () => {
    const encoder = await createVp8Encoder(64, 100_000);

    const encoded = Array.from({ length: 8 }, (_, i) => encoder.encode(barFrame(i, 64).i420, i === 3));
    expect(encoder.pending).toBe(8);
    await Promise.all([encoder.close(), encoder.close()]);

    expect((await Promise.all(encoded)).map(({ keyFrame }) => keyFrame)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((i) => i === 0 || i === 3),
    );
    await expect(encoder.encode(barFrame(0, 64).i420, false)).rejects.toThrow('closed');
  });

  it('refuses a frame of another size', async () => {
    const encoder = await createVp8Encoder(64, 100_000);

    await expect(encoder.encode(barFrame(0, 32).i420, false)).rejects.toThrow(RangeError);
    await encoder.close();
  });
});

/** A buffer that was transferred away: its length is 0. */
const transferred = <T extends Float32Array | Uint8Array>(array: T): T => {
  structuredClone(array, { transfer: [array.buffer as ArrayBuffer] });
  return array;
};

// An abort inside an encoder cannot be caught: this file itself would end.
describe('native encoders, given the worst', () => {
  const worst = [NaN, Infinity, -Infinity, Number.MAX_VALUE, -1e30, 1e-45, -0, 2, -2];
  const worstPcm = (length: number) => Float32Array.from({ length }, (_, i) => worst[i % worst.length] ?? NaN);

  it('make sound of samples that are no sound', async () => {
    for (const fill of [...worst, null]) {
      const pcm = fill === null ? worstPcm(320) : new Float32Array(320).fill(fill);
      const opus = await createOpusEncoder(16_000);
      for (let i = 0; i < 20; i += 1) expect(opus.encode(pcm).length).toBeGreaterThan(0);
      opus.close();
      for (const codec of ['opus', 'mp3', 'aac', 'flac'] as const) {
        const encoder = await createPacketEncoder(codec, 16_000, 32_000);
        await encoder.encode(fill === null ? worstPcm(5000) : new Float32Array(5000).fill(fill));
        await encoder.end();
        encoder.close();
      }
    }
  });

  it('are given buffers of their own length only, and none that was transferred away', async () => {
    const opus = await createOpusEncoder(16_000);
    const vp8 = await createVp8Encoder(64, 100_000);
    const frame = 64 * 64 * 1.5;

    for (const length of [0, 1, 319, 321, 640, 100_000]) {
      expect(() => opus.encode(new Float32Array(length))).toThrow(RangeError);
      await expect(vp8.encode(new Uint8Array(length), false)).rejects.toThrow(RangeError);
    }
    expect(() => opus.encode(transferred(new Float32Array(320)))).toThrow(RangeError);
    await expect(vp8.encode(transferred(new Uint8Array(frame)), false)).rejects.toThrow(RangeError);
    // A view amid a larger buffer is read from where it begins.
    const inner = new Float32Array(1000).fill(NaN).subarray(333, 653).fill(0.1);
    expect(opus.encode(inner).length).toBeGreaterThan(0);
    for (const value of [0, 255])
      expect((await vp8.encode(new Uint8Array(frame).fill(value), true)).keyFrame).toBe(true);
    opus.close();
    await vp8.close();
  });

  it('are not opened for sizes and rates that they cannot take', async () => {
    for (const size of [0, -2, 15, 17, 63, 64.5, 4098, 2 ** 31, NaN, Infinity]) {
      await expect(createVp8Encoder(size, 100_000)).rejects.toMatchObject({ code: 'unsupported_media' });
    }
    for (const bps of [0, -1, 999, 1e12, 32_000.5, NaN]) {
      await expect(createVp8Encoder(64, bps)).rejects.toMatchObject({ code: 'unsupported_media' });
      await expect(createOpusEncoder(16_000, bps)).rejects.toMatchObject({ code: 'unsupported_media' });
      await expect(createPacketEncoder('mp3', 16_000, bps)).rejects.toMatchObject({ code: 'unsupported_media' });
    }
    for (const rate of [0, -1, NaN, 2 ** 31, 16_000.5]) {
      await expect(createOpusEncoder(rate)).rejects.toMatchObject({ code: 'unsupported_media' });
      await expect(createPacketEncoder('aac', rate, 32_000)).rejects.toMatchObject({ code: 'unsupported_media' });
    }
    for (const size of [16, 18, 130]) {
      const encoder = await createVp8Encoder(size, 1000);
      expect((await encoder.encode(new Uint8Array(size * size * 1.5), false)).keyFrame).toBe(true);
      await encoder.close();
    }
  });
});
