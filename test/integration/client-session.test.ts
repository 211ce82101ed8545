/** The client library in Node, against the real server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connect, type SessionOptions } from '../../client/library/index.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';

const TEXT = 'One two three four five six seven eight.';
/** Sound as fast as it is made. */
const FAST = { audio: { codec: 'pcm_s16le' }, leadMs: null } as const;

let server: PageServer;
beforeAll(async () => {
  server = await startPageServer();
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** The sockets that were opened, to break them. */
const sockets: WebSocket[] = [];
class Socket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol);
    sockets.push(this);
  }
}
const open = (options: Partial<SessionOptions> = {}) =>
  // The package's socket is what the library needs of a browser's.
  connect({ url: server.url, WebSocket: Socket as unknown as NonNullable<SessionOptions['WebSocket']>, ...options });

async function* pieces(...given: readonly string[]): AsyncGenerator<string> {
  for (const piece of given) yield piece;
}

describe('a session', () => {
  test('says texts and streams of text, and tells what was said', async () => {
    const session = await open({ media: FAST });
    let samples = 0;
    session.on('sound', ({ payload }) => {
      samples += payload.length / 2;
    });

    const whole = session.say('Good morning.');
    const streamed = session.say(pieces('And ', 'good', ' night.'));

    expect(await whole.finished).toMatchObject({ reason: 'completed', spokenText: 'Good morning.' });
    expect(await streamed.finished).toMatchObject({ reason: 'completed', spokenText: 'And good night.' });
    expect(samples).toBeGreaterThan(8000);
    expect(session.busy).toBe(false);
    session.close();
  });

  test('stops what its signal aborts, and not what comes after it', async () => {
    const session = await open({ media: { ...FAST, leadMs: 0 } });
    const stopping = new AbortController();
    session.on('utterance.started', ({ utterance }) => utterance === 'a' && stopping.abort());

    const stopped = session.say(TEXT, { signal: stopping.signal, utterance: 'a' });
    const next = session.say('Nine.');

    const { reason, spokenText } = await stopped.finished;
    expect(reason).toBe('interrupted');
    expect(TEXT.startsWith(spokenText)).toBe(true);
    expect(spokenText.length).toBeLessThan(TEXT.length);
    expect(await next.finished).toMatchObject({ reason: 'completed', spokenText: 'Nine.' });
    session.close();
  });

  test('goes on with the words that did not come when its connection breaks', async () => {
    const session = await open({ media: { ...FAST, leadMs: 0 } });
    const resumedAt: number[] = [];
    session.on('utterance.resumed', ({ charStart }) => resumedAt.push(charStart));

    const { finished } = session.say(TEXT);
    const second = session.say('Nine.');
    await new Promise<void>((resolve) => {
      session.on('sound', ({ mediaMs }) => mediaMs > 1200 && resolve());
    });
    sockets.at(-1)?.terminate();

    expect(await finished).toMatchObject({ reason: 'completed', spokenText: TEXT });
    expect(await second.finished).toMatchObject({ reason: 'completed', spokenText: 'Nine.' });
    expect(resumedAt).toHaveLength(2);
    expect(resumedAt[0]).toBeGreaterThan(0);
    expect(resumedAt[0]).toBeLessThan(TEXT.length);
    session.close();
  });

  test('rejects what the server refuses, and lives', async () => {
    const session = await open({ media: FAST });

    await expect(session.say('x'.repeat(300_000)).finished).rejects.toMatchObject({ code: 'text_too_long' });
    expect(await session.say('Ten.').finished).toMatchObject({ reason: 'completed' });
    session.close();
  });

  test('rejects what has not been said when it is closed', async () => {
    const session = await open();

    const { finished } = session.say(TEXT);
    session.close();

    await expect(finished).rejects.toMatchObject({ code: 'closed' });
    await expect(session.say('More.').finished).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('connect', () => {
  test.each([
    ['a voice that is not there', { voice: 'nobody' }, 'unknown_voice'],
    ['a server that is not there', { url: 'http://127.0.0.1:9' }, 'unreachable'],
  ])('rejects %s', async (_what, options, code) => {
    await expect(open(options)).rejects.toMatchObject({ name: 'SessionError', code });
  });

  test('gives up when its signal aborts', async () => {
    await expect(open({ signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    const stopping = new AbortController();
    const opening = open({ signal: stopping.signal });
    stopping.abort();
    await expect(opening).rejects.toMatchObject({ code: 'closed' });
  });
});
