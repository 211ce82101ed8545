import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Inference } from '../../src/models/inference.ts';
import { encodeBinaryFrame } from '../../src/stream/binary-frame.ts';
import { fakeMediaServer } from '../support/fake-media.ts';
import { fakeInference, fakeVoice } from '../support/fake-models.ts';
import { createSessionClient } from '../support/session-client.ts';
import { fakeSessionLoad } from '../support/session-load.ts';

const OPEN = { type: 'session.open', media: { transport: 'webrtc' } };
const SPEAK = { type: 'session.open', media: { transport: 'websocket', audio: { codec: 'pcm_s16le' } } };

/** Lets everything that is ready happen. */
const settle = async () => {
  for (let i = 0; i < 12; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

const connect = (options: { inference?: Inference; limits?: Record<string, number>; unsent?: () => number } = {}) => {
  const media = fakeMediaServer();
  const load = fakeSessionLoad();
  const client = createSessionClient({ ...options, media, load });
  const { received } = client;
  return {
    ...client,
    media,
    load,
    types: () => received.map(({ type }) => type),
    errors: () => received.flatMap((message) => (message.type === 'error' ? [message.code] : [])),
    finished: () => client.of('utterance.finished'),
    channel: () => {
      const [channel] = media.channels;
      if (!channel) throw new Error('no channel was opened');
      return channel;
    },
    async play(slots: number) {
      for (let i = 0; i < slots; i += 1) {
        media.channels[0]?.play();
        await settle();
      }
    },
  };
};

const say = (utterance: string, text: string) => [
  { type: 'utterance.append', utterance, text },
  { type: 'utterance.end', utterance },
];

describe('a session', () => {
  test.each([true, false])('tells phonemes and their media times when asked to: %s', async (phonemes) => {
    const client = connect();

    client.send({ ...SPEAK, phonemes }, ...say('u1', 'Hello there.'));
    await settle();
    await client.play(20);

    const words = client.received.flatMap((message) => (message.type === 'utterance.words' ? message.words : []));
    expect(words).toHaveLength(2);
    for (const { startMs, endMs, phonemes: told } of words) {
      expect(told).toEqual(phonemes ? [{ phoneme: 'AH0', startMs, endMs }] : undefined);
    }
  });

  test('tells what in a text is not spoken, and speaks the rest', async () => {
    const client = connect();

    client.send(SPEAK, ...say('u1', 'Hello [[QQ]] there. All is well.'));
    await settle();
    await client.play(40);

    expect(client.received).toContainEqual({
      type: 'error',
      code: 'bad_text',
      message: 'no phoneme',
      fatal: false,
      utterance: 'u1',
    });
    expect(client.finished()).toMatchObject([{ reason: 'completed', spokenText: 'Hello [[QQ]] there. All is well.' }]);
  });

  test('opens with what it will send', async () => {
    const client = connect();

    client.send(OPEN);
    await settle();

    expect(client.received[0]).toMatchObject({
      type: 'session.opened',
      voice: 'fake',
      avatar: 'fake',
      fps: 25,
      size: 16,
      ai: true,
    });
    await client.session.close();
  });

  test('says a text: started, words with it, finished, with what was spoken', async () => {
    const client = connect();
    client.send(OPEN, ...say('a', 'Hello there, my friend.'));
    await settle();

    await client.play(40);

    expect(client.types()).toEqual(
      expect.arrayContaining(['utterance.started', 'utterance.words', 'utterance.finished']),
    );
    const order = client.types().filter((type) => type.startsWith('utterance.'));
    expect(order[0]).toBe('utterance.started');
    expect(order.at(-1)).toBe('utterance.finished');
    expect(client.finished()).toMatchObject([
      { utterance: 'a', reason: 'completed', spokenText: 'Hello there, my friend.', durationMs: 800 },
    ]);
    await client.session.close();
  });

  test('shows a face that lives before, moves with the words and rests after them', async () => {
    const client = connect();
    client.send(OPEN);
    await settle();
    await client.play(5);
    client.send(...say('a', 'One two three.'));
    await settle();
    await client.play(40);

    const brightness = client.channel().shown.map(({ i420 }) => i420[0] ?? 0);
    expect(client.channel().shown.length).toBe(45);
    expect(brightness.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(brightness.filter((value) => value === 50).length).toBe(15);
    expect(brightness.at(-1)).toBe(0);
    await client.session.close();
  });

  test('plays utterances in the order in which they came, without loss', async () => {
    const client = connect();
    client.send(OPEN, ...say('a', 'One two.'), ...say('b', 'Three.'), ...say('c', 'Four five six.'));
    await settle();

    await client.play(60);

    expect(client.finished().map((message) => message.utterance)).toEqual(['a', 'b', 'c']);
    const sounding = client
      .channel()
      .played.reduce((sum, { pcm }) => sum + pcm.filter((sample) => sample !== 0).length, 0);
    expect(sounding).toBe(6 * 3200);
    await client.session.close();
  });

  test('speaks in the place of silence that has been made and not yet been played', async () => {
    const client = connect();
    client.send(OPEN);
    await settle();
    await client.play(3);

    client.send(...say('a', 'One two three.'));
    await settle();
    await client.play(30);

    const { played, shown } = client.channel();
    expect(played.slice(0, 3).map(({ speaking }) => speaking)).toEqual([false, false, false]);
    expect(played[3]?.speaking).toBe(true);
    expect(played.map(({ sequence }) => sequence)).toEqual(played.map((_, i) => i));
    expect(shown.map(({ sequence }) => sequence)).toEqual(shown.map((_, i) => i));
    expect(client.finished()).toMatchObject([{ reason: 'completed', spokenText: 'One two three.' }]);
    await client.session.close();
  });

  test('without a face sends sound only, and marks the first and last packet of an utterance', async () => {
    const client = connect();
    client.send(SPEAK, ...say('a', 'One two.'));
    await settle();

    await client.play(20);

    const flags = client.frames.map((frame) => [frame[0], frame[1]]);
    expect(flags.length).toBe(20);
    expect(flags[0]).toEqual([1, 1]);
    expect(flags.at(-1)).toEqual([1, 2]);
    expect(client.types().at(-1)).toBe('utterance.finished');
    await client.session.close();
  });

  test('sends motion descriptors when they are asked for', async () => {
    const client = connect();
    client.send({ type: 'session.open', media: { transport: 'websocket', motion: true } }, ...say('a', 'One.'));
    await settle();

    await client.play(10);

    const motions = client.frames.filter((frame) => frame[0] === 2);
    expect(motions.length).toBe(10);
    expect(motions[0]?.length).toBe(12 + 59 * 4);
    await client.session.close();
  });

  test('lets the client speak for itself', async () => {
    const client = connect();
    const pcm = new Uint8Array(Int16Array.from({ length: 3200 }, () => 16_384).buffer);
    client.send(SPEAK);
    await settle();

    client.session.onBinary(
      encodeBinaryFrame({ kind: 3, first: true, last: true, sequence: 0, mediaTimeMs: 0, payload: pcm }),
    );
    await settle();
    await client.play(8);

    expect(
      client
        .channel()
        .played.flatMap((slot) => [...slot.pcm])
        .filter((sample) => sample === 0.5).length,
    ).toBe(3200);
    await client.session.close();
  });

  test('asks for no more media while its socket does not take what it has', async () => {
    let unsent = 10_000_000;
    const client = connect({ unsent: () => unsent, limits: { unreadMs: 5000 } });
    client.send(SPEAK, ...say('a', 'One two three four five six seven eight nine ten.'));
    await settle();

    await client.play(20);
    const held = client.channel().played.length;
    unsent = 0;
    await new Promise((resolve) => setTimeout(resolve, 50));
    await client.play(50);

    expect(held).toBeLessThanOrEqual(8);
    expect(client.channel().played.length).toBe(50);
    await client.session.close();
  });

  test('ends when its socket is not read for long', async () => {
    const client = connect({ unsent: () => 10_000_000, limits: { unreadMs: 1000 } });
    client.send(SPEAK, ...say('a', 'One two three four five.'));
    await settle();
    await client.play(3);

    await new Promise((resolve) => setTimeout(resolve, 1200));

    expect(client.errors()).toEqual(['slow_consumer']);
    expect(client.closed).toEqual([{ code: 1008, reason: 'slow_consumer' }]);
    expect(client.channel().closed).toBe(true);
  });
});

describe('the voice', () => {
  test('changes its speed at the next utterance', async () => {
    const voice = fakeVoice();
    const speeds: number[] = [];
    const inference = fakeInference({
      voice: {
        ...voice,
        plan: (text, options) => {
          speeds.push(options.speed);
          return voice.plan(text, options);
        },
      },
    });
    const client = connect({ inference });
    client.send(OPEN, ...say('a', 'One.'));
    await settle();
    client.send({ type: 'voice.set', speed: 1.5 }, ...say('b', 'Two.'));
    await settle();
    client.send({ type: 'voice.set', voice: 'fake' }, ...say('c', 'Three.'));
    await client.play(60);

    expect(speeds).toEqual([1, 1.5, 1.5]);
    expect(client.errors()).toEqual([]);
    await client.session.close();
  });
});

test('an answer tells which RTP timestamps media time 0 has', async () => {
  const client = connect();
  client.send(OPEN, { type: 'webrtc.offer', sdp: 'v=0' });
  await settle();

  const { transport } = client.channel().options;
  const rtpBase = transport.kind === 'webrtc' ? transport.rtpBase : undefined;
  expect(rtpBase).toBeDefined();
  expect(client.received.at(-1)).toEqual({ type: 'webrtc.answer', sdp: 'v=0 answer', mediaTimeBase: rtpBase });
  await client.session.close();
});

describe('an interruption', () => {
  test('ends with the words that the client says it has heard', async () => {
    const client = connect();
    client.send({ ...SPEAK, media: { ...SPEAK.media, leadMs: 500 } }, ...say('a', 'One two three four five.'));
    await settle();
    await client.play(20);

    client.send(
      { type: 'playback', mediaTimeMs: 450, shownTimeMs: 440, skewMs: -3, framesDropped: 0 },
      { type: 'interrupt' },
    );
    await settle();

    expect(client.finished()).toMatchObject([{ utterance: 'a', reason: 'interrupted', spokenText: 'One two' }]);
    await client.session.close();
  });

  test('ends what is spoken with the words that were heard, and forgets what waits', async () => {
    const client = connect();
    client.send(OPEN, ...say('a', 'One two three four five.'), ...say('b', 'Six.'));
    await settle();
    await client.play(12);

    client.send({ type: 'interrupt' });
    await settle();
    await client.play(40);

    expect(client.finished()).toMatchObject([
      { utterance: 'a', reason: 'interrupted', spokenText: 'One two' },
      { utterance: 'b', reason: 'interrupted', spokenText: '' },
    ]);
    expect(
      client
        .channel()
        .played.slice(-30)
        .every(({ speaking }) => !speaking),
    ).toBe(true);
    await client.session.close();
  });

  test('of one utterance leaves the others whole', async () => {
    const client = connect();
    client.send(OPEN, ...say('a', 'One two three.'), ...say('b', 'Four five.'));
    await settle();
    await client.play(12);

    client.send({ type: 'interrupt', utterance: 'a' });
    await settle();
    await client.play(40);

    expect(client.finished()).toMatchObject([
      { utterance: 'a', reason: 'interrupted' },
      { utterance: 'b', reason: 'completed', spokenText: 'Four five.', durationMs: 400 },
    ]);
    await client.session.close();
  });

  test('at any time, any number of times, leaves a session that can speak', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.boolean()), { minLength: 1, maxLength: 6 }),
        async (steps) => {
          const client = connect();
          client.send(OPEN);
          await settle();
          for (const [i, [slots, all]] of steps.entries()) {
            client.send(...say(`u${i}`, 'One two three four.'));
            await settle();
            await client.play(slots);
            if (client.finished().every((message) => message.utterance !== `u${i}`)) {
              client.send(all ? { type: 'interrupt' } : { type: 'interrupt', utterance: `u${i}` });
            }
            await settle();
          }
          client.send(...say('last', 'Still here.'));
          await settle();
          await client.play(60);

          expect(client.errors()).toEqual([]);
          expect(client.finished().length).toBe(steps.length + 1);
          expect(client.finished().at(-1)).toMatchObject({ utterance: 'last', reason: 'completed', durationMs: 400 });
          const sequences = client.channel().played.map(({ sequence }) => sequence);
          expect(sequences).toEqual(sequences.map((_, k) => k));
          await client.session.close();
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('a mistake of the client', () => {
  test.each([
    ['speech before session.open', [say('a', 'x')[0]], 'bad_order'],
    ['two session.open', [OPEN, OPEN], 'bad_order'],
    ['an unknown voice', [{ ...OPEN, voice: 'nobody' }], 'unknown_voice'],
    ['an unknown avatar', [{ ...OPEN, avatar: 'nobody' }], 'unknown_avatar'],
    [
      'the end of an utterance that never began',
      [OPEN, { type: 'utterance.end', utterance: 'x' }],
      'unknown_utterance',
    ],
    ['an interruption of nothing by name', [OPEN, { type: 'interrupt', utterance: 'x' }], 'unknown_utterance'],
    ['text after the end', [OPEN, ...say('a', 'x y'), say('a', 'z')[0]], 'bad_order'],
    ['an offer to a session without WebRTC', [SPEAK, { type: 'webrtc.offer', sdp: 'v=0' }], 'bad_order'],
    ['an expression that no face has', [OPEN, { type: 'motion.set', expression: { moustache: 1 } }], 'bad_message'],
    ['a voice that is not there', [OPEN, { type: 'voice.set', voice: 'nobody' }], 'unknown_voice'],
    [
      'WebRTC with PCM',
      [{ type: 'session.open', media: { transport: 'webrtc', audio: { codec: 'pcm_s16le' } } }],
      'unsupported_media',
    ],
  ] as [string, object[], string][])('is answered and the session lives: %s', async (_, messages, code) => {
    const client = connect();

    for (const message of messages) {
      client.send(message);
      await settle();
    }

    expect(client.errors()).toEqual([code]);
    expect(client.received.filter((message) => message.type === 'error').every(({ fatal }) => !fatal)).toBe(true);
    expect(client.closed).toEqual([]);
    await client.session.close();
  });

  test('more text than may wait is refused; what was taken is said', async () => {
    const client = connect({ limits: { textCharacters: 100 } });
    client.send(OPEN, { type: 'utterance.append', utterance: 'a', text: 'One two. ' });
    client.send(
      { type: 'utterance.append', utterance: 'a', text: 'x'.repeat(100) },
      { type: 'utterance.end', utterance: 'a' },
    );
    await settle();

    await client.play(20);

    expect(client.errors()).toEqual(['text_too_long']);
    expect(client.finished()).toMatchObject([{ reason: 'completed', spokenText: 'One two. ' }]);
    await client.session.close();
  });

  test('text that the voice cannot speak is reported; the next utterance is said', async () => {
    const client = connect();
    client.send(OPEN, ...say('a', 'unspeakable.'), ...say('b', 'Fine.'));
    await settle();

    await client.play(20);

    expect(client.errors()).toEqual(['bad_text']);
    expect(client.received.find(({ type }) => type === 'error')).toMatchObject({ utterance: 'a' });
    expect(client.finished().at(-1)).toMatchObject({ utterance: 'b', reason: 'completed' });
    await client.session.close();
  });

  test('no session.open at all ends the session', async () => {
    const client = connect({ limits: { openTimeoutMs: 100 } });

    await new Promise((resolve) => setTimeout(resolve, 200));

    expect(client.errors()).toEqual(['timeout']);
    expect(client.closed).toEqual([{ code: 1008, reason: 'timeout' }]);
  });

  test('any text frame at all is answered, never thrown', async () => {
    const client = connect();
    client.send(OPEN);
    await settle();

    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((value) => JSON.stringify({ type: 'interrupt', value })),
        ),
        (frame) => {
          client.session.onText(frame);
        },
      ),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => client.session.onBinary(bytes)));

    client.send(...say('after', 'Still here.'));
    await settle();
    await client.play(60);
    expect(client.finished().at(-1)).toMatchObject({ utterance: 'after', reason: 'completed' });
    await client.session.close();
  });
});

test('texts that hold nothing to say finish at once, spoken whole', async () => {
  const client = connect({ inference: fakeInference({ voice: fakeVoice() }) });
  client.send(OPEN, ...say('a', ''), ...say('b', '😀 … 🎉'), ...say('c', '\u0000\u0007'));
  await settle();

  await client.play(10);

  expect(client.finished().map(({ utterance, reason, spokenText }) => [utterance, reason, spokenText])).toEqual([
    ['a', 'completed', ''],
    ['b', 'completed', '😀 … 🎉'],
    ['c', 'completed', '\u0000\u0007'],
  ]);
  await client.session.close();
});

describe('a session on a busy server', () => {
  test.each([
    [OPEN, 'pictures'],
    [{ ...SPEAK, media: { ...SPEAK.media, motion: true } }, 'motion'],
    [SPEAK, 'sound'],
  ])('says what it needs: %j', async (open, demand) => {
    const client = connect();

    client.send(open);
    await settle();

    expect(client.load.demands).toEqual([demand]);
  });

  test('announces at once that less of the picture is made, sends a smaller one, and goes on speaking', async () => {
    const client = connect();
    client.send(OPEN, ...say('u1', 'One two three four five six seven eight.'));
    await settle();
    await client.play(4);

    client.load.to(2);
    await client.play(10);
    client.load.to(4);
    await client.play(60);

    const told = client.received.flatMap((message) => (message.type === 'stats' ? [message.degradation] : []));
    expect(told).toEqual(['smaller', 'still']);
    expect(client.channel().thrifts).toEqual([
      { everyFrames: 2, shrink: 2, framesOpenSpeech: true },
      { everyFrames: 3, shrink: 2, framesOpenSpeech: false },
    ]);
    expect(client.finished()).toMatchObject([{ reason: 'completed' }]);
    const sequences = client.channel().played.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.map((_, i) => i));
  });

  test('counts its frames, those that the encoder lost too', async () => {
    const client = connect();
    client.send(OPEN);
    await settle();
    await client.play(10);

    expect(client.load.outcomes.length).toBeGreaterThan(4);
    expect(client.load.outcomes.every(({ isLate }) => !isLate)).toBe(true);
  });
});
