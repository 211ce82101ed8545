/** Whatever strangers send: the server lives, and answers others. */
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startAdapterServer } from '../support/adapter-server.ts';

const RUNS = 60;
const PATHS = ['/v1/text-to-speech/fake/stream-input', '/v1/text-to-speech/fake/multi-stream-input', '/v1/speak'];

const isAlive = async (http: string) => (await fetch(`${http}/livez`)).ok;

/** Values that a message of these protocols may hold, right and wrong. */
const field = fc.oneof(
  fc.boolean(),
  fc.integer(),
  fc.string(),
  fc.constant(null),
  fc.constantFrom('a', 'One two. ', '', ' '),
);
const message = fc.record(
  {
    type: fc.constantFrom('Speak', 'Flush', 'Clear', 'Close', 'Nothing'),
    text: field,
    context_id: field,
    flush: field,
    close_context: field,
    immediate: field,
    close_socket: field,
    voice_settings: fc.oneof(field, fc.record({ speed: field })),
    generation_config: fc.oneof(field, fc.record({ chunk_length_schedule: fc.array(field) })),
  },
  { requiredKeys: [] },
);

test.each(PATHS)('any messages at all over %s leave the server alive', async (path) => {
  const { http, ws, sessions } = await startAdapterServer();
  const frame = fc.oneof(
    message.map((value) => JSON.stringify(value)),
    fc.string(),
    fc.uint8Array(),
  );

  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), async (frames) => {
      const socket = new WebSocket(ws + path);
      socket.on('error', () => undefined);
      await once(socket, 'open');
      for (const one of frames) if (socket.readyState === WebSocket.OPEN) socket.send(one);
      // Everything has been read when the answer to a ping has come, or the socket is closed.
      if (socket.readyState === WebSocket.OPEN) {
        socket.ping();
        await Promise.race([once(socket, 'pong'), once(socket, 'close')]);
      }
      socket.terminate();
    }),
    { numRuns: RUNS },
  );

  expect(await isAlive(http)).toBe(true);
  while ((await sessions()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('any bytes at all over the Wyoming port leave the server alive', async () => {
  const { http, server } = await startAdapterServer({ wyomingPort: 0 });
  const { hostname, port } = new URL(server.wyomingAddress!);
  const line = fc
    .record({
      type: fc.constantFrom(
        'describe',
        'ping',
        'synthesize',
        'synthesize-start',
        'synthesize-chunk',
        'synthesize-stop',
        'x',
      ),
      data: fc.oneof(fc.record({ text: field, voice: fc.oneof(field, fc.record({ name: field })) }), field),
      data_length: fc.oneof(fc.constant(null), fc.integer({ min: -5, max: 50 })),
    })
    .map((value) => Buffer.from(`${JSON.stringify(value)}\n`));

  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(line, fc.uint8Array()), { minLength: 1, maxLength: 6 }), async (parts) => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      for (const part of parts) socket.write(part);
      socket.end();
      socket.resume();
      await once(socket, 'close');
    }),
    { numRuns: RUNS },
  );

  expect(await isAlive(http)).toBe(true);
});

test.each([
  '//',
  '/v1/text-to-speech/%zz/stream-input',
  '/v1/text-to-speech//stream-input',
  'http://',
  '*',
  '/v1/speak/../..',
])('an upgrade at %s is answered or closed', async (path) => {
  const { http } = await startAdapterServer();
  const { hostname, port } = new URL(http);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.resume();
  socket.end(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );

  await once(socket, 'close');

  expect(await isAlive(http)).toBe(true);
});
