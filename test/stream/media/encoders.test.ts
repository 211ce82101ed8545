import { describe, expect, it } from 'vitest';
import { createOpusEncoder, OPUS_SAMPLE_RATES_HZ } from '../../../src/stream/media/codecs/opus-encoder.ts';
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
