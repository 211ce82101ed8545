/** The examples for Node, run as their first lines say, against the real server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { buffer, text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { root } from '../support/models.ts';
import { startProgram, temporaryFolder } from '../support/program.ts';

const runExample = (name: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, [join(root, 'client/examples', name), ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
  });
  const [output, errors] = [buffer(child.stdout), text(child.stderr)];
  return { input: child.stdin, output, errors, closed: once(child, 'close') };
};

/** A chat API as OpenAI's, which answers every question with these tokens. */
const startChat = async (tokens: readonly string[]): Promise<string> => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const content of tokens) response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
    response.end('data: [DONE]\n\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
};

test('token-stream.mjs says what comes on its standard input while it comes', async () => {
  const server = await startProgram();
  const file = join(await temporaryFolder(), 'story.wav');

  const { input, output, errors, closed } = runExample('token-stream.mjs', [file, server.address]);
  input.write('Once upon ');
  input.end('a time.');
  await closed;

  expect(await errors).toBe('');
  expect((await output).toString()).toMatch(/^Once upon a time \ncompleted, \d\.\d s/);
  const wav = await readFile(file);
  expect(wav.subarray(0, 4).toString()).toBe('RIFF');
  expect(wav.length).toBeGreaterThan(16_000);
});

test("voice-bot.mjs says a chat model's answer", async () => {
  const [server, chat] = await Promise.all([startProgram(), startChat(['Good ', 'morning', '.'])]);

  const bot = runExample('voice-bot.mjs', [], { VISAVIS_URL: server.address, CHAT_URL: chat, CHAT_MODEL: 'any' });
  bot.input.end('Hello.\n');
  await bot.closed;

  expect(await bot.errors).toBe('completed: Good morning.\n');
  const pcm = await bot.output;
  const samples = new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1);
  expect(samples.length).toBeGreaterThan(8000);
  expect(Math.max(...samples.map(Math.abs))).toBeGreaterThan(1000);
});
