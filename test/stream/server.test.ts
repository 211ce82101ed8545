import { once } from 'node:events';
import { connect } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../config/load.ts';
import { systemClock } from '../../src/clock.ts';
import { type Server, startServer } from '../../src/stream/server.ts';
import { fakeMediaServer } from '../support/fake-media.ts';
import { fakeInference } from '../support/fake-models.ts';
import { root } from '../support/models.ts';

let server: Server;
let media: ReturnType<typeof fakeMediaServer>;

beforeEach(async () => {
  media = fakeMediaServer();
  const config = loadConfig(undefined, { port: 0, voice: 'fake', avatar: 'fake' });
  server = await startServer({
    config: { ...config, limits: { ...config.limits, sessions: 2, pingMs: 1000 } },
    clock: systemClock,
    log: pino({ level: 'silent' }),
    inference: fakeInference(),
    media,
    chat: null,
    pageFolders: [`${root}/client`],
    portraitOf: (avatar) => (avatar === 'fake' ? `${root}/models/avatars/alex/portrait.png` : null),
  });
});
afterEach(() => server.close());

const open = async (protocol = 'visavis.v1') => {
  const socket = new WebSocket(`${server.address.replace('http', 'ws')}/v1/session`, protocol);
  await once(socket, 'open');
  return socket;
};
const ready = async () =>
  (await (await fetch(`${server.address}/readyz`)).json()) as { sessions: number; status: string };
const nextMessage = async (socket: WebSocket) => {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return JSON.parse(data.toString()) as Record<string, unknown>;
};
const until = async (condition: () => Promise<boolean>) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
};

describe('over HTTP, the server', () => {
  test('lists what is installed', async () => {
    const voices = await (await fetch(`${server.address}/v1/voices`)).json();
    const avatars = await (await fetch(`${server.address}/v1/avatars`)).json();

    expect(voices).toMatchObject({ voices: [{ name: 'fake', sampleRateHz: 16_000 }] });
    expect(avatars).toMatchObject({ avatars: [{ name: 'fake', size: 16 }] });
  });

  test('shows the page under a policy that allows nothing foreign', async () => {
    const page = await fetch(`${server.address}/`);

    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  });

  test('shows portraits', async () => {
    const portrait = await fetch(`${server.address}/v1/avatars/fake/portrait.png`);
    const missing = await fetch(`${server.address}/v1/avatars/nobody/portrait.png`);

    expect(portrait.headers.get('content-type')).toBe('image/png');
    expect([missing.status, await missing.json()]).toMatchObject([404, { error: { code: 'unknown_avatar' } }]);
  });

  test.each([
    '/nothing',
    '/client/../package.json',
    '/client/%2e%2e/package.json',
    '/client/tsconfig.json',
    '/client/..%2fpackage.json',
  ])('gives no file outside the page: %s', async (path) => {
    const { hostname, port } = new URL(server.address);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    let reply = '';
    for await (const data of socket) reply += String(data);

    expect(reply).toMatch(/^HTTP\/1\.1 (404|400)/);
    expect(reply).toContain('"error"');
  });

  test('tells what it does in the Prometheus format', async () => {
    const text = await (await fetch(`${server.address}/metrics`)).text();

    expect(text).toContain('visavis_sessions 0');
    expect(text).toContain('visavis_text_to_audio_seconds_bucket');
  });

  test('asks for a WebSocket where one belongs', async () => {
    const reply = await fetch(`${server.address}/v1/session`);

    expect(reply.status).toBe(426);
  });
});

describe('over WebSocket, the server', () => {
  test('opens a session, and frees it when the socket closes', async () => {
    const socket = await open();
    socket.send('{"type":"session.open","media":{"transport":"webrtc"}}');
    const opened = await nextMessage(socket);
    const during = await ready();

    socket.close();
    await until(async () => (await ready()).sessions === 0);

    expect(opened).toMatchObject({ type: 'session.opened', voice: 'fake' });
    expect(during.sessions).toBe(1);
    expect(media.channels[0]?.closed).toBe(true);
  });

  test('frees the session of a client that vanishes without a word', async () => {
    const socket = await open();
    socket.pause();

    await until(async () => (await ready()).sessions === 0);

    socket.terminate();
  });

  test('answers 503 with a time to come back when it is full, and its sessions notice nothing', async () => {
    const sockets = [await open(), await open()];
    const { hostname, port } = new URL(server.address);
    const refused = await new Promise<string>((resolve) => {
      let reply = '';
      const socket = connect(Number(port), hostname);
      socket.on('data', (data) => (reply += String(data)));
      socket.on('close', () => resolve(reply));
      socket.write(
        'GET /v1/session HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
    });
    sockets[0]?.send('{"type":"session.open","media":{"transport":"webrtc"}}');

    expect(refused).toMatch(/^HTTP\/1\.1 503/);
    expect(refused).toMatch(/Retry-After: \d+/);
    expect(refused).toContain('server_full');
    expect(sockets[0] && (await nextMessage(sockets[0]))).toMatchObject({ type: 'session.opened' });
    for (const socket of sockets) socket.terminate();
  });

  test('a message over the limit closes that socket only', async () => {
    const other = await open();
    const socket = await open();
    socket.on('error', () => undefined);

    socket.send('x'.repeat(2_000_000));
    const [code] = (await once(socket, 'close')) as [number];

    expect(code).toBe(1009);
    expect(other.readyState).toBe(WebSocket.OPEN);
    other.terminate();
  });

  test('tells its clients when it stops', async () => {
    const socket = await open();
    socket.send('{"type":"session.open","media":{"transport":"webrtc"}}');
    await nextMessage(socket);

    const [message] = await Promise.all([nextMessage(socket), server.drain()]);

    expect(message).toMatchObject({ type: 'error', code: 'shutting_down', fatal: true });
  });
});
