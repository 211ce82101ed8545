/** ElevenLabs' WebSockets, message by message. */
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startAdapterServer, until } from '../support/adapter-server.ts';
import { alignmentsOf, charactersOf, openStream, spokenMs } from '../support/elevenlabs-stream.ts';

/** Says 1.6 s with the fake voice. */
const TEXT = 'One two three four. Five six seven eight.';
const LONG = 'word '.repeat(30_000);

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('stream-input', () => {
  test('speaks text as it comes, tells its characters, and ends with the last of it', async () => {
    const { messages, closed, send } = await openStream(await startAdapterServer(), 'stream-input');

    send({ text: ' ', voice_settings: { stability: 0.5, similarity_boost: 0.8, speed: 1 }, 'xi-api-key': 'any' });
    send({ text: 'One two three ' });
    send({ text: 'four. Five six ', try_trigger_generation: true });
    send({ text: 'seven eight.' });
    send({ text: '' });
    const code = await closed;

    expect(code).toBe(1000);
    expect(messages.at(-1)).toEqual({ isFinal: true });
    expect(spokenMs(messages)).toBe(1600);
    expect(charactersOf(messages)).toBe(TEXT);
  });

  test('counts times from each text chunk, and its sound is exactly as long', async () => {
    const { messages, closed, send } = await openStream(await startAdapterServer(), 'stream-input');

    send({ text: TEXT });
    send({ text: '' });
    await closed;

    const alignments = alignmentsOf(messages);
    expect(alignments.map(({ charStartTimesMs }) => charStartTimesMs[0])).toEqual(alignments.map(() => 0));
    expect(alignments.map(({ charDurationsMs }) => sum(charDurationsMs))).toEqual([800, 800]);
    expect(spokenMs(messages)).toBe(1600);
  });

  test('counts times from the beginning with sync_alignment, each with the sound that it is in', async () => {
    const { messages, closed, send } = await openStream(
      await startAdapterServer(),
      'stream-input',
      'sync_alignment=true',
    );

    send({ text: TEXT });
    send({ text: '' });
    await closed;

    let heardMs = 0;
    for (const message of messages) {
      const before = heardMs;
      heardMs += spokenMs([message]);
      for (const start of message.alignment?.charStartTimesMs ?? []) {
        expect(start).toBeGreaterThanOrEqual(Math.floor(before));
        expect(start).toBeLessThanOrEqual(heardMs);
      }
    }
    expect(charactersOf(messages)).toBe(TEXT);
    expect(sum(alignmentsOf(messages).flatMap(({ charDurationsMs }) => charDurationsMs))).toBe(1600);
  });

  test('speaks at a flush what it would have waited for', async () => {
    const { messages, send, socket } = await openStream(await startAdapterServer(), 'stream-input');

    send({ text: ' ', generation_config: { chunk_length_schedule: [500] } });
    send({ text: 'One two ' });
    send({ text: 'three.', flush: true });
    await until(() => spokenMs(messages) === 600);

    expect(charactersOf(messages)).toBe('One two three.');
    socket.terminate();
  });

  test('waits for as much text as chunk_length_schedule says', async () => {
    const { messages, send, socket } = await openStream(await startAdapterServer(), 'stream-input');

    send({ text: ' ', generation_config: { chunk_length_schedule: [50, 500] } });
    send({ text: 'One two three. ' });
    await new Promise((resolve) => setTimeout(resolve, 400));
    const before = spokenMs(messages);
    send({ text: 'One two three four five six seven eight nine ten. ' });
    await until(() => spokenMs(messages) === 2600);

    expect(before).toBe(0);
    socket.terminate();
  });

  test('lives on spaces and ends without them', async () => {
    const { messages, closed, send } = await openStream(
      await startAdapterServer(),
      'stream-input',
      'inactivity_timeout=1',
    );
    const beganMs = performance.now();

    for (let i = 0; i < 4; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      send({ text: ' ' });
    }
    const code = await closed;

    expect(code).toBe(1008);
    expect(messages).toMatchObject([{ error: 'input_timeout_exceeded', code: 1008 }]);
    expect(performance.now() - beganMs).toBeGreaterThan(2500);
  });

  test.each([
    ['not json', 'not json', ''],
    ['a wrong field', '{"text": 7}', ''],
    ['a speed out of range', '{"text": " ", "voice_settings": {"speed": 3}}', ''],
    ['a format that is not there', '{"text": " "}', 'output_format=pcm_9000'],
  ])('says what is wrong with %s and closes', async (_name, frame, query) => {
    const { messages, closed, socket } = await openStream(await startAdapterServer(), 'stream-input', query);

    socket.send(frame);

    expect(await closed).toBe(1008);
    expect(messages).toMatchObject([{ message: expect.any(String), code: 1008 }]);
  });

  test('says that there is no such voice', async () => {
    const { messages, closed } = await openStream(await startAdapterServer(), 'stream-input', '', 'nobody');

    expect(await closed).toBe(1008);
    expect(messages).toMatchObject([{ error: 'voice_not_found' }]);
  });

  test('stops when its client leaves, and gives its place back', async () => {
    const server = await startAdapterServer({ windowMs: 2 });
    const { messages, send, socket } = await openStream(server, 'stream-input');
    send({ text: LONG });
    send({ text: '' });
    await until(() => messages.length > 0);

    socket.terminate();
    await until(async () => (await server.sessions()) === 0);
    const made = server.windows();
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(server.windows() - made).toBeLessThanOrEqual(2);
  });

  test('makes no more than a reader takes, and gives up one who takes nothing', async () => {
    const server = await startAdapterServer({ limits: { unreadMs: 1000, unsentBytes: 65_536 } });
    const { send, socket } = await openStream(server, 'stream-input');

    socket.pause();
    send({ text: LONG });
    send({ text: '' });
    await until(async () => (await server.sessions()) === 0);

    // All of the text would be 93,750 windows; the system's own socket buffers took some of them.
    expect(server.windows()).toBeLessThan(20_000);
    socket.terminate();
  });
});

describe('multi-stream-input', () => {
  test('speaks several contexts at once and says which is which', async () => {
    const { messages, closed, send } = await openStream(await startAdapterServer(), 'multi-stream-input');

    send({ text: ' ', context_id: 'a', voice_settings: {} });
    send({ text: 'One two. ', context_id: 'a' });
    send({ text: 'Three four five. ', context_id: 'b' });
    send({ context_id: 'a', flush: true });
    send({ close_socket: true });
    const code = await closed;

    const of = (id: string) => messages.filter(({ contextId, context_id }) => contextId === id && context_id === id);
    expect(code).toBe(1000);
    expect([spokenMs(of('a')), spokenMs(of('b'))]).toEqual([400, 600]);
    expect([charactersOf(of('a')), charactersOf(of('b'))]).toEqual(['One two. ', 'Three four five. ']);
    expect([of('a').at(-1)?.isFinal, of('b').at(-1)?.isFinal]).toEqual([true, true]);
  });

  test('speaks what was flushed before a context is closed, and takes its id again', async () => {
    const { messages, send, socket } = await openStream(await startAdapterServer(), 'multi-stream-input');

    send({ text: 'One two. ', context_id: 'a', flush: true });
    send({ context_id: 'a', close_context: true });
    await until(() => messages.some(({ isFinal }) => isFinal === true));
    const first = spokenMs(messages);
    send({ text: 'Three. ', context_id: 'a', flush: true });
    send({ context_id: 'a', close_context: true });
    await until(() => messages.filter(({ isFinal }) => isFinal === true).length === 2);

    expect([first, spokenMs(messages)]).toEqual([400, 600]);
    socket.terminate();
  });

  test('drops what is left of a context that is closed with immediate', async () => {
    const server = await startAdapterServer({ windowMs: 5 });
    const { messages, send, socket } = await openStream(server, 'multi-stream-input');
    send({ text: LONG, context_id: 'a', flush: true });
    await until(() => messages.length > 0);

    send({ context_id: 'a', close_context: true, immediate: true });
    await until(() => messages.some(({ isFinal }) => isFinal === true));
    const after = messages.length;
    send({ text: 'Two. ', context_id: 'b', flush: true });
    send({ context_id: 'b', close_context: true });
    await until(() => messages.at(-1)?.isFinal === true && messages.at(-1)?.contextId === 'b');

    expect(messages.slice(after).every(({ contextId }) => contextId === 'b')).toBe(true);
    socket.terminate();
  });

  test('stays open on keep-alives with and without a context', async () => {
    const server = await startAdapterServer();
    const { messages, send, socket } = await openStream(server, 'multi-stream-input');

    send({ text: '' });
    send({ text: '', context_id: 'a' });
    send({ text: 'One. ', context_id: 'a', flush: true });
    await until(() => spokenMs(messages) === 200);

    expect(socket.readyState).toBe(WebSocket.OPEN);
    expect(messages.some(({ isFinal }) => isFinal === true)).toBe(false);
    socket.terminate();
  });

  test('takes voice settings only with the first message of a context', async () => {
    const { messages, closed, send } = await openStream(await startAdapterServer(), 'multi-stream-input');

    send({ text: 'One ', context_id: 'a' });
    send({ text: 'two ', context_id: 'a', voice_settings: { speed: 1.1 } });

    expect(await closed).toBe(1008);
    expect(messages.at(-1)).toMatchObject({ error: 'bad_order' });
  });

  test('has at most five contexts', async () => {
    const { messages, closed, send } = await openStream(await startAdapterServer(), 'multi-stream-input');

    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) send({ text: ' ', context_id: id, voice_settings: {} });

    expect(await closed).toBe(1008);
    expect(messages).toMatchObject([{ error: 'max_active_contexts_exceeded' }]);
  });

  test('a context whose text cannot be spoken fails alone', async () => {
    const { messages, send, socket } = await openStream(await startAdapterServer(), 'multi-stream-input');

    send({ text: 'unspeakable ', context_id: 'a', flush: true });
    send({ text: 'One. ', context_id: 'b', flush: true });
    await until(() => spokenMs(messages) === 200 && messages.some(({ error }) => error !== undefined));

    expect(messages.find(({ error }) => error !== undefined)).toMatchObject({ contextId: 'a', error: 'bad_text' });
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.terminate();
  });
});
