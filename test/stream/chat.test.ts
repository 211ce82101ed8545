import { describe, expect, onTestFinished, test } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { createOpenAiChatModel } from '../../src/chat/openai-chat-model.ts';
import { systemClock } from '../../src/clock.ts';
import { type ChatReply, startChatServer } from '../support/chat-server.ts';
import { fakeMediaServer } from '../support/fake-media.ts';
import { createSessionClient } from '../support/session-client.ts';

/** As `expect.poll`, on a busy machine. */
const soon = <T>(look: () => T) => expect.poll(look, { interval: 5, timeout: 20_000 });

/** A session whose language model is a real HTTP server. */
const connect = async (...replies: ChatReply[]) => {
  const server = await startChatServer(...replies);
  const { chat } = configSchema.parse({ chat: { url: server.url, model: 'tiny', systemPrompt: 'Be brief.' } });
  if (chat === undefined) throw new Error('there is no chat in the configuration');
  const media = fakeMediaServer();
  const model = createOpenAiChatModel({ ...chat, apiKey: null, clock: systemClock });
  const { session, received, send, of } = createSessionClient({ media, chat: { model, options: chat } });
  onTestFinished(async () => {
    await session.close();
    await server[Symbol.asyncDispose]();
  });
  send({ type: 'session.open', media: { transport: 'websocket', audio: { codec: 'pcm_s16le' } } });
  await soon(() => of('session.opened').length).toBe(1);
  return {
    server,
    session,
    send,
    of,
    received,
    finished: () => of('chat.finished').map(({ utterance, reason, text }) => [utterance, reason, text]),
    asked: () => server.requests.map(({ body }) => body.messages.map(({ role, content }) => `${role}: ${content}`)),
    /** Plays until `condition` holds. */
    async playUntil(condition: () => boolean) {
      await soon(() => {
        if (condition()) return true;
        media.channels[0]?.play();
        return condition();
      }).toBe(true);
    },
    /** Plays until some of an utterance has been heard, but not all of it. */
    async playSome() {
      await this.playUntil(() => of('utterance.started').length > 0);
      for (let i = 0; i < 10; i += 1) media.channels[0]?.play();
    },
  };
};

const ask = (utterance: string, text: string) => ({ type: 'chat', utterance, text });

describe('a conversation with the avatar', () => {
  test('speaks the answer as it comes, and tells the model what was said before', async () => {
    const client = await connect({ pieces: [' I', ' am', ' Alex.'], paceMs: 2 });

    client.send(ask('a', 'Who are you?'));
    await client.playUntil(() => client.finished().length === 1);
    client.send(ask('b', 'Again?'));
    await client.playUntil(() => client.finished().length === 2);

    expect(client.of('session.opened')[0]?.chat).toEqual({ model: 'tiny' });
    expect(client.of('chat.started')[0]).toMatchObject({ utterance: 'a', text: 'Who are you?' });
    expect(
      client
        .of('chat.delta')
        .filter(({ utterance }) => utterance === 'a')
        .map(({ text }) => text),
    ).toEqual(['I', ' am', ' Alex.']);
    expect(client.of('utterance.finished')[0]).toMatchObject({ utterance: 'a', spokenText: 'I am Alex.' });
    expect(client.finished()[0]).toEqual(['a', 'completed', 'I am Alex.']);
    expect(client.asked()).toEqual([
      ['system: Be brief.', 'user: Who are you?'],
      ['system: Be brief.', 'user: Who are you?', 'assistant: I am Alex.', 'user: Again?'],
    ]);
  });

  test('interrupted, hangs up on the model, and remembers only what was heard', async () => {
    const words = Array.from({ length: 40 }, (_, i) => ` word${i}.`);
    const client = await connect({ pieces: words, hold: true }, { pieces: ['Yes.'] });

    client.send(ask('a', 'Tell me all.'));
    await client.playSome();
    client.send({ type: 'interrupt' });
    await client.playUntil(() => client.finished().length === 1);
    client.send(ask('b', 'Stop?'));
    await client.playUntil(() => client.finished().length === 2);

    const heard = client.of('utterance.finished')[0]?.spokenText ?? '';
    expect(words.join('').trim().startsWith(heard)).toBe(true);
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.length).toBeLessThan(words.join('').length / 2);
    expect(client.finished()[0]).toEqual(['a', 'interrupted', heard]);
    expect(client.server.requests[0]?.aborted).toBe(true);
    expect(client.asked()[1]).toEqual([
      'system: Be brief.',
      'user: Tell me all.',
      `assistant: ${heard}`,
      'user: Stop?',
    ]);
  });

  test('a question while the avatar talks interrupts it; of several, the last is answered and all are told', async () => {
    const client = await connect(
      { pieces: ['One two three four five six seven. And'], hold: true },
      { pieces: ['Yes.'] },
    );

    client.send(ask('a', 'First'));
    await client.playSome();
    client.send(ask('b', 'Second'));
    client.send(ask('c', 'Third'));
    await client.playUntil(() => client.finished().length === 3);

    const heard = client.of('utterance.finished')[0]?.spokenText ?? '';
    expect(client.finished()).toEqual([
      ['b', 'interrupted', ''],
      ['a', 'interrupted', heard],
      ['c', 'completed', 'Yes.'],
    ]);
    expect(client.asked()).toHaveLength(2);
    expect(client.asked()[1]).toEqual([
      'system: Be brief.',
      'user: First',
      `assistant: ${heard}`,
      'user: Second\nThird',
    ]);
  });

  test('interrupted before the answer begins, says nothing, and lives', async () => {
    const client = await connect({ pieces: ['No.'], headersMs: 60_000 }, { pieces: ['Yes.'] });

    client.send(ask('a', 'First'));
    await soon(() => client.server.requests.length).toBe(1);
    client.send({ type: 'interrupt', utterance: 'a' });
    client.send(ask('b', 'Second'));
    await client.playUntil(() => client.finished().length === 2);

    expect(client.finished()).toEqual([
      ['a', 'interrupted', ''],
      ['b', 'completed', 'Yes.'],
    ]);
    expect(client.of('error')).toEqual([]);
    expect(client.asked()[1]?.at(-1)).toBe('user: First\nSecond');
  });

  test('whose model breaks off says what it has, tells why, and goes on', async () => {
    const client = await connect(
      { pieces: ['One.', ' Two.', ' Three.'], cutAfter: 2, paceMs: 10 },
      { status: 503, body: '{"error":"busy"}' },
      { pieces: ['Back.'] },
    );

    client.send(ask('a', 'Count'));
    await client.playUntil(() => client.finished().length === 1);
    client.send(ask('b', 'Go on'));
    await client.playUntil(() => client.finished().length === 2);
    client.send(ask('c', 'And now'));
    await client.playUntil(() => client.finished().length === 3);

    expect(client.finished()).toEqual([
      ['a', 'failed', 'One. Two.'],
      ['b', 'failed', ''],
      ['c', 'completed', 'Back.'],
    ]);
    expect(client.of('error')).toMatchObject([
      { code: 'chat_failed', utterance: 'a', fatal: false },
      { code: 'chat_failed', utterance: 'b', message: expect.stringContaining('503: busy') },
    ]);
    expect(client.asked()[2]).toEqual([
      'system: Be brief.',
      'user: Count',
      'assistant: One. Two.',
      'user: Go on\nAnd now',
    ]);
  });

  test('an endless answer is ended, an empty one is an error, and what cannot be asked is refused', async () => {
    const endless = Array.from({ length: 200 }, () => 'Hello there. '.repeat(8));
    const client = await connect({ pieces: endless, hold: true }, { pieces: ['  ', '\n'] });

    client.send(ask('a', 'All'));
    await soon(() => client.server.requests[0]?.aborted).toBe(true);
    const characters = client.of('chat.delta').reduce((sum, { text }) => sum + text.length, 0);
    client.send({ type: 'interrupt' });
    await client.playUntil(() => client.finished().length === 1);
    client.send(ask('b', 'Nothing'));
    await client.playUntil(() => client.finished().length === 2);
    client.send(ask('c', '  '));
    client.send(ask('d', 'x'.repeat(20_000)));

    expect(characters).toBeGreaterThanOrEqual(8000);
    expect(characters).toBeLessThan(8000 + 104);
    expect(client.finished()[1]).toEqual(['b', 'failed', '']);
    expect(client.of('error').map(({ code }) => code)).toEqual(['chat_failed', 'bad_text', 'text_too_long']);
  });

  test('starts anew when it is cleared', async () => {
    const client = await connect({ pieces: ['Yes.'] });
    client.send(ask('a', 'First'));
    await client.playUntil(() => client.finished().length === 1);
    client.send({ type: 'chat.clear' });
    client.send(ask('b', 'Second'));
    await client.playUntil(() => client.finished().length === 2);

    expect(client.asked()[1]).toEqual(['system: Be brief.', 'user: Second']);
  });

  test('ends its request when the session closes', async () => {
    const client = await connect({ pieces: ['One'], hold: true });
    client.send(ask('a', 'First'));
    await soon(() => client.of('chat.delta').length).toBe(1);
    expect(client.session.busy).toBe(true);

    await client.session.close();

    await soon(() => client.server.requests[0]?.aborted).toBe(true);
  });
});
