/** The real client of Deepgram, unmodified, against this server. */
import { DeepgramClient } from '@deepgram/sdk';
import { describe, expect, test } from 'vitest';
import { type AdapterServer, startAdapterServer, until } from '../support/adapter-server.ts';
import { decodeAudio } from '../support/decode-audio.ts';

const TEXT = 'One two three. ';
const LONG = 'word '.repeat(30_000);

const clientOf = ({ http, ws }: AdapterServer) =>
  new DeepgramClient({
    apiKey: 'any',
    maxRetries: 0,
    environment: { base: http, production: ws, agent: ws, agentRest: http },
  });

const connect = async (server: AdapterServer, args: Record<string, string> = {}) => {
  const connection = await clientOf(server).speak.v1.connect({
    model: 'aura-2-thalia-en',
    encoding: 'linear16',
    sample_rate: '16000',
    Authorization: 'Token any',
    reconnectAttempts: 0,
    ...args,
  });
  const messages: { type: string; sequence_id?: number; code?: string }[] = [];
  let bytes = 0;
  let closed: number | null = null;
  connection.on('message', (message) => {
    if (typeof message === 'string') throw new Error(`unexpected text: ${message}`);
    if (message instanceof Blob) bytes += message.size;
    else if (message instanceof ArrayBuffer) bytes += message.byteLength;
    else messages.push(message);
  });
  connection.on('close', ({ code }) => {
    closed = code;
  });
  connection.connect();
  await connection.waitForOpen();
  return {
    connection,
    messages,
    types: () => messages.map(({ type }) => type),
    soundMs: () => bytes / 32,
    closed: () => closed,
  };
};

describe('the Deepgram client over a WebSocket', () => {
  test('has text spoken, and is told when a flush has been', async () => {
    const { connection, messages, types, soundMs } = await connect(await startAdapterServer());

    connection.sendText({ type: 'Speak', text: TEXT });
    connection.sendText({ type: 'Speak', text: 'Four' });
    connection.sendFlush({ type: 'Flush' });
    await until(() => types().includes('Flushed'));
    const first = soundMs();
    connection.sendText({ type: 'Speak', text: TEXT });
    connection.sendFlush({ type: 'Flush' });
    await until(() => types().filter((type) => type === 'Flushed').length === 2);

    expect([first, soundMs()]).toEqual([800, 1400]);
    expect(types()).toEqual(['Metadata', 'Flushed', 'Flushed']);
    expect(messages.slice(1).map(({ sequence_id }) => sequence_id)).toEqual([0, 1]);
    connection.close();
  });

  test('clears what is left when it is interrupted, and goes on', async () => {
    const server = await startAdapterServer({ windowMs: 5 });
    const { connection, types, soundMs } = await connect(server);
    connection.sendText({ type: 'Speak', text: LONG });
    connection.sendFlush({ type: 'Flush' });
    await until(() => soundMs() > 0);

    connection.sendClear({ type: 'Clear' });
    await until(() => types().includes('Cleared'));
    const cleared = soundMs();
    connection.sendText({ type: 'Speak', text: 'One.' });
    connection.sendFlush({ type: 'Flush' });
    await until(() => types().includes('Flushed'));

    expect(soundMs() - cleared).toBe(200);
    expect(types()).toEqual(['Metadata', 'Cleared', 'Flushed']);
    connection.close();
  });

  test('hears the end before the socket closes', async () => {
    const { connection, soundMs, closed } = await connect(await startAdapterServer());

    connection.sendText({ type: 'Speak', text: TEXT });
    connection.sendClose({ type: 'Close' });
    await until(() => closed() !== null);

    expect([soundMs(), closed()]).toEqual([600, 1000]);
  });

  test.each(['mulaw', 'alaw'] as const)('gets telephony’s %s', async (encoding) => {
    const { connection, soundMs, closed } = await connect(await startAdapterServer(), {
      encoding,
      sample_rate: '8000',
    });

    connection.sendText({ type: 'Speak', text: TEXT });
    connection.sendClose({ type: 'Close' });
    await until(() => closed() !== null);

    // 8 bytes a millisecond instead of 32.
    expect(soundMs() * 4).toBe(600);
  });

  test('is warned of a message that makes no sense, and of a voice that is not there', async () => {
    const server = await startAdapterServer();
    const wrong = await connect(server);
    const unknown = await connect(server, { model: 'nobody' });

    wrong.connection.sendText({ type: 'Speak' } as never);
    await until(() => wrong.closed() !== null && unknown.closed() !== null);

    expect(wrong.messages.at(-1)).toMatchObject({ type: 'Warning', code: 'bad_message' });
    expect(unknown.messages.at(-1)).toMatchObject({ type: 'Warning', code: 'unknown_voice' });
    expect([wrong.closed(), unknown.closed()]).toEqual([1008, 1008]);
  });
});

describe('the Deepgram client over HTTP', () => {
  test.each([
    [{ encoding: 'linear16', container: 'wav', sample_rate: 16_000 }, 'wav', 16_000],
    [{ encoding: 'mp3' }, 'mp3', 22_050],
    [{ encoding: 'opus' }, 'opus', 48_000],
    [{ encoding: 'flac', sample_rate: 24_000 }, 'flac', 24_000],
    [{ encoding: 'aac' }, 'aac', 22_050],
  ] as const)('gets speech as %j', async (query, format, rateHz) => {
    const client = clientOf(await startAdapterServer());

    const reply = await client.speak.v1.audio.generate({ text: TEXT, model: 'aura-2-thalia-en', ...query });

    const { pcm, sampleRateHz } = await decodeAudio(new Uint8Array(await reply.arrayBuffer()), format);
    const durationMs = (pcm.length / sampleRateHz) * 1000;
    expect(sampleRateHz).toBe(rateHz);
    expect(durationMs).toBeGreaterThanOrEqual(599);
    expect(durationMs).toBeLessThan(800);
  });

  test('is told what is wrong in Deepgram’s form', async () => {
    const client = clientOf(await startAdapterServer());

    await expect(client.speak.v1.audio.generate({ text: TEXT, model: 'nobody' })).rejects.toMatchObject({
      statusCode: 404,
      body: { err_code: 'unknown_voice', err_msg: expect.stringContaining('fake') },
    });
    await expect(
      client.speak.v1.audio.generate({ text: TEXT, encoding: 'mulaw', container: 'wav' }),
    ).rejects.toMatchObject({ statusCode: 400, body: { err_code: 'bad_message' } });
  });
});
