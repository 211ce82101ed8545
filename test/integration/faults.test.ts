import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import nodeProcess from 'node:process';
import { expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../src/stream/messages.ts';
import { root } from '../support/models.ts';
import { launchChromium } from '../support/chromium.ts';
import { startProgram, temporaryFolder } from '../support/program.ts';

const LONG_TEXT = 'Nobody is going to wait for the end of this, and so it may go on for quite a while. '.repeat(5);

// Real processes with real models, several after another.
vi.setConfig({ testTimeout: 180_000 });

/** What takes long: `npm run test:long`. */
const long = test.runIf(nodeProcess.env['VISAVIS_LONG'] === '1');

/** The program, one of whose threads breaks at SIGUSR2: see `break-threads.mjs`. */
const startBreakable = (how: string) =>
  startProgram([], { BREAK: how, NODE_OPTIONS: `--import ${join(root, 'test/support/break-threads.mjs')}` });

/** The program with other limits than usual. */
const startWith = async (config: object) => {
  const path = join(await temporaryFolder(), 'config.json');
  await writeFile(path, JSON.stringify(config));
  return startProgram(['--config', path]);
};

const sessionsOf = async (address: string): Promise<number> =>
  ((await (await fetch(`${address}/readyz`)).json()) as { sessions: number }).sessions;

/** A session that speaks. */
const speak = async (address: string, text: string, media: object = {}) => {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/session`, 'visavis.v1');
  const messages: ServerMessage[] = [];
  const frames: Buffer[] = [];
  socket.on('message', (data: Buffer, binary) => {
    if (binary) frames.push(data);
    else messages.push(JSON.parse(data.toString()) as ServerMessage);
  });
  await once(socket, 'open');
  for (const message of [
    {
      type: 'session.open',
      seed: 1,
      media: { transport: 'websocket', audio: { codec: 'pcm_s16le' }, leadMs: 0, ...media },
    },
  ])
    socket.send(JSON.stringify(message));
  const say = (utterance: string, said: string) => {
    socket.send(JSON.stringify({ type: 'utterance.append', utterance, text: said }));
    socket.send(JSON.stringify({ type: 'utterance.end', utterance }));
  };
  say('a', text);
  const until = async (isIt: (message: ServerMessage) => boolean): Promise<ServerMessage> => {
    for (;;) {
      const found = messages.find(isIt);
      if (found) return found;
      await once(socket, 'message');
    }
  };
  await until(({ type }) => type === 'utterance.started');
  const finished = (utterance: string) =>
    until((message) => message.type === 'utterance.finished' && message.utterance === utterance);
  return { socket, messages, frames, say, until, finished };
};

/** More than is made in the time of a test, as fast as it may be. */
const ENDLESS_TEXT = LONG_TEXT.repeat(40);
/** Without a clock no frame is ever too late, however busy the machine. */
const UNHURRIED = { video: true, leadMs: null };
const SOUND = 1;
const PICTURE = 4;
const kinds = (frames: readonly Buffer[], kind: number): number => frames.filter((frame) => frame[0] === kind).length;

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

test('an inference worker that dies ends what it was making; the session is told, and its next utterance is said', async () => {
  const { address, process } = await startBreakable('speech-1 throw');
  const { socket, messages, say, until, finished } = await speak(address, LONG_TEXT);

  process.kill('SIGUSR2');

  expect(await until(({ type }) => type === 'error')).toMatchObject({
    code: 'inference_failed',
    utterance: 'a',
    fatal: false,
    message: expect.stringContaining('broken on purpose'),
  });
  await finished('a');
  say('b', 'Here I am again.');
  expect(await finished('b')).toMatchObject({ reason: 'completed', spokenText: 'Here I am again.' });
  expect(messages.filter(({ type }) => type === 'error')).toHaveLength(1);
  socket.terminate();
});

test('a face that cannot be drawn for a moment does not stop the voice, and comes back', async () => {
  const { address, process } = await startBreakable('face-1 throw');
  const { socket, frames, until, finished } = await speak(address, ENDLESS_TEXT, UNHURRIED);
  await expect.poll(() => kinds(frames, PICTURE), { timeout: 60_000 }).toBeGreaterThan(0);

  process.kill('SIGUSR2');

  expect(await until(({ type }) => type === 'error')).toMatchObject({ code: 'inference_failed', fatal: false });
  const [sound, picture] = [kinds(frames, SOUND), kinds(frames, PICTURE)];
  await expect.poll(() => kinds(frames, SOUND), { timeout: 60_000 }).toBeGreaterThan(sound + 10);
  await expect.poll(() => kinds(frames, PICTURE), { timeout: 60_000 }).toBeGreaterThan(picture + 5);
  socket.send(JSON.stringify({ type: 'interrupt' }));
  expect(await finished('a')).toMatchObject({ reason: 'interrupted' });
  socket.terminate();
});

test.each([
  { how: 'exit', media: {} },
  // It hangs for ten seconds before it is given up, and frames are being encoded all the time.
  { how: 'hang', media: UNHURRIED },
])(
  'a media thread that breaks ($how) ends its sessions with a reason, frees them, and is started again for the next one',
  async ({ how, media }) => {
    const { address, process } = await startBreakable(`media ${how}`);
    const before = await speak(address, how === 'hang' ? ENDLESS_TEXT : LONG_TEXT, media);
    if (how === 'hang') await expect.poll(() => kinds(before.frames, PICTURE), { timeout: 60_000 }).toBeGreaterThan(0);
    const closed = once(before.socket, 'close');

    process.kill('SIGUSR2');
    const [code] = (await closed) as [number];

    expect(code).toBe(1011);
    expect(before.messages.at(-1)).toMatchObject({ type: 'error', code: 'internal', fatal: true });
    await expect.poll(() => sessionsOf(address)).toBe(0);
    const after = await speak(address, 'The next one is well.');
    expect(await after.finished('a')).toMatchObject({ reason: 'completed' });
    expect(process.exitCode).toBeNull();
    after.socket.terminate();
  },
);

test('encoders that fail for a second are told of and opened anew', async () => {
  const { address, process } = await startBreakable('media codec');
  const { socket, messages, frames, until, finished } = await speak(address, ENDLESS_TEXT, {
    ...UNHURRIED,
    audio: { codec: 'opus' },
  });
  await expect.poll(() => kinds(frames, PICTURE), { timeout: 60_000 }).toBeGreaterThan(0);

  process.kill('SIGUSR2');

  expect(await until(({ type }) => type === 'error')).toMatchObject({
    code: 'internal',
    fatal: false,
    message: expect.stringContaining('did not encode'),
  });
  const [sound, picture] = [kinds(frames, SOUND), kinds(frames, PICTURE)];
  await expect.poll(() => kinds(frames, SOUND), { timeout: 60_000 }).toBeGreaterThan(sound + 10);
  await expect.poll(() => kinds(frames, PICTURE), { timeout: 60_000 }).toBeGreaterThan(picture + 5);
  // Once a second for each encoder at most.
  expect(messages.filter(({ type }) => type === 'error').length).toBeLessThan(6);
  socket.send(JSON.stringify({ type: 'interrupt' }));
  expect(await finished('a')).toMatchObject({ reason: 'interrupted' });
  socket.terminate();
});

test('a client that stops reading is given up; another one hears its sentence to the end', async () => {
  const { address } = await startWith({ limits: { unreadMs: 1000, unsentBytes: 65_536, pingMs: 3000 } });
  const lazy = await speak(address, LONG_TEXT, { video: true, leadMs: null });
  lazy.socket.pause();
  const keen = await speak(address, 'This sentence is heard by somebody who listens.');

  // Nor does it answer pings: which of both is noticed first depends on how much the system buffers for it.
  await expect.poll(() => sessionsOf(address), { timeout: 50_000 }).toBe(1);
  expect(await keen.finished('a')).toMatchObject({ reason: 'completed' });
  keen.say('b', 'And so is this one.');
  expect(await keen.finished('b')).toMatchObject({ reason: 'completed' });
  lazy.socket.terminate();
  keen.socket.terminate();
});

test('a drain ends in time although somebody would speak on, and tells so', async () => {
  const { address, process } = await startWith({ drainMs: 1000 });
  const { socket, messages } = await speak(address, LONG_TEXT);
  const closed = once(socket, 'close');
  const exited = once(process, 'exit');

  process.kill('SIGTERM');
  const [[closeCode], [code, signal]] = (await Promise.all([closed, exited])) as [
    [number],
    [number | null, string | null],
  ];

  expect(closeCode).toBe(1001);
  expect(messages.at(-1)).toMatchObject({ type: 'error', code: 'shutting_down', fatal: true });
  expect([code, signal]).toEqual([0, null]);
});

long(
  'with the usual limits, a drain ends within the 30 s after which a supervisor would kill',
  async () => {
    const { address, process } = await startProgram();
    const { socket } = await speak(address, LONG_TEXT.repeat(10));
    const exited = once(process, 'exit');

    process.kill('SIGTERM');
    const killed = setTimeout(() => process.kill('SIGKILL'), 30_000);
    const [code, signal] = (await exited) as [number | null, string | null];
    clearTimeout(killed);

    expect([code, signal]).toEqual([0, null]);
    socket.terminate();
  },
  90_000,
);

test('what fails in the media thread, and nobody expected, does not end its sessions', async () => {
  const { address, process } = await startBreakable('media throw');
  const { socket, messages, finished } = await speak(address, 'This goes on as if nothing had been.');

  process.kill('SIGUSR2');

  expect(await finished('a')).toMatchObject({ reason: 'completed' });
  expect(messages.filter(({ type }) => type === 'error')).toEqual([]);
  socket.terminate();
});

test('a browser that is killed is freed at once; one that only watched, as soon as nothing came from it for long', async () => {
  const { address } = await startWith({ limits: { mediaPathMs: 2000 } });
  const browser = await launchChromium();
  const { page } = await browser.page();
  await page.goto(address);
  await page.waitForSelector('#stage[data-state=live]', { timeout: 60_000 });
  // A player by WHEP, which has no socket.
  await page.evaluate(async () => {
    const pc = new RTCPeerConnection();
    for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
    await pc.setLocalDescription();
    const answer = await fetch('/v1/whep/alex', {
      method: 'POST',
      headers: { 'content-type': 'application/sdp' },
      body: pc.localDescription?.sdp ?? '',
    });
    await pc.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    await new Promise<void>((resolve) => {
      const look = () => pc.connectionState === 'connected' && resolve();
      pc.addEventListener('connectionstatechange', look);
      look();
    });
  });
  expect(await sessionsOf(address)).toBe(2);

  await browser.kill();

  await expect.poll(() => sessionsOf(address), { timeout: 60_000 }).toBe(0);
  const { socket, finished } = await speak(address, 'There is room for another one.');
  expect(await finished('a')).toMatchObject({ reason: 'completed' });
  socket.terminate();
});
