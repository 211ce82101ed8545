import { once } from 'node:events';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../../config/load.ts';
import { systemClock } from '../../../src/clock.ts';
import { type Server, startServer } from '../../../src/stream/server.ts';
import { whepProblemSchema } from '../../../src/stream/whep/whep-routes.ts';
import { fakeMediaServer } from '../../support/fake-media.ts';
import { fakeInference } from '../../support/fake-models.ts';

const CREDENTIALS = 'a=ice-ufrag:EsAw\r\na=ice-pwd:x9cml/YzichV2+XlhiMu8gbc\r\n';
const RENEWED = 'a=ice-ufrag:New1\r\na=ice-pwd:AAAAAAAAAAAAAAAAAAAAAAAA\r\n';
const OFFER = `v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n${CREDENTIALS}m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n${CREDENTIALS}`;
const CANDIDATE = 'm=audio 9 X 0\r\na=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n';
const FRAGMENT = 'application/trickle-ice-sdpfrag';

let server: Server;
let media: ReturnType<typeof fakeMediaServer>;

beforeEach(async () => {
  media = fakeMediaServer();
  const config = loadConfig(undefined, { port: 0, voice: 'fake', avatar: 'fake' });
  server = await startServer({
    config: {
      ...config,
      limits: { ...config.limits, sessions: 2, mediaPathMs: 1000 },
      webrtc: { ...config.webrtc, iceServers: [{ url: 'stun:stun.example.net' }] },
    },
    clock: systemClock,
    log: pino({ level: 'silent' }),
    inference: fakeInference(),
    media,
    chat: null,
    pageFolders: [],
    portraitOf: () => null,
  });
});
afterEach(() => server.close());

const ask = (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, server.address), { method, headers, ...(body === undefined ? {} : { body }) });
const post = (path = '/v1/whep/fake', body = OFFER) => ask('POST', path, body, { 'content-type': 'application/sdp' });
const patch = (location: string, body: string, headers: Record<string, string> = {}) =>
  ask('PATCH', location, body, { 'content-type': FRAGMENT, ...headers });
/** Begins a player. @returns its URL's path. */
const play = async () => {
  const response = await post();
  return response.headers.get('location') ?? '';
};
const sessions = async () =>
  ((await (await fetch(`${server.address}/readyz`)).json()) as { sessions: number }).sessions;
const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = whepProblemSchema.parse(await response.json());
  expect(problem.status).toBe(response.status);
  return [problem.status, problem.code];
};

describe('a WHEP player', () => {
  test('posts an offer and gets an answer, its own URL, an entity tag and ICE servers', async () => {
    const response = await post();

    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toContain('application/sdp');
    expect(response.headers.get('location')).toMatch(/^\/v1\/whep\/fake\/[0-9a-f-]{36}$/);
    expect(response.headers.get('etag')).toBe('"1"');
    expect(response.headers.get('accept-patch')).toBe(FRAGMENT);
    expect(response.headers.get('link')).toBe('<stun:stun.example.net>; rel="ice-server"');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-expose-headers')).toMatch(/Location.*ETag.*Link/);
    expect(await response.text()).toContain('v=0');
    expect(media.channels[0]?.options).toMatchObject({ transport: { kind: 'webrtc' }, video: { size: 16 } });
  });

  test('that takes no video is sent sound alone', async () => {
    await post('/v1/whep/fake', OFFER.slice(0, OFFER.indexOf('m=video')));

    expect(media.channels[0]?.options.video).toBeNull();
  });

  test('of another origin is let through by a preflight', async () => {
    const location = await play();
    for (const path of ['/v1/whep/fake', location]) {
      const response = await ask('OPTIONS', path);
      expect(response.status).toBe(204);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('access-control-allow-methods')).toMatch(/POST.*PATCH.*DELETE/);
      expect(response.headers.get('access-control-allow-headers')).toMatch(/Content-Type.*If-Match/);
      expect(response.headers.get('link')).toContain('stun:');
    }
  });

  test('trickles candidates', async () => {
    const location = await play();
    const headers = { 'if-match': '"1"' };

    expect((await patch(location, CREDENTIALS + CANDIDATE)).status).toBe(204);
    expect((await patch(location, CREDENTIALS + CANDIDATE, headers)).status).toBe(204);
    expect(media.channels[0]?.candidates).toHaveLength(2);
    expect(media.channels[0]?.candidates[0]).toMatchObject({ sdpMid: '0' });
  });

  test('restarts ICE: the offer is renewed, the entity tag changes, the old one is refused', async () => {
    const location = await play();

    const restarted = await patch(location, RENEWED + CANDIDATE, { 'if-match': '*' });
    const stale = await patch(location, RENEWED + CANDIDATE, { 'if-match': '"1"' });
    const fresh = await patch(location, RENEWED + CANDIDATE, { 'if-match': '"2"' });

    expect([restarted.status, restarted.headers.get('etag')]).toEqual([200, '"2"']);
    expect(restarted.headers.get('content-type')).toContain(FRAGMENT);
    expect(await problemOf(stale)).toEqual([412, 'bad_order']);
    expect(fresh.status).toBe(204);
    expect(media.channels[0]?.offers.at(-1)).toContain('New1');
    expect(media.channels[0]?.offers.at(-1)).not.toContain('EsAw');
    expect(await problemOf(await patch(location, CREDENTIALS))).toEqual([428, 'bad_order']);
  });

  test('is freed by DELETE, and its URL is gone', async () => {
    const location = await play();
    const during = await sessions();

    const deleted = await ask('DELETE', location);

    expect([during, deleted.status, await sessions()]).toEqual([1, 200, 0]);
    expect(media.channels[0]?.closed).toBe(true);
    expect(await problemOf(await ask('DELETE', location))).toEqual([404, 'bad_order']);
    expect(await problemOf(await patch(location, CREDENTIALS))).toEqual([404, 'bad_order']);
  });

  test('whose connection is lost is freed in time', async () => {
    const location = await play();

    media.channels[0]?.emit({ type: 'state', state: 'disconnected' });

    await expect.poll(sessions, { timeout: 5000 }).toBe(0);
    expect((await ask('DELETE', location)).status).toBe(404);
  });

  test('is told what is wrong, as a problem of RFC 9457', async () => {
    const location = await play();
    const json = { 'content-type': 'application/json' };

    expect(await problemOf(await post('/v1/whep/nobody'))).toEqual([404, 'unknown_avatar']);
    expect(await problemOf(await post('/v1/whep/fake?voice=nobody'))).toEqual([404, 'unknown_voice']);
    expect(await problemOf(await post('/v1/whep/fake?speed=9'))).toEqual([400, 'bad_message']);
    expect(await problemOf(await post('/v1/whep/fake', 'hello'))).toEqual([400, 'webrtc_failed']);
    expect(await problemOf(await post('/v1/whep/fake', `v=0\r\n${'x'.repeat(70_000)}`))).toEqual([413, 'bad_message']);
    expect(await problemOf(await ask('POST', '/v1/whep/fake', '{}', json))).toEqual([415, 'bad_message']);
    expect(await problemOf(await ask('POST', '/v1/whep/fake'))).toEqual([415, 'bad_message']);
    expect(await problemOf(await ask('PATCH', location, '{}', json))).toEqual([415, 'bad_message']);
    expect(await problemOf(await patch(location, 'hello'))).toEqual([400, 'webrtc_failed']);
    for (const path of ['/v1/whep/fake', location])
      expect(await problemOf(await ask('GET', path))).toEqual([405, 'bad_message']);
    expect(await sessions()).toBe(1);
  });

  test('is asked to come back when the server is full', async () => {
    await play();
    await play();

    const refused = await post();

    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(refused.headers.get('access-control-allow-origin')).toBe('*');
    expect(await problemOf(refused)).toEqual([503, 'server_full']);
  });

  test('says what is sent over a WebSocket to its URL, and over its data channel', async () => {
    const location = await play();
    const socket = new WebSocket(new URL(location, server.address.replace('http', 'ws')), 'visavis.v1');
    const received: { type: string }[] = [];
    socket.on('message', (data: Buffer) => received.push(JSON.parse(data.toString()) as { type: string }));
    await once(socket, 'open');
    const [channel] = media.channels;
    channel?.emit({ type: 'text-open' });

    channel?.emit({ type: 'text', text: '{"type":"utterance.append","utterance":"a","text":"Hello."}' });
    channel?.emit({ type: 'text', text: '{"type":"utterance.end","utterance":"a"}' });
    socket.send('{"type":"utterance.append","utterance":"b","text":"There."}');
    socket.send('{"type":"utterance.end","utterance":"b"}');
    const finished = () => received.filter(({ type }) => type === 'utterance.finished').length;
    await expect.poll(() => (channel?.play(), finished()), { interval: 5 }).toBe(2);

    expect(received[0]).toMatchObject({ type: 'session.opened', avatar: 'fake' });
    const overChannel = channel?.texts.map((text) => (JSON.parse(text) as { type: string }).type);
    expect(overChannel?.[0]).toBe('session.opened');
    expect(overChannel?.filter((type) => type === 'utterance.finished')).toHaveLength(2);
    socket.close();
    await once(socket, 'close');
    expect(await sessions()).toBe(1);
  });

  test('is not reached by a WebSocket that does not know its URL', async () => {
    await play();
    const socket = new WebSocket(`${server.address.replace('http', 'ws')}/v1/whep/fake/1`, 'visavis.v1');
    const [error] = (await once(socket, 'error')) as [Error];

    expect(error.message).toContain('404');
  });

  test('is told when the server stops', async () => {
    const location = await play();
    const socket = new WebSocket(new URL(location, server.address.replace('http', 'ws')), 'visavis.v1');
    const received: string[] = [];
    socket.on('message', (data: Buffer) => received.push(data.toString()));
    await once(socket, 'open');

    await server.close();

    await expect.poll(() => received.at(-1)).toContain('shutting_down');
    expect(media.channels[0]?.closed).toBe(true);
  });
});
