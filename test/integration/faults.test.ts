import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../src/stream/messages.ts';
import { startProgram } from '../support/program.ts';

const LONG_TEXT = 'Nobody is going to wait for the end of this, and so it may go on for quite a while. '.repeat(5);

/** A session that speaks. */
const speak = async (address: string, text: string) => {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/session`, 'visavis.v1');
  const messages: ServerMessage[] = [];
  socket.on('message', (data: Buffer, binary) => {
    if (!binary) messages.push(JSON.parse(data.toString()) as ServerMessage);
  });
  await once(socket, 'open');
  for (const message of [
    { type: 'session.open', seed: 1, media: { transport: 'websocket', audio: { codec: 'pcm_s16le' }, leadMs: 0 } },
    { type: 'utterance.append', utterance: 'a', text },
    { type: 'utterance.end', utterance: 'a' },
  ])
    socket.send(JSON.stringify(message));
  const until = async (isIt: (message: ServerMessage) => boolean): Promise<ServerMessage> => {
    for (;;) {
      const found = messages.find(isIt);
      if (found) return found;
      await once(socket, 'message');
    }
  };
  await until(({ type }) => type === 'utterance.started');
  return { socket, messages, until };
};

test('a second signal while it drains ends it at once, in order, although models run', async () => {
  const { address, process } = await startProgram();
  const { socket, messages } = await speak(address, LONG_TEXT);
  const exited = once(process, 'exit');
  const closed = once(socket, 'close');

  process.kill('SIGTERM');
  await expect.poll(async () => (await fetch(`${address}/readyz`)).status, { timeout: 10_000 }).toBe(503);
  process.kill('SIGTERM');
  const [code, signal] = (await exited) as [number | null, string | null];
  await closed;

  // An abort inside a model would be a signal.
  expect([code, signal]).toEqual([1, null]);
  expect(messages.at(-1)).toMatchObject({ type: 'error', code: 'shutting_down', fatal: true });
});

test('a process that is suspended for 5 s tells so when it wakes, and says the rest', async () => {
  const { address, process } = await startProgram();
  const { socket, until } = await speak(address, 'Let us see whether this sentence comes to its end.');

  process.kill('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 5000));
  process.kill('SIGCONT');

  expect(await until(({ type }) => type === 'error')).toMatchObject({ code: 'stalled', fatal: false });
  expect(await until(({ type }) => type === 'utterance.finished')).toMatchObject({ reason: 'completed' });
  expect(await (await fetch(`${address}/metrics`)).text()).toMatch(/^visavis_stalls_total [1-9]/m);
  socket.terminate();
});

test('clients that send half a message, or nothing, or nonsense, do not disturb another', async () => {
  const { address } = await startProgram();
  const { hostname, port } = new URL(address);
  const strangers = [
    '',
    'GET /v1/session HTTP/1.1\r\n',
    'GET /v1/session HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n',
    'GET //%zz HTTP/1.1\r\nHost: \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n`,
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000',
    `GET / HTTP/1.1\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
  ].map((bytes) => {
    const socket = connectTcp(Number(port), hostname, () => socket.write(bytes));
    socket.on('error', () => undefined);
    return socket;
  });
  const { socket, until } = await speak(address, 'This is said all the same.');

  expect(await until(({ type }) => type === 'utterance.finished')).toMatchObject({ reason: 'completed' });
  for (const stranger of strangers) stranger.destroy();
  socket.terminate();
});
