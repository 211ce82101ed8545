/** The real server, asked for twice the sessions that fit by their measured cost. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../src/stream/messages.ts';
import { startPageServer } from '../support/page-server.ts';
import { temporaryFolder } from '../support/program.ts';

/** A session with a picture, or what it was refused with. */
const knock = async (address: string) => {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/v1/session`, 'visavis.v1');
  onTestFinished(() => socket.terminate());
  const messages: ServerMessage[] = [];
  const sound: number[] = [];
  socket.on('message', (data: Buffer, binary) => {
    if (!binary) messages.push(JSON.parse(data.toString()) as ServerMessage);
    else if (data[0] === 1) sound.push(data.readUInt32LE(8));
  });
  const [response] = (await Promise.race([
    once(socket, 'open').then(() => [null]),
    once(socket, 'unexpected-response').then(([, answer]) => [answer]),
  ])) as [{ readonly statusCode: number; readonly headers: Record<string, string> } | null];
  if (response !== null) return { admitted: false as const, response };
  socket.send(JSON.stringify({ type: 'session.open', media: { transport: 'websocket', video: true, leadMs: 0 } }));
  while (!messages.some(({ type }) => type === 'session.opened')) await once(socket, 'message');
  return {
    admitted: true as const,
    sound,
    async speak(text: string) {
      socket.send(JSON.stringify({ type: 'utterance.append', utterance: 'u', text }));
      socket.send(JSON.stringify({ type: 'utterance.end', utterance: 'u' }));
      while (!messages.some(({ type }) => type === 'utterance.finished')) await once(socket, 'message');
      return messages.find((message) => message.type === 'utterance.finished');
    },
  };
};

test('at twice the load that fits, those who were let in are spoken to whole, and the others are told when to come back', async () => {
  const config = join(await temporaryFolder(), 'config.json');
  // Room for a few on any machine that this runs on: a share of the workers' time beyond what is sensible, for the test's sake.
  await writeFile(config, JSON.stringify({ inference: { faceWorkers: 3 }, load: { share: 1 } }));
  const server = await startPageServer(['--config', config]);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const { maxSessions } = (await (await fetch(`${server.url}/readyz`)).json()) as { maxSessions: number };

  const visitors = [];
  for (let i = 0; i < 2 * maxSessions; i += 1) visitors.push(await knock(server.url));
  const whep = await fetch(`${server.url}/v1/whep/alex`, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: 'v=0\r\n',
  });
  const admitted = visitors.filter((visitor) => visitor.admitted);
  const refused = visitors.filter((visitor) => !visitor.admitted);
  const finished = await Promise.all(admitted.map((visitor) => visitor.speak('One, two, three.')));

  expect(admitted.length).toBeGreaterThanOrEqual(1);
  expect(refused.length).toBeGreaterThanOrEqual(1);
  for (const { response } of refused) {
    expect(response.statusCode).toBe(503);
    expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(2);
  }
  expect([whep.status, await whep.json()]).toMatchObject([503, { code: 'server_full' }]);
  expect(Number(whep.headers.get('retry-after'))).toBeGreaterThanOrEqual(2);
  expect(finished).toEqual(admitted.map(() => expect.objectContaining({ spokenText: 'One, two, three.' })));
  for (const { sound } of admitted) expect(sound.length).toBeGreaterThan(20);
});
