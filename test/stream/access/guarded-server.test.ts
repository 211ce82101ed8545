/** A server that asks for a key, and the clients of its protocols, real ones, with and without it. */
import { once } from 'node:events';
import { DeepgramClient } from '@deepgram/sdk';
import { ElevenLabsClient } from '@elevenlabs/elevenlabs-js';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type SessionOptions, connect } from '../../../client/library/index.ts';
import { startAdapterServer, until } from '../../support/adapter-server.ts';

const KEY = 'a-key-that-nobody-guesses';
const WRONG = 'another-key-altogether';
const TEXT = 'One two three.';

const guarded = (origins: string[] = ['*'], limits = {}) =>
  startAdapterServer({ access: { keys: ['an-older-key', KEY], origins }, limits });
/** What was said over a socket, and its close code, or the status that it was refused with. */
const talk = async (
  url: string,
  options: { headers?: Record<string, string>; protocols?: string[]; first?: object[] },
) => {
  const socket = new WebSocket(url, options.protocols ?? [], { headers: options.headers ?? {} });
  const said: unknown[] = [];
  socket.on('message', (data: Buffer, binary) => said.push(binary ? data.length : JSON.parse(data.toString())));
  const status = new Promise<{ status: number; body: string }>((resolve) => {
    socket.on('unexpected-response', (_request, response) => {
      response.setEncoding('utf8');
      let body = '';
      response.on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
  });
  socket.on('error', () => undefined);
  const opened = once(socket, 'open').then(async () => {
    for (const message of options.first ?? []) socket.send(JSON.stringify(message));
    const [code] = (await once(socket, 'close')) as [number];
    return { status: 101, body: '', code };
  });
  opened.catch(() => undefined);
  return { ...(await Promise.race([status, opened])), said };
};

describe('without a key', () => {
  test('probes and pages are answered, and nothing else', async () => {
    const { http } = await guarded();
    const statusOf = async (path: string) => (await fetch(http + path)).status;

    expect(await Promise.all(['/livez', '/readyz', '/v1/openapi.json'].map(statusOf))).toEqual([200, 200, 200]);
    expect(await Promise.all(['/v1/voices', '/v1/avatars', '/metrics', '/v1/models', '/voices'].map(statusOf))).toEqual(
      Array.from({ length: 5 }, () => 401),
    );
    const refused = await fetch(`${http}/v1/voices`);
    expect(refused.headers.get('www-authenticate')).toContain('Bearer');
    expect(await refused.json()).toMatchObject({ error: { code: 'unauthorized' } });
  });

  test('a WHEP player gets a problem', async () => {
    const { http } = await guarded();

    const response = await fetch(`${http}/v1/whep/fake`, { method: 'POST', body: 'v=0' });

    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({ status: 401, title: 'Unauthorized', code: 'unauthorized' });
  });

  test('the session socket says why before it closes, and takes no place', async () => {
    const { ws, sessions } = await guarded();

    const { said, code } = (await talk(`${ws}/v1/session`, { protocols: ['visavis.v1'] })) as {
      said: unknown[];
      code: number;
    };

    expect(said).toMatchObject([{ type: 'error', code: 'unauthorized', fatal: true }]);
    expect([code, await sessions()]).toEqual([1008, 0]);
  });
});

describe('the client of', () => {
  test('OpenAI needs it', async () => {
    const { http } = await guarded();
    const speak = (apiKey: string) =>
      new OpenAI({ baseURL: `${http}/v1`, apiKey, maxRetries: 0 }).audio.speech.create({
        model: 'any',
        voice: 'alloy',
        input: TEXT,
        response_format: 'pcm',
      });

    expect((await (await speak(KEY)).arrayBuffer()).byteLength).toBe(600 * 48);
    await expect(speak(WRONG)).rejects.toThrow(OpenAI.AuthenticationError);
    await expect(speak(WRONG)).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  test('ElevenLabs needs it', async () => {
    const { http } = await guarded();
    const speak = (apiKey: string) =>
      new ElevenLabsClient({ baseUrl: http, apiKey, maxRetries: 0 }).textToSpeech.convertWithTimestamps('fake', {
        text: TEXT,
        outputFormat: 'pcm_16000',
      });

    expect((await speak(KEY)).audioBase64.length).toBeGreaterThan(0);
    await expect(speak(WRONG)).rejects.toMatchObject({
      statusCode: 401,
      body: { detail: { status: 'invalid_api_key' } },
    });
  });

  test('Deepgram needs it', async () => {
    const { http, ws } = await guarded();
    const speak = (apiKey: string) =>
      new DeepgramClient({
        apiKey,
        maxRetries: 0,
        environment: { base: http, production: ws, agent: ws, agentRest: http },
      }).speak.v1.audio.generate({ text: TEXT, encoding: 'linear16', container: 'none' });

    expect((await (await speak(KEY)).arrayBuffer()).byteLength).toBe(600 * 48);
    await expect(speak(WRONG)).rejects.toMatchObject({ statusCode: 401, body: { err_code: 'INVALID_AUTH' } });
  });

  test('this library needs it', async () => {
    const { http } = await guarded();
    // The package's socket is what the library needs of a browser's.
    const own = { url: http, WebSocket: WebSocket as unknown as NonNullable<SessionOptions['WebSocket']> };

    const session = await connect({ ...own, key: KEY });
    expect(session.state.name).toBe('open');
    session.close();
    await expect(connect(own)).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(connect({ ...own, key: WRONG })).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe("ElevenLabs' sockets", () => {
  const path = '/v1/text-to-speech/fake/stream-input?output_format=pcm_16000';

  test.each([
    ['in the header', { headers: { 'xi-api-key': KEY }, first: [{ text: TEXT }, { text: '' }] }],
    ['in the first message', { first: [{ text: ' ', xi_api_key: KEY }, { text: TEXT }, { text: '' }] }],
    ['in the first message as a header', { first: [{ text: TEXT, authorization: `Bearer ${KEY}` }, { text: '' }] }],
  ])('take it %s', async (_where, options) => {
    const { ws } = await guarded();

    const { said } = await talk(ws + path, options);

    expect(said.at(-1)).toMatchObject({ isFinal: true });
    expect(said.length).toBeGreaterThan(1);
  });

  test('refuse a wrong one in their own form', async () => {
    const { ws, sessions } = await guarded(undefined, { openTimeoutMs: 200 });

    const inHeader = await talk(ws + path, { headers: { 'xi-api-key': WRONG } });
    const inMessage = await talk(ws + path, { first: [{ text: ' ', xi_api_key: WRONG }] });
    const never = await talk(ws + path, {});

    expect([inHeader.status, JSON.parse(inHeader.body)]).toMatchObject([
      401,
      { detail: { status: 'invalid_api_key' } },
    ]);
    expect(inMessage).toMatchObject({ code: 1008, said: [{ error: 'invalid_api_key', code: 1008 }] });
    expect(never).toMatchObject({ code: 1008, said: [{ error: 'invalid_api_key' }] });
    expect(await sessions()).toBe(0);
  });

  test('take no place while they wait for it', async () => {
    const { ws, sessions } = await guarded(undefined, { sessions: 1 });
    const waiting = new WebSocket(ws + path);
    await once(waiting, 'open');

    expect(await sessions()).toBe(0);
    waiting.send(JSON.stringify({ text: TEXT, xi_api_key: KEY }));
    await until(async () => (await sessions()) === 1);
    const second = await talk(ws + path, { first: [{ text: TEXT, xi_api_key: KEY }] });
    waiting.terminate();

    expect(second).toMatchObject({ code: 1013, said: [{ error: 'too_many_concurrent_requests' }] });
    await until(async () => (await sessions()) === 0);
  });
});

test("Deepgram's socket takes it as browsers send it, and refuses a wrong one in its own form", async () => {
  const { ws } = await guarded();
  const first = [{ type: 'Speak', text: TEXT }, { type: 'Close' }];

  const { said } = await talk(`${ws}/v1/speak`, { protocols: ['token', KEY], first });
  const refused = await talk(`${ws}/v1/speak`, { headers: { authorization: `Token ${WRONG}` } });

  expect(said[0]).toMatchObject({ type: 'Metadata' });
  expect(said.length).toBeGreaterThan(1);
  expect([refused.status, JSON.parse(refused.body)]).toMatchObject([401, { err_code: 'INVALID_AUTH' }]);
});

describe('where origins are listed', () => {
  const [friend, stranger] = ['https://friend.example', 'https://stranger.example'];
  const askAs = (http: string, path: string, origin: string, method = 'GET') =>
    fetch(http + path, {
      method,
      headers: { origin, ...(method === 'OPTIONS' ? {} : { authorization: `Bearer ${KEY}` }) },
    });

  test('pages of others may neither ask nor open a session', async () => {
    const { http, ws } = await guarded([friend]);
    const url = `${ws}/v1/session?key=${KEY}`;

    expect((await askAs(http, '/v1/voices', stranger)).status).toBe(403);
    expect((await askAs(http, '/v1/models', stranger)).status).toBe(403);
    expect((await talk(url, { headers: { origin: stranger }, protocols: ['visavis.v1'] })).status).toBe(403);
    expect((await talk(`${ws}/v1/speak?key=${KEY}`, { headers: { origin: stranger } })).status).toBe(403);
  });

  test('theirs may, after a preflight without a key', async () => {
    const { http, ws } = await guarded([friend]);

    const preflight = await askAs(http, '/v1/audio/speech', friend, 'OPTIONS');
    const voices = await askAs(http, '/v1/voices', friend);

    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([
      204,
      expect.stringContaining('POST'),
    ]);
    expect([preflight, voices].map(({ headers }) => headers.get('access-control-allow-origin'))).toEqual([
      friend,
      friend,
    ]);
    const socket = new WebSocket(`${ws}/v1/session?key=${KEY}`, 'visavis.v1', { headers: { origin: friend } });
    await once(socket, 'open');
    socket.terminate();
  });

  test('operators are asked by no page at all', async () => {
    const { http } = await guarded(['*']);

    expect((await askAs(http, '/metrics', friend)).headers.get('access-control-allow-origin')).toBeNull();
    expect((await askAs(http, '/v1/voices', friend)).headers.get('access-control-allow-origin')).toBe('*');
  });
});
