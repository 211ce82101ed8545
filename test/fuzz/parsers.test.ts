import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { VisavisError } from '../../src/errors.ts';
import { decodeJpeg } from '../../src/models/jpeg.ts';
import { FRAME_KIND, decodeClientFrame } from '../../src/stream/binary-frame.ts';
import { isAllowed } from '../../src/stream/media/webrtc/source-guard.ts';
import { readTransportFeedback } from '../../src/stream/media/rate/transport-feedback.ts';
import { parseClientMessage } from '../../src/stream/messages.ts';
import { encodeJpeg, noisePicture } from '../support/jpeg-encoder.ts';
import { casesOf, inNoTime } from './cases.ts';

// A million cases take minutes.
vi.setConfig({ testTimeout: 900_000 });

const VALID = [
  { type: 'session.open', media: { transport: 'webrtc' }, seed: 7 },
  {
    type: 'session.open',
    media: { transport: 'websocket', audio: { codec: 'pcm_s16le', sampleRateHz: 16_000 }, leadMs: null },
  },
  { type: 'webrtc.offer', sdp: 'v=0' },
  {
    type: 'webrtc.candidate',
    candidate: { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 },
  },
  { type: 'utterance.append', utterance: 'a', text: 'Hello.' },
  { type: 'utterance.end', utterance: 'a' },
  { type: 'interrupt' },
  { type: 'playback', mediaTimeMs: 1 },
  { type: 'motion.set', expression: { jawOpen: 1 }, rotation: { yaw: 1 }, gaze: { x: 0, y: 0 }, blendMs: 1, holdMs: 1 },
  { type: 'avatar.set', avatar: 'alex' },
  { type: 'voice.set', voice: 'rms' },
];

/** A valid message with one field, at any depth, replaced, removed or added. */
const damaged = fc
  .tuple(fc.constantFrom(...VALID), fc.nat(20), fc.oneof(fc.jsonValue(), fc.constant(undefined)), fc.string())
  .map(([message, at, value, key]) => {
    const copy = structuredClone(message) as Record<string, unknown>;
    const places: [Record<string, unknown>, string][] = [];
    const visit = (node: Record<string, unknown>) => {
      for (const name of Object.keys(node)) {
        places.push([node, name]);
        const inner = node[name];
        if (typeof inner === 'object' && inner !== null) visit(inner as Record<string, unknown>);
      }
      places.push([node, key]);
    };
    visit(copy);
    const [node, name] = places[at % places.length]!;
    Object.defineProperty(node, name, { value, enumerable: true, configurable: true, writable: true });
    return JSON.stringify(copy);
  });

describe('whatever strangers send', () => {
  test('a text frame is a message or is refused with a reason', () => {
    const frame = fc.oneof(
      { weight: 6, arbitrary: damaged },
      { weight: 2, arbitrary: fc.json() },
      { weight: 1, arbitrary: fc.string() },
      { weight: 1, arbitrary: fc.nat(5000).map((depth) => '['.repeat(depth)) },
    );
    fc.assert(
      fc.property(frame, (text) => {
        try {
          expect(VALID.map(({ type }) => type)).toContain(inNoTime(() => parseClientMessage(text)).type);
        } catch (error) {
          if (!(error instanceof VisavisError)) throw error;
          expect([error.code, error.message.length > 20, error.message.length < 5000]).toEqual([
            'bad_message',
            true,
            true,
          ]);
        }
      }),
      { numRuns: casesOf(0.3) },
    );
  });

  test('a binary frame is sound or a picture, or is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          const { kind, payload } = inNoTime(() => decodeClientFrame(bytes));
          if (kind === FRAME_KIND.audioIn) expect(payload.length % 2).toBe(0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad_message' });
        }
      }),
      { numRuns: casesOf(0.2) },
    );
  });

  test('a picture is decoded or is refused, whatever is wrong in it', async () => {
    const whole = await encodeJpeg(noisePicture(64), 64, '420');
    const damage = fc.oneof(
      // Some bytes are others, as in headers and tables that lie.
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }).map((changes) => {
        const bytes = whole.slice();
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      }),
      fc.nat(whole.length).map((length) => whole.slice(0, length)),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.of(0xff, 0xd8, ...bytes)),
    );
    fc.assert(
      fc.property(damage, (bytes) => {
        try {
          expect(inNoTime(() => decodeJpeg(bytes, 64))).toHaveLength(64 * 64 * 3);
        } catch (error) {
          expect(error).toMatchObject({
            code: 'bad_message',
            message: expect.stringMatching(/^expected a baseline JPEG of 64 × 64 pixels, got /),
          });
        }
      }),
      { numRuns: casesOf(0.05) },
    );
  });

  test('a datagram reaches the session only with its password, or from its other side', () => {
    const password = 'the password of this session';
    const session = {
      isRemote: (host: string) => host === '192.0.2.1',
      hasRoom: () => true,
      passwordOf: (fragment: string) => (fragment === 'frag' ? password : undefined),
    };
    const attribute = fc.tuple(
      fc.constantFrom(0x0006, 0x0008, 0x0024, 0x8028, 0xffff),
      fc.uint8Array({ maxLength: 40 }),
    );
    const stun = fc
      .tuple(
        fc.constantFrom(0x0001, 0x0101, 0x0111, 0x0011),
        fc.array(attribute, { maxLength: 6 }),
        fc.boolean(),
        fc.integer({ min: -8, max: 8 }),
      )
      .map(([type, attributes, named, off]) => {
        const all = named ? [[0x0006, new TextEncoder().encode('frag:x')] as const, ...attributes] : attributes;
        const body = all.flatMap(([kind, value]) => [
          kind >> 8,
          kind & 255,
          0,
          value.length,
          ...value,
          ...Array<number>((4 - (value.length % 4)) % 4).fill(0),
        ]);
        const length = Math.max(0, body.length + off);
        return Uint8Array.from([
          type >> 8,
          type & 255,
          length >> 8,
          length & 255,
          0x21,
          0x12,
          0xa4,
          0x42,
          ...Array<number>(12).fill(7),
          ...body,
        ]);
      });
    fc.assert(
      fc.property(fc.oneof(stun, fc.uint8Array({ maxLength: 200 })), (datagram) => {
        const allowed = inNoTime(() => isAllowed(datagram, '198.51.100.9', 1, session));
        const isResponse = ((datagram[0] ?? 0) & 1) !== 0 || ((datagram[1] ?? 0) & 0x10) !== 0;
        if (allowed) expect(isResponse).toBe(true);
        if (datagram.length > 0 && (datagram[0] ?? 0) > 3)
          expect(isAllowed(datagram, '192.0.2.1', 1, session)).toBe(true);
      }),
      { numRuns: casesOf(0.3) },
    );
    // One that is signed passes: the guard is no wall.
    const head = Uint8Array.from([
      0,
      1,
      0,
      36,
      0x21,
      0x12,
      0xa4,
      0x42,
      ...Array<number>(12).fill(7),
      0,
      6,
      0,
      6,
      ...new TextEncoder().encode('frag:x'),
      0,
      0,
    ]);
    const signature = createHmac('sha1', password).update(head).digest();
    expect(isAllowed(Uint8Array.from([...head, 0, 8, 0, 20, ...signature]), '198.51.100.9', 1, session)).toBe(true);
  });

  test('feedback about packets is read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), (bytes) => {
        const arrivals = inNoTime(() => readTransportFeedback(bytes));
        expect(arrivals === null || arrivals.length <= 65_535).toBe(true);
      }),
      { numRuns: casesOf(0.1) },
    );
  });
});
