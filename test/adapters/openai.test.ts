/** The real client of OpenAI, unmodified, against this server. */
import { once } from 'node:events';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { startAdapterServer, until } from '../support/adapter-server.ts';
import { decodeAudio } from '../support/decode-audio.ts';

/** Says 1.6 s with the fake voice. */
const TEXT = 'One two three four. Five six seven eight.';
const clientOf = (http: string) => new OpenAI({ baseURL: `${http}/v1`, apiKey: 'any', maxRetries: 0 });
const LONG = 'word '.repeat(30_000);

describe('an OpenAI client', () => {
  test.each([
    ['mp3', 'audio/mpeg'],
    ['opus', 'audio/ogg'],
    ['aac', 'audio/aac'],
    ['flac', 'audio/flac'],
    ['wav', 'audio/wav'],
  ] as const)('gets speech as %s', async (format, type) => {
    const client = clientOf((await startAdapterServer()).http);

    const reply = await client.audio.speech.create({
      model: 'gpt-4o-mini-tts',
      voice: 'alloy',
      input: TEXT,
      response_format: format,
      instructions: 'Speak warmly.',
    });

    expect(reply.headers.get('content-type')).toBe(type);
    const { pcm, sampleRateHz } = await decodeAudio(Buffer.from(await reply.arrayBuffer()), format);
    const durationMs = (pcm.length / sampleRateHz) * 1000;
    expect(sampleRateHz).toBe(format === 'opus' ? 48_000 : 24_000);
    expect(durationMs).toBeGreaterThanOrEqual(1600);
    // MP3 and AAC streams carry the delay of their encoder.
    expect(durationMs).toBeLessThan(format === 'mp3' || format === 'aac' ? 1750 : 1601);
  });

  test('gets mp3 when it asks for no format, and 24 kHz PCM when it asks for pcm', async () => {
    const client = clientOf((await startAdapterServer()).http);

    const preset = await client.audio.speech.create({ model: 'tts-1', voice: 'nova', input: TEXT });
    const pcm = await client.audio.speech.create({
      model: 'tts-1',
      voice: 'nova',
      input: TEXT,
      response_format: 'pcm',
    });

    expect(preset.headers.get('content-type')).toBe('audio/mpeg');
    expect((await pcm.arrayBuffer()).byteLength).toBe(1.6 * 24_000 * 2);
  });

  test('names a voice as an object too', async () => {
    const client = clientOf((await startAdapterServer()).http);

    const reply = await client.audio.speech.create({
      model: 'tts-1',
      voice: { id: 'fake' },
      input: TEXT,
      response_format: 'pcm',
    });

    expect((await reply.arrayBuffer()).byteLength).toBe(1.6 * 24_000 * 2);
  });

  test('gets the first sound before the text has been spoken', async () => {
    const { http, windows } = await startAdapterServer({ windowMs: 5 });
    const reply = await clientOf(http).audio.speech.create({
      model: 'tts-1',
      voice: 'ash',
      input: LONG,
      response_format: 'pcm',
    });
    const reader = reply.body!.getReader();

    const { value } = await reader.read();

    expect(value?.length).toBeGreaterThan(0);
    expect(windows()).toBeLessThan(100);
    await reader.cancel();
  });

  test('gets server-sent events that carry the same sound', async () => {
    const client = clientOf((await startAdapterServer()).http);

    const reply = await client.audio.speech.create({
      model: 'gpt-4o-mini-tts',
      voice: 'sage',
      input: TEXT,
      response_format: 'pcm',
      stream_format: 'sse',
    });
    const events = (await reply.text())
      .trim()
      .split('\n\n')
      .map((event) => JSON.parse(event.replace(/^data: /, '')) as { type: string; audio?: string; usage?: object });

    expect(reply.headers.get('content-type')).toContain('text/event-stream');
    const bytes = Buffer.concat(events.map(({ audio }) => Buffer.from(audio ?? '', 'base64')));
    expect(bytes.length).toBe(1.6 * 24_000 * 2);
    expect(new Set(events.slice(0, -1).map(({ type }) => type))).toEqual(new Set(['speech.audio.delta']));
    expect(events.at(-1)).toEqual({
      type: 'speech.audio.done',
      usage: { input_tokens: 8, output_tokens: 32, total_tokens: 40 },
    });
  });

  test('finds the model and the voices', async () => {
    const { http } = await startAdapterServer();
    const client = clientOf(http);

    const models = await client.models.list();
    const model = await client.models.retrieve('visavis');
    const voices = await (await fetch(`${http}/v1/audio/voices`)).json();

    expect(models.data).toEqual([model]);
    expect(model).toMatchObject({ id: 'visavis', object: 'model', owned_by: 'visavis' });
    expect(voices).toEqual({ voices: [{ id: 'fake', name: 'fake' }] });
    await expect(client.models.retrieve('gpt-9')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  test('gets the voice that the configuration gives one of its names', async () => {
    const { http } = await startAdapterServer({ clients: { voices: { ghost: 'nobody', own: 'fake' } } });
    const speak = (voice: string) =>
      clientOf(http).audio.speech.create({ model: 'tts-1', voice, input: 'One.', response_format: 'pcm' });

    expect((await speak('own')).status).toBe(200);
    await expect(speak('ghost')).rejects.toMatchObject({ status: 400, message: expect.stringContaining('"nobody"') });
  });

  test.each([
    [{ voice: 'nobody' }, 'voice', 'unknown_voice'],
    [{ speed: 5 }, 'speed', 'bad_message'],
    [{ response_format: 'ogg' }, 'response_format', 'bad_message'],
    [{ input: '' }, 'input', 'bad_message'],
    [{ input: 'unspeakable' }, null, 'bad_text'],
    [{ input: 'x'.repeat(200_001) }, null, 'text_too_long'],
  ])('is told in its own form what is wrong with %j', async (wrong, param, code) => {
    const client = clientOf((await startAdapterServer()).http);
    const body = { model: 'tts-1', voice: 'alloy', input: 'One.', ...wrong } as OpenAI.Audio.SpeechCreateParams;

    await expect(client.audio.speech.create(body)).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      param,
      code,
    });
  });

  test('is told when all places are taken, and when to come again', async () => {
    const { http } = await startAdapterServer({ limits: { sessions: 1 }, windowMs: 5 });
    const client = clientOf(http);
    const first = await client.audio.speech.create({ model: 'm', voice: 'fake', input: LONG, response_format: 'pcm' });

    const error = await client.audio.speech.create({ model: 'm', voice: 'fake', input: 'One.' }).then(
      () => null,
      (cause: InstanceType<typeof OpenAI.APIError>) => cause,
    );

    expect(error).toMatchObject({ status: 503, code: 'server_full' });
    expect(Number(error?.headers?.get('retry-after'))).toBeGreaterThan(0);
    await first.body?.cancel();
  });

  test('that leaves stops the synthesis and gives its place back', async () => {
    const { http, sessions, windows } = await startAdapterServer({ windowMs: 2 });
    const controller = new AbortController();
    const reply = await clientOf(http).audio.speech.create(
      { model: 'm', voice: 'fake', input: LONG, response_format: 'pcm' },
      { signal: controller.signal },
    );
    await reply.body!.getReader().read();

    controller.abort();
    await until(async () => (await sessions()) === 0);
    const made = windows();
    await new Promise((resolve) => setTimeout(resolve, 50));

    // A window may have been in work.
    expect(windows() - made).toBeLessThanOrEqual(2);
  });

  test('that does not read makes nothing grow, and is given up', async () => {
    const { http, sessions, windows } = await startAdapterServer({ limits: { unreadMs: 1000 } });
    const { hostname, port } = new URL(http);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const body = JSON.stringify({ model: 'm', voice: 'fake', input: LONG, response_format: 'pcm' });
    socket.write(
      `POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    socket.pause();

    await until(async () => (await sessions()) === 1);
    await until(async () => (await sessions()) === 0);

    // All of the text would be 93,750 windows; what was made is what the system's own socket buffers took.
    expect(windows()).toBeLessThan(20_000);
    socket.destroy();
  });
});
