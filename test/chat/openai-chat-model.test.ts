import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createOpenAiChatModel } from '../../src/chat/openai-chat-model.ts';
import { systemClock } from '../../src/clock.ts';
import { type ChatReply, startChatServer } from '../support/chat-server.ts';

const QUESTION = [{ role: 'user', content: 'Hello' }] as const;
const KEY = 'sk-very-secret';

const start = async (reply: ChatReply, times: { firstTokenMs?: number; stallMs?: number } = {}) => {
  const server = await startChatServer(reply);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const model = createOpenAiChatModel({
    url: `${server.url}/`,
    model: 'tiny',
    apiKey: KEY,
    temperature: 0.5,
    maxTokens: 99,
    firstTokenMs: times.firstTokenMs ?? 10_000,
    stallMs: times.stallMs ?? 10_000,
    clock: systemClock,
  });
  return { server, model };
};
const pieces = async (stream: AsyncIterable<string>, got: string[] = []) => {
  for await (const piece of stream) got.push(piece);
  return got;
};
/** As `expect.poll`, on a busy machine. */
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000 });
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const never = new AbortController().signal;

describe('a model behind an OpenAI-compatible API', () => {
  test('answers piece by piece, and is asked with its name, settings and key', async () => {
    const { server, model } = await start({ pieces: ['Hel', 'lo', ' you.'], paceMs: 5 });

    const answer = await pieces(model.answer(QUESTION, never));

    expect(answer).toEqual(['Hel', 'lo', ' you.']);
    expect(server.requests[0]?.authorization).toBe(`Bearer ${KEY}`);
    expect(server.requests[0]?.body).toEqual({
      model: 'tiny',
      messages: QUESTION,
      stream: true,
      temperature: 0.5,
      max_tokens: 99,
    });
  });

  test('is hung up on when the answer is aborted, whatever the garbage collector took meanwhile', async () => {
    const { server, model } = await start({ pieces: ['Wait', ' for'], hold: true });
    const abort = new AbortController();
    const got: string[] = [];
    const answer = pieces(model.answer(QUESTION, abort.signal), got);
    await soon(() => got).toEqual(['Wait', ' for']);

    for (let round = 0; round < 5; round++) {
      collectGarbage();
      await new Promise(setImmediate);
    }
    abort.abort();

    await expect(answer).rejects.toThrow('abort');
    await soon(() => server.requests[0]?.aborted).toBe(true);
  });

  test('keeps its thoughts to itself', async () => {
    const { model } = await start({ pieces: ['<th', 'ink>Hm.</thi', 'nk>\n\nYes.'] });

    expect((await pieces(model.answer(QUESTION, never))).join('')).toBe('\n\nYes.');
  });

  test('is hung up on when nobody listens any more', async () => {
    const { server, model } = await start({ pieces: ['One', ' two'], hold: true });
    const abort = new AbortController();
    const reason = new Error('enough');
    const got: string[] = [];

    const reading = pieces(model.answer(QUESTION, abort.signal), got);
    await soon(() => got.length).toBe(2);
    abort.abort(reason);

    await expect(reading).rejects.toBe(reason);
    await soon(() => server.requests[0]?.aborted).toBe(true);
  });

  test('is hung up on when whoever listens has heard enough', async () => {
    const { server, model } = await start({ pieces: ['One'], hold: true });

    for await (const piece of model.answer(QUESTION, never)) if (piece === 'One') break;

    await soon(() => server.requests[0]?.aborted).toBe(true);
  });

  test.each<[string, ChatReply, RegExp]>([
    [
      'an unknown model',
      { status: 404, body: '{"error":{"message":"model \\"tiny\\" not found"}}' },
      /404: model "tiny" not found$/,
    ],
    ['an error as Ollama tells it', { status: 500, body: '{"error":"out of memory"}' }, /500: out of memory$/],
    ['an error page', { status: 502, body: `<html>${'x'.repeat(100_000)}`, type: 'text/html' }, /answered 502$/],
    ['a wrong key', { status: 401, body: `{"error":{"message":"Incorrect API key: ${KEY}"}}` }, /another API key/],
    ['a repeated key', { status: 400, body: `{"error":{"message":"for ${KEY}: no"}}` }, /400: for …: no$/],
    ['no stream', { status: 200, body: '{}' }, /expected .*text\/event-stream, got application\/json/],
    ['an error in the middle', { raw: 'data: {"error":{"message":"overloaded"}}\n\n' }, /the model failed: overloaded/],
    ['no JSON', { raw: 'data: {\n\n' }, /not JSON/],
    ['no choices', { raw: 'data: 7\n\n' }, /without choices/],
    ['a body that just ends', { raw: 'data: {"choices":[]}\n\n' }, /broke off/],
    ['a connection that breaks', { pieces: ['a', 'b', 'c'], cutAfter: 2, paceMs: 5 }, /broke off/],
  ])('that answers with %s fails with a reason', async (_, reply, reason) => {
    const { model } = await start(reply);

    const failure = await pieces(model.answer(QUESTION, never)).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: 'chat_failed', message: expect.stringMatching(reason) });
    expect(JSON.stringify(failure)).not.toContain(KEY);
  });

  test('that does not begin, or stops in the middle, is given up in time', async () => {
    const slow = await start({ pieces: ['a'], headersMs: 20_000 }, { firstTokenMs: 100 });
    const stuck = await start({ pieces: ['a'], hold: true }, { stallMs: 100 });
    const got: string[] = [];

    await expect(pieces(slow.model.answer(QUESTION, never))).rejects.toMatchObject({
      code: 'chat_failed',
      message: expect.stringContaining('has said nothing for 100 ms'),
    });
    await expect(pieces(stuck.model.answer(QUESTION, never), got)).rejects.toMatchObject({
      code: 'chat_failed',
      message: expect.stringContaining('stopped in the middle for 100 ms'),
    });
    expect(got).toEqual(['a']);
  });

  test('whose server is not there fails with a reason', async () => {
    const { server, model } = await start({ pieces: [] });
    await server[Symbol.asyncDispose]();

    await expect(pieces(model.answer(QUESTION, never))).rejects.toMatchObject({
      code: 'chat_failed',
      message: expect.stringContaining('cannot be reached'),
    });
  });
});
