/** The program with its own voice, spoken to by a real client: every format holds the same speech. */
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { correlation, decodeAudio, fromPcm16 } from '../support/decode-audio.ts';
import { startProgram } from '../support/program.ts';

const RATE_HZ = 24_000;

test('the same speech comes in every format, and faster when a client asks for that', async () => {
  const { address } = await startProgram();
  const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'any' });
  const speak = async (format: 'pcm' | 'wav' | 'flac' | 'opus' | 'mp3' | 'aac', speed = 1) => {
    const body = {
      model: 'visavis',
      voice: 'alloy',
      input: 'Good morning. It is a fine day for a walk.',
      seed: 7,
      speed,
    };
    const reply = await client.audio.speech.create({ ...body, response_format: format });
    return Buffer.from(await reply.arrayBuffer());
  };

  const pcm = fromPcm16(await speak('pcm'));
  const fast = fromPcm16(await speak('pcm', 2));
  const results: Record<string, { correlation: number; extraMs: number }> = {};
  for (const format of ['wav', 'flac', 'opus', 'mp3', 'aac'] as const) {
    const decoded = await decodeAudio(await speak(format), format);
    const step = decoded.sampleRateHz / RATE_HZ;
    const heard = decoded.pcm.filter((_, i) => i % step === 0);
    const found = correlation(pcm, heard, format === 'mp3' || format === 'aac' ? 1500 : 0);
    results[format] = { correlation: found.value, extraMs: ((heard.length - pcm.length) / RATE_HZ) * 1000 };
  }

  expect(pcm.length).toBeGreaterThan(2 * RATE_HZ);
  expect(fast.length / pcm.length).toBeGreaterThan(0.35);
  expect(fast.length / pcm.length).toBeLessThan(0.7);
  for (const format of ['wav', 'flac']) {
    expect(results[format]?.correlation, format).toBeGreaterThan(0.999_99);
    expect(results[format]?.extraMs, format).toBe(0);
  }
  for (const format of ['opus', 'mp3', 'aac']) expect(results[format]?.correlation, format).toBeGreaterThan(0.95);
  expect(results['opus']?.extraMs).toBe(0);
  for (const format of ['mp3', 'aac']) {
    expect(results[format]?.extraMs, format).toBeGreaterThanOrEqual(0);
    expect(results[format]?.extraMs, format).toBeLessThan(150);
  }
});
