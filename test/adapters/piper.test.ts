/** Piper's HTTP server, as scripts and Pipecat's `PiperHttpTTSService` call it. */
import { describe, expect, test } from 'vitest';
import { startAdapterServer } from '../support/adapter-server.ts';
import { decodeAudio } from '../support/decode-audio.ts';

describe('a client of Piper', () => {
  test.each([
    ['JSON at /', '/', 'application/json', '{"text": "One two three.", "voice": "fake"}'],
    ['JSON at /synthesize', '/synthesize', 'application/json', '{"text": "One two three."}'],
    ['JSON as curl sends it', '/', 'application/x-www-form-urlencoded', '{"text": "One two three."}'],
    ['the bare text', '/', 'text/plain', 'One two three.'],
  ])('sends %s and gets a WAV file', async (_name, path, type, body) => {
    const { http } = await startAdapterServer();

    const reply = await fetch(http + path, { method: 'POST', headers: { 'content-type': type }, body });

    expect(reply.headers.get('content-type')).toBe('audio/wav');
    const { pcm, sampleRateHz } = await decodeAudio(Buffer.from(await reply.arrayBuffer()), 'wav');
    expect([pcm.length / sampleRateHz, sampleRateHz]).toEqual([0.6, 16_000]);
  });

  test('finds the voices', async () => {
    const { http } = await startAdapterServer();

    const voices = await (await fetch(`${http}/voices`)).json();

    expect(voices).toMatchObject({ fake: { audio: { sample_rate: 16_000 } } });
  });

  test.each([
    ['{"text": ""}', 400, 'bad_message'],
    ['{"text": "One.", "voice": "nobody"}', 404, 'unknown_voice'],
    ['{"text": "One.", "length_scale": 9}', 400, 'bad_message'],
  ])('is told what is wrong with %s', async (body, status, code) => {
    const { http } = await startAdapterServer();

    const reply = await fetch(http, { method: 'POST', body });

    expect([reply.status, await reply.json()]).toMatchObject([status, { error: { code } }]);
  });
});
