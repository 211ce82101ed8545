import { describe, expect, test } from 'vitest';
import {
  type AudioFormat,
  availableFormats,
  createAudioStream,
} from '../../../src/stream/media/codecs/audio-stream.ts';
import { correlation, decodeAudio } from '../../support/decode-audio.ts';

const RATE_HZ = 24_000;

/** A tone that sweeps, so that only one lag fits; not a whole number of any codec's packets. */
const sweep = (samples = 30_001): Float32Array =>
  Float32Array.from({ length: samples }, (_, i) => 0.5 * Math.sin(2 * Math.PI * (200 + i / 60) * (i / RATE_HZ)));

/** Writes in windows of uneven lengths, as speech comes. */
const write = async (format: AudioFormat, pcm: Float32Array, sampleRateHz = RATE_HZ): Promise<Buffer> => {
  const stream = await createAudioStream({ format, sampleRateHz });
  const parts: Uint8Array[] = [];
  for (let at = 0, size = 700; at < pcm.length; at += size, size = 3000) {
    parts.push(await stream.encode(pcm.subarray(at, at + size)));
  }
  parts.push(await stream.end());
  stream.close();
  return Buffer.concat(parts);
};

describe('a stream of sound', () => {
  test.each([
    ['wav', 0, 0.9999],
    ['flac', 0, 0.9999],
    ['opus', 0, 0.98],
    ['mp3', 2400, 0.98],
    ['aac', 2400, 0.98],
  ] as const)('in %s decodes to what was written', async (format, mostDelay, least) => {
    const pcm = sweep();

    const { sampleRateHz, pcm: heard } = await decodeAudio(await write(format, pcm), format);

    // Opus always decodes at 48 kHz.
    const step = sampleRateHz / RATE_HZ;
    const atRate = heard.filter((_, i) => i % step === 0);
    const { value } = correlation(pcm, atRate, mostDelay);
    expect(value).toBeGreaterThan(least);
    expect(atRate.length).toBeGreaterThanOrEqual(pcm.length);
    expect(atRate.length).toBeLessThanOrEqual(pcm.length + 2 * mostDelay);
  });

  test.each([
    ['ulaw', 'mulaw'],
    ['alaw', 'alaw'],
  ] as const)('in %s has one byte a sample that G.711 decodes to what was written', async (format, name) => {
    const pcm = sweep();

    const bytes = await write(format, pcm);

    const heard = Float32Array.from(bytes, name === 'mulaw' ? fromMuLaw : fromALaw);
    expect(bytes.length).toBe(pcm.length);
    expect(correlation(pcm, heard).value).toBeGreaterThan(0.999);
    expect(Math.max(...heard.map((sample, i) => Math.abs(sample - pcm[i]!)))).toBeLessThan(0.02);
  });

  test('is complete when nothing was said', async () => {
    for (const format of ['wav', 'flac', 'opus'] as const) {
      const bytes = await write(format, new Float32Array(0));

      expect(bytes.length, format).toBeGreaterThan(40);
    }
  });

  test('gives the first bytes with the first window', async () => {
    for (const format of ['wav', 'flac', 'opus', 'mp3', 'aac'] as const) {
      const stream = await createAudioStream({ format, sampleRateHz: RATE_HZ });

      const first = await stream.encode(sweep(3072));

      expect(first.length, format).toBeGreaterThan(0);
      stream.close();
    }
  });

  test('is there in every format that this project documents', () => {
    expect(availableFormats()).toEqual(['wav', 'pcm', 'ulaw', 'alaw', 'mp3', 'aac', 'opus', 'flac']);
  });

  test('refuses a rate that the format does not take, naming those it does', async () => {
    await expect(createAudioStream({ format: 'opus', sampleRateHz: 44_100 })).rejects.toMatchObject({
      code: 'unsupported_media',
      message: 'opus takes 8000, 12000, 16000, 24000, 48000 Hz, not 44100 Hz',
    });
  });
});

/** ITU-T G.711, table 2a. */
const fromMuLaw = (byte: number): number => {
  const bits = ~byte & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
  return (bits & 0x80 ? -magnitude : magnitude) / 32_768;
};

/** ITU-T G.711, table 1a. */
const fromALaw = (byte: number): number => {
  const bits = byte ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = (bits & 0x0f) << 4;
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1);
  return (bits & 0x80 ? magnitude : -magnitude) / 32_768;
};
