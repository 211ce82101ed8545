import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../src/stream/messages.ts';
import { run, startProgram, temporaryFolder } from '../support/program.ts';

/** A session over a WebSocket that keeps everything it is sent. */
const connect = async (address: string, media: object) => {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/session`, 'visavis.v1');
  const messages: ServerMessage[] = [];
  const frames: Buffer[] = [];
  socket.on('message', (data: Buffer, binary) => {
    if (binary) frames.push(data);
    else messages.push(JSON.parse(data.toString()) as ServerMessage);
  });
  await once(socket, 'open');
  const send = (message: object) => socket.send(JSON.stringify(message));
  send({ type: 'session.open', seed: 1, media: { transport: 'websocket', audio: { codec: 'pcm_s16le' }, ...media } });
  const until = async <T extends ServerMessage['type']>(type: T, utterance?: string) => {
    for (;;) {
      const found = messages.find(
        (message) =>
          message.type === type &&
          (utterance === undefined || ('utterance' in message && message.utterance === utterance)),
      );
      if (found) return found as Extract<ServerMessage, { type: T }>;
      await once(socket, 'message');
    }
  };
  const say = (utterance: string, text: string) => {
    send({ type: 'utterance.append', utterance, text });
    send({ type: 'utterance.end', utterance });
  };
  return { socket, messages, frames, send, say, until };
};

const kinds = (frames: readonly Buffer[], kind: number) => frames.filter((frame) => frame[0] === kind);
const loudness = (frame: Buffer) => {
  const samples = new Int16Array(new Uint8Array(frame.subarray(12)).buffer);
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
};

test('the example speaks and saves what it hears', async () => {
  const server = await startProgram();
  const out = join(await temporaryFolder(), 'hello.wav');

  const done = await run('client/examples/speak.mjs', ['Hello, I am here.', out, server.address.replace('http', 'ws')]);

  expect(done.code).toBe(0);
  expect(done.output).toMatch(/\d+ ms Hello/);
  expect((await readFile(out)).length).toBeGreaterThan(20_000);
});

test('as fast as it is made: sound, frames and motion of the same slots, words inside the sound', async () => {
  const server = await startProgram();
  const client = await connect(server.address, { leadMs: null, video: true, motion: true });

  client.say('a', 'One, two, three, four.');
  const finished = await client.until('utterance.finished');
  const words = client.messages.flatMap((message) => (message.type === 'utterance.words' ? message.words : []));

  const sound = kinds(client.frames, 1);
  const spokenMs = finished.durationMs;
  expect(finished).toMatchObject({ reason: 'completed', spokenText: 'One, two, three, four.' });
  expect(words.map(({ text }) => text.replace(/\W/g, ''))).toEqual(['One', 'two', 'three', 'four']);
  const started = await client.until('utterance.started');
  for (const { startMs, endMs } of words) {
    expect(startMs).toBeGreaterThanOrEqual(started.startMs);
    expect(endMs).toBeGreaterThan(startMs);
    expect(endMs).toBeLessThanOrEqual(started.startMs + spokenMs + 1);
  }
  expect(sound.some((frame) => loudness(frame) > 1000)).toBe(true);
  expect(kinds(client.frames, 4).length).toBeGreaterThan(20);
  expect((kinds(client.frames, 4)[0]?.[1] ?? 0) & 4).toBe(4);
  expect(kinds(client.frames, 2).every((frame) => frame.length === 12 + 59 * 4)).toBe(true);
  client.socket.terminate();
});

test('the same seed gives the same sound to two sessions at once', async () => {
  const server = await startProgram();
  const clients = await Promise.all([
    connect(server.address, { leadMs: null }),
    connect(server.address, { leadMs: null }),
  ]);

  for (const client of clients) client.say('a', 'The same again, please.');
  await Promise.all(clients.map((client) => client.until('utterance.finished')));

  const [one, two] = clients.map(({ frames }) => Buffer.concat(kinds(frames, 1).map((frame) => frame.subarray(12))));
  expect(one?.length).toBeGreaterThan(20_000);
  expect(two && one?.equals(two)).toBe(true);
  for (const { socket } of clients) socket.terminate();
});

test('a mouth that is stopped is silent at once, and tells what was heard', async () => {
  const server = await startProgram();
  const client = await connect(server.address, { leadMs: 0, video: true });
  const text = 'This is a rather long sentence that nobody wants to hear until its end, so somebody will stop it.';
  client.say('a', text);
  await client.until('utterance.words');
  for (let i = 0; i < 60; i += 1) await once(client.socket, 'message');

  client.send({ type: 'interrupt' });
  const finished = await client.until('utterance.finished');
  const before = client.frames.length;
  while (kinds(client.frames.slice(before), 1).length < 40) await once(client.socket, 'message');

  expect(finished.reason).toBe('interrupted');
  expect(text.startsWith(finished.spokenText)).toBe(true);
  expect(finished.spokenText.length).toBeLessThan(text.length);
  // The packet that was on its way fades; from then on there is silence.
  const after = kinds(client.frames.slice(before), 1).slice(3);
  expect(after.every((frame) => loudness(frame) === 0)).toBe(true);
  client.socket.terminate();
});

test('whatever the text, the session answers and goes on', async () => {
  const server = await startProgram();
  const client = await connect(server.address, { leadMs: null });
  const texts = [
    '',
    '😀🎉',
    '\u0000\u0007\u001b[31m',
    '<b>bold</b> & <script>alert(1)</script>',
    'Привет, 你好, hello, مرحبا.',
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    '… — ; : ! ? . , ( ) [ ] { }',
    'Call 555-0199 at 10:30 on 3/4/2026, it costs $12.50 (20% off)!',
  ];

  for (const [i, text] of texts.entries()) client.say(`u${i}`, text);
  await client.until('utterance.finished', `u${texts.length - 1}`);

  const finished = client.messages.filter((message) => message.type === 'utterance.finished');
  expect(finished.map(({ reason, spokenText }) => [reason, spokenText])).toEqual(
    texts.map((text) => ['completed', text]),
  );
  // The chunk "مرحبا." holds nothing that an English voice reads; all else is in chunks with words.
  const errors = client.messages.filter((message) => message.type === 'error');
  expect(errors).toMatchObject([{ code: 'bad_text', utterance: 'u4', fatal: false }]);
  expect(errors[0]?.message).toContain('مرحبا');
  client.socket.terminate();
});

test('a hundred kilobytes of text are taken, and can be stopped', async () => {
  const server = await startProgram();
  const client = await connect(server.address, { leadMs: 0 });
  client.say('long', 'All work and no play makes a dull day. '.repeat(2600));
  await client.until('utterance.started');

  client.send({ type: 'interrupt' });
  const finished = await client.until('utterance.finished');
  client.say('next', 'Done.');

  expect(finished.reason).toBe('interrupted');
  expect(await client.until('utterance.finished', 'next')).toMatchObject({ reason: 'completed' });
  client.socket.terminate();
});

test('on SIGTERM it finishes the sentence, tells its clients and ends', async () => {
  const server = await startProgram();
  const client = await connect(server.address, { leadMs: 0 });
  client.say('a', 'Let me finish this sentence.');
  await client.until('utterance.started');
  const closed = once(client.socket, 'close');
  const exited = once(server.process, 'exit');

  server.process.kill('SIGTERM');
  const [[code], [exitCode]] = await Promise.all([closed, exited]);

  expect(client.messages.slice(-2)).toMatchObject([
    { type: 'utterance.finished', reason: 'completed' },
    { type: 'error', code: 'shutting_down', fatal: true },
  ]);
  expect(code).toBe(1001);
  expect(exitCode).toBe(0);
});
