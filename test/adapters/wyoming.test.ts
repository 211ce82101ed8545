/** Wyoming as Home Assistant speaks it. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type WyomingEvent, WyomingReader, writeWyoming } from '../../src/adapters/wyoming-frames.ts';
import { startAdapterServer, until } from '../support/adapter-server.ts';

const begin = async (options: Parameters<typeof startAdapterServer>[0] = {}) => {
  const server = await startAdapterServer({ ...options, wyomingPort: 0 });
  const { hostname, port } = new URL(server.server.wyomingAddress!);
  const socket: Socket = connect(Number(port), hostname);
  onTestFinished(() => {
    socket.destroy();
  });
  const reader = new WyomingReader(10_000_000);
  const events: WyomingEvent[] = [];
  socket.on('data', (bytes) => events.push(...reader.push(bytes)));
  await once(socket, 'connect');
  return {
    server,
    socket,
    events,
    send: (type: string, data: object = {}) => socket.write(writeWyoming({ type, data })),
    types: () => events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]),
    soundMs: () => events.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0) / 32,
  };
};

describe('a Wyoming client', () => {
  test('learns what is there', async () => {
    const { events, send } = await begin();

    send('describe');
    await until(() => events.length === 1);

    expect(events[0]).toMatchObject({
      type: 'info',
      data: {
        asr: [],
        tts: [
          { installed: true, supports_synthesize_streaming: true, voices: [{ name: 'fake', languages: ['en-US'] }] },
        ],
      },
    });
  });

  test('has a whole text spoken', async () => {
    const { events, send, types, soundMs } = await begin();

    send('synthesize', { text: 'One two three.', voice: { name: 'fake' } });
    await until(() => types().includes('audio-stop'));

    expect(types()).toEqual(['audio-start', 'audio-chunk', 'audio-stop']);
    expect(events[0]?.data).toMatchObject({ rate: 16_000, width: 2, channels: 1 });
    expect(soundMs()).toBe(600);
  });

  test('has text spoken as it comes, and the copy of it for older services is not spoken again', async () => {
    const { send, types, soundMs } = await begin();

    send('synthesize-start', { voice: { language: 'en' } });
    send('synthesize-chunk', { text: 'One two three. ' });
    await until(() => soundMs() === 600);
    send('synthesize-chunk', { text: 'Four.' });
    send('synthesize', { text: 'One two three. Four.' });
    send('synthesize-stop');
    await until(() => types().includes('synthesize-stopped'));

    expect(types()).toEqual(['audio-start', 'audio-chunk', 'audio-stop', 'synthesize-stopped']);
    expect(soundMs()).toBe(800);
  });

  test('speaks again over the same connection', async () => {
    const { send, types, soundMs } = await begin();
    send('synthesize', { text: 'One.' });
    await until(() => types().filter((type) => type === 'audio-stop').length === 1);

    send('synthesize', { text: 'Two three.' });
    await until(() => types().filter((type) => type === 'audio-stop').length === 2);

    expect(soundMs()).toBe(600);
  });

  test('gets an error it can read, and the connection lives', async () => {
    const { events, send, types } = await begin();

    send('synthesize', { text: 'One.', voice: { name: 'nobody' } });
    await until(() => types().includes('error'));
    send('synthesize', { text: 'One.' });
    await until(() => types().includes('audio-stop'));

    expect(events[0]).toMatchObject({
      type: 'error',
      data: { code: 'unknown_voice', text: expect.stringContaining('fake') },
    });
  });

  test('is closed when it sends no frames of Wyoming', async () => {
    const { events, socket } = await begin();

    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');

    expect(events).toMatchObject([{ type: 'error', data: { code: 'bad_message' } }]);
  });

  test('takes a place only while it is spoken to, and is told when there is none', async () => {
    const { server, events, send, types } = await begin({ limits: { sessions: 1 }, windowMs: 5 });
    const idle = await server.sessions();
    const other = await fetch(`${server.http}/v1/audio/speech`, {
      method: 'POST',
      body: JSON.stringify({ model: 'm', voice: 'fake', input: 'word '.repeat(1000), response_format: 'pcm' }),
    });

    send('synthesize', { text: 'One.' });
    await until(() => types().includes('error'));
    await other.body?.cancel();

    expect(idle).toBe(0);
    expect(events[0]).toMatchObject({ data: { code: 'server_full' } });
  });

  test('that leaves stops the synthesis', async () => {
    const { server, socket, send, types } = await begin({ windowMs: 2 });
    send('synthesize', { text: 'word '.repeat(20_000) });
    await until(() => types().includes('audio-chunk'));

    socket.destroy();
    await until(async () => (await server.sessions()) === 0);
    const made = server.windows();
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(server.windows() - made).toBeLessThanOrEqual(2);
  });
});

describe('frames of Wyoming', () => {
  test('come out as they went in, however they are cut', () => {
    const event = fc.record({
      type: fc.string({ minLength: 1 }),
      // Objects made of foreign JSON drop this key, which would name their prototype.
      data: fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        fc.string(),
      ),
      payload: fc.uint8Array({ maxLength: 50 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (events, cut) => {
        const bytes = Buffer.concat(events.map((one) => writeWyoming(one)));
        const reader = new WyomingReader(100_000);
        const read: WyomingEvent[] = [];
        for (let at = 0; at < bytes.length; at += cut) read.push(...reader.push(bytes.subarray(at, at + cut)));

        expect(read.map(({ type, data }) => ({ type, data }))).toEqual(
          events.map(({ type, data }) => ({ type, data })),
        );
        expect(read.map(({ payload }) => [...(payload ?? [])])).toEqual(events.map(({ payload }) => [...payload]));
      }),
    );
  });

  test('are refused when they are too long, before they have come', () => {
    const reader = new WyomingReader(1000);

    expect(() => reader.push(Buffer.from('{"type": "x", "payload_length": 5000}\n'))).toThrow('1000 bytes');
    expect(() => new WyomingReader(1000).push(Buffer.alloc(1001, 'x'))).toThrow('1000 bytes');
  });
});
