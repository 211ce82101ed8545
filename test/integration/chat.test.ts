import { once } from 'node:events';
import process from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../src/stream/messages.ts';
import { startChatServer } from '../support/chat-server.ts';
import { startPageServer } from '../support/page-server.ts';
import { run } from '../support/program.ts';

const VARIABLE = 'VISAVIS_TEST_CHAT_KEY';
const KEY = 'sk-that-nobody-may-see';

test('the program converses: the key comes from the environment, the answer is sound, nothing of it is logged', async () => {
  const chat = await startChatServer(
    { pieces: ['Hello,', ' nice', ' to', ' meet', ' you.'], paceMs: 20 },
    { status: 401, body: `{"error":{"message":"wrong key ${KEY}"}}` },
  );
  onTestFinished(() => chat[Symbol.asyncDispose]());
  process.env[VARIABLE] = KEY;
  onTestFinished(() => {
    delete process.env[VARIABLE];
  });
  const server = await startPageServer(['--llm', chat.url, '--model', 'tiny', '--llm-key', VARIABLE]);
  onTestFinished(() => server[Symbol.asyncDispose]());
  let logged = '';
  for (const stream of [server.process.stdout, server.process.stderr]) {
    stream?.on('data', (data: Buffer) => (logged += data.toString()));
  }
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/session`, 'visavis.v1');
  const messages: ServerMessage[] = [];
  let soundBytes = 0;
  socket.on('message', (data: Buffer, binary) => {
    if (binary) soundBytes += data.length;
    else messages.push(JSON.parse(data.toString()) as ServerMessage);
  });
  await once(socket, 'open');
  const send = (message: object) => socket.send(JSON.stringify(message));
  const finished = () => messages.filter((message) => message.type === 'chat.finished');

  send({ type: 'session.open', media: { transport: 'websocket', audio: { codec: 'pcm_s16le' }, leadMs: null } });
  send({ type: 'chat', utterance: 'a', text: 'Hi there' });
  await expect.poll(() => finished().length, { timeout: 30_000 }).toBe(1);
  send({ type: 'chat', utterance: 'b', text: 'And again' });
  await expect.poll(() => finished().length, { timeout: 30_000 }).toBe(2);
  socket.close();

  expect(finished()).toMatchObject([
    { reason: 'completed', text: 'Hello, nice to meet you.' },
    { reason: 'failed', text: '' },
  ]);
  expect(soundBytes).toBeGreaterThan(20_000);
  expect(chat.requests[0]?.authorization).toBe(`Bearer ${KEY}`);
  expect(logged).toContain('session opened');
  expect(`${logged}${JSON.stringify(messages)}`).not.toContain(KEY);
  expect(logged).not.toMatch(/Hi there|nice to meet/);
});

test('a key that is not in the environment, or a model without a name, is told before anything starts', async () => {
  const keyless = await run('dist/src/main.js', [
    '--llm',
    'http://127.0.0.1:9/v1',
    '--model',
    'm',
    '--llm-key',
    'NO_SUCH_KEY',
  ]);
  const nameless = await run('dist/src/main.js', ['--llm', 'http://127.0.0.1:9/v1']);

  expect([keyless.code, nameless.code]).toEqual([1, 1]);
  expect(keyless.errors).toContain('NO_SUCH_KEY');
  expect(nameless.errors).toContain('model');
});
