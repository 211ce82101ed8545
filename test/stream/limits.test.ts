/** What a client may ask of a running server, and what it is answered beyond that. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../src/stream/messages.ts';
import { startAdapterServer } from '../support/adapter-server.ts';

const open = async (ws: string) => {
  const socket = new WebSocket(`${ws}/v1/session`, 'visavis.v1');
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  return socket;
};

test('a request whose headers are longer than allowed is answered 431', async () => {
  const { http } = await startAdapterServer({ limits: { headerBytes: 2_048 } });

  const answer = await fetch(`${http}/livez`, { headers: { 'x-long': 'x'.repeat(3_000) } });

  expect(answer.status).toBe(431);
});

test('a request whose headers do not come is ended, and others are answered meanwhile', async () => {
  const { http } = await startAdapterServer({ limits: { headersMs: 1_000 } });
  const { hostname, port } = new URL(http);
  const slow = connect(Number(port), hostname);
  onTestFinished(() => void slow.destroy());
  slow.write('GET /livez HTTP/1.1\r\nhost: a\r\n');

  const [answer] = (await once(slow, 'data')) as [Buffer];

  expect(answer.toString()).toMatch(/^HTTP\/1\.1 408 /);
  expect((await fetch(`${http}/livez`)).status).toBe(200);
});

test('a connection more than allowed is closed, and one that has ended makes room', async () => {
  const { ws } = await startAdapterServer({ limits: { connections: 1 } });
  const first = await open(ws);

  await expect(open(ws)).rejects.toThrow(/socket hang up|ECONNRESET/);
  first.terminate();

  await expect
    .poll(
      () =>
        open(ws).then(
          () => true,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true);
});

test('a message in more pieces than allowed ends its socket', async () => {
  const { ws } = await startAdapterServer({ limits: { messageParts: 4 } });
  const socket = await open(ws);

  for (let i = 0; i < 6; i += 1) socket.send('x', { fin: false });

  const [code] = (await once(socket, 'close')) as [number];
  expect(code).toBe(1008);
});

test('messages that come faster than they are read are all obeyed, later', async () => {
  const { ws } = await startAdapterServer({ limits: { messagesPerSecond: 100 } });
  const socket = await open(ws);
  let errors = 0;
  socket.on('message', (data: Buffer) => {
    if ((JSON.parse(data.toString()) as ServerMessage).type === 'error') errors += 1;
  });

  for (let i = 0; i < 250; i += 1) socket.send('{}');

  await expect.poll(() => errors, { timeout: 20_000 }).toBe(250);
});

test('an offer that is longer than allowed is refused, and the session goes on', async () => {
  const { ws } = await startAdapterServer({ limits: { offerCharacters: 1_024 } });
  const socket = await open(ws);
  const messages: ServerMessage[] = [];
  socket.on('message', (data: Buffer, binary) => {
    if (!binary) messages.push(JSON.parse(data.toString()) as ServerMessage);
  });
  socket.send(JSON.stringify({ type: 'session.open', media: { transport: 'webrtc' } }));
  await expect.poll(() => messages.length).toBe(1);

  socket.send(JSON.stringify({ type: 'webrtc.offer', sdp: 'x'.repeat(1_025) }));

  await expect.poll(() => messages[1]).toMatchObject({ type: 'error', code: 'webrtc_failed', fatal: false });
  expect(JSON.stringify(messages[1])).toContain('1024 characters');
});
