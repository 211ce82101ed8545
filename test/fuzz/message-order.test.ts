import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { systemClock } from '../../src/clock.ts';
import { VisavisError } from '../../src/errors.ts';
import type { FaceReader } from '../../src/models/inference.ts';
import { encodeBinaryFrame } from '../../src/stream/binary-frame.ts';
import { type ServerMessage, serverMessageSchema } from '../../src/stream/messages.ts';
import { createMetrics } from '../../src/stream/metrics.ts';
import { Session } from '../../src/stream/session.ts';
import { fakeMediaServer } from '../support/fake-media.ts';
import { fakeInference } from '../support/fake-models.ts';
import { fakeSessionLoad } from '../support/session-load.ts';
import { casesOf } from './cases.ts';

/** Messages of a session, on the average. */
const MEAN_LENGTH = 10;

/** Lets everything that is ready happen. */
const settle = async (turns: number) => {
  for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

const id = fc.constantFrom('a', 'b', '', '__proto__', 'x'.repeat(200));
const text = fc.oneof(
  fc.constant('One two three.'),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const message = fc.oneof(
  fc.constantFrom(
    { type: 'session.open', media: { transport: 'webrtc' } },
    { type: 'session.open', media: { transport: 'websocket', leadMs: null, video: true, motion: true } },
    { type: 'session.open', media: { transport: 'websocket', audio: { codec: 'pcm_s16le' } } },
    { type: 'session.open', voice: 'nobody', media: { transport: 'webrtc' } },
    { type: 'webrtc.offer', sdp: 'v=0' },
    { type: 'webrtc.candidate', candidate: null },
    { type: 'chat', utterance: 'c', text: 'Hello?' },
    { type: 'chat.clear' },
    { type: 'voice.set', voice: 'nobody' },
    { type: 'voice.set', speed: 2 },
    { type: 'avatar.set', avatar: 'fake' },
    { type: 'interrupt' },
    { type: 'motion.set', expression: { jawOpen: 1 }, holdMs: 10 },
  ),
  fc.record({ type: fc.constant('utterance.append'), utterance: id, text }),
  fc.record({ type: fc.constant('utterance.append'), utterance: id, text }),
  fc.record({ type: fc.constant('utterance.end'), utterance: id }),
  fc.record({ type: fc.constant('interrupt'), utterance: id }),
  fc.record({ type: fc.constant('playback'), mediaTimeMs: fc.double({ min: 0, max: 1e9, noNaN: true }) }),
);
const sound = fc
  .record({ first: fc.boolean(), last: fc.boolean(), samples: fc.nat(500) })
  .map(({ first, last, samples }) =>
    encodeBinaryFrame({ kind: 3, sequence: 0, mediaTimeMs: 0, first, last, payload: new Uint8Array(2 * samples) }),
  );
const picture = fc
  .record({ last: fc.boolean(), bytes: fc.nat(50) })
  .map(({ last, bytes }) =>
    encodeBinaryFrame({ kind: 5, sequence: 0, mediaTimeMs: 0, last, payload: new Uint8Array(bytes) }),
  );
/** Something that happens in a session: a frame comes, slots are played, time passes. */
const happening = fc.oneof(
  { weight: 8, arbitrary: message.map((value) => ({ kind: 'text' as const, frame: JSON.stringify(value) })) },
  { weight: 1, arbitrary: picture.map((frame) => ({ kind: 'binary' as const, frame })) },
  { weight: 1, arbitrary: sound.map((frame) => ({ kind: 'binary' as const, frame })) },
  { weight: 2, arbitrary: fc.nat(20).map((slots) => ({ kind: 'play' as const, slots })) },
  { weight: 2, arbitrary: fc.nat(12).map((turns) => ({ kind: 'wait' as const, turns })) },
);

/** Reads some pictures, and refuses others. */
const READER: FaceReader = {
  size: 16,
  avatars: ['fake'],
  async read(jpeg) {
    if (jpeg.length % 3 === 0) throw new VisavisError('bad_message', 'expected a JPEG');
    return new Float32Array(59).fill(jpeg.length);
  },
};

const connect = () => {
  const received: ServerMessage[] = [];
  const media = fakeMediaServer();
  const { limits } = configSchema.parse({});
  const session = new Session('s1', {
    inference: { ...fakeInference(), reader: READER },
    media,
    chat: null,
    clock: systemClock,
    metrics: createMetrics(),
    load: fakeSessionLoad(),
    log: pino({ level: 'silent' }),
    defaults: { voice: 'fake', avatar: 'fake' },
    bitrateBps: 300_000,
    limits,
    openTimeoutMs: limits.openTimeoutMs,
    socket: {
      sendText: (frame) => received.push(serverMessageSchema.parse(JSON.parse(frame))),
      sendBinary: () => undefined,
      unsentBytes: () => 0,
      close: () => undefined,
    },
  });
  return { session, received, media };
};

test('messages in any order are obeyed or refused with a reason: each utterance that began ends, and nothing is thrown', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 2 * MEAN_LENGTH }), async (happenings) => {
      const { session, received, media } = connect();
      for (const { kind, ...happened } of happenings) {
        if (kind === 'text') session.onText((happened as { frame: string }).frame);
        if (kind === 'binary') session.onBinary((happened as { frame: Uint8Array }).frame);
        if (kind === 'play')
          for (let i = 0; i < (happened as { slots: number }).slots; i += 1) media.channels[0]?.play();
        if (kind === 'wait') await settle((happened as { turns: number }).turns);
      }
      await settle(12);
      session.onText(JSON.stringify({ type: 'interrupt' }));
      await settle(12);

      const started = received.flatMap((said) => (said.type === 'utterance.started' ? [said.utterance] : []));
      const finished = received.flatMap((said) => (said.type === 'utterance.finished' ? [said.utterance] : []));
      for (const utterance of started) expect(finished).toContain(utterance);
      expect(received.filter((said) => said.type === 'error').every(({ fatal }) => !fatal)).toBe(true);
      expect(received.some((said) => said.type === 'error' && said.code === 'internal')).toBe(false);
      await session.close();
    }),
    { numRuns: casesOf(0.1) / MEAN_LENGTH },
  );
}, 900_000);
