import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../config/load.ts';
import { systemClock } from '../../src/clock.ts';
import { VisavisError } from '../../src/errors.ts';
import { Peer } from '../../src/stream/media/webrtc/peer.ts';
import { startServer } from '../../src/stream/server.ts';
import { fakeMediaServer } from '../support/fake-media.ts';
import { fakeInference } from '../support/fake-models.ts';
import { createWeriftViewer } from '../support/werift-viewer.ts';
import { casesOf } from './cases.ts';

const SEED = 1;
/** Datagrams sent before the stranger waits for the socket to take them. */
const BURST = 50;

const createPeer = () =>
  new Peer({
    video: true,
    hostAddresses: ['127.0.0.1'],
    portRange: null,
    dataLimits: { dataChannels: 4, dataBytes: 65_536, messagesPerSecond: 1000 },
    clock: systemClock,
    wallMs: () => Date.now(),
    onState: () => undefined,
    onPictureLoss: () => undefined,
    onFeedback: () => undefined,
    onTextOpen: () => undefined,
    onText: () => undefined,
  });

/** A peer and its viewer; two ends of werift now and then fail their handshake on a busy machine. */
const connected = async (): Promise<{
  peer: Peer;
  viewer: ReturnType<typeof createWeriftViewer>;
  port: number;
  ufrag: string;
}> => {
  const peer = createPeer();
  const viewer = createWeriftViewer();
  const answer = await viewer.connect((sdp) => peer.offer(sdp));
  const port = Number(/a=candidate:.* 127\.0\.0\.1 (\d+) /.exec(answer)?.[1]);
  try {
    await hears(peer, viewer, 3);
    return { peer, viewer, port, ufrag: /a=ice-ufrag:(\S+)/.exec(answer)?.[1] ?? '' };
  } catch {
    await Promise.all([peer.close(), viewer[Symbol.asyncDispose]()]);
    return connected();
  }
};

/** Sends until the viewer has got so many packets more. */
const hears = async (peer: Peer, viewer: ReturnType<typeof createWeriftViewer>, more: number): Promise<void> => {
  const before = viewer.rtp.audio.length;
  let index = before;
  await vi.waitFor(
    () => {
      peer.rtp.sendAudio(new Uint8Array([1, 2, 3]), index);
      index += 1;
      expect(viewer.rtp.audio.length).toBeGreaterThan(before + more);
    },
    { timeout: 10_000, interval: 20 },
  );
};

test('datagrams of strangers, of every kind, leave a session as it is', async () => {
  const { peer, viewer, port, ufrag } = await connected();
  const stranger = createSocket('udp4');
  const body = fc.uint8Array({ maxLength: 1400 });
  const withHead = (...head: readonly number[]) => body.map((rest) => Uint8Array.from([...head, ...rest]));
  const name = [
    0,
    6,
    0,
    ufrag.length,
    ...new TextEncoder().encode(ufrag),
    ...Array<number>((4 - (ufrag.length % 4)) % 4).fill(0),
  ];
  const datagram = fc.oneof(
    body,
    // STUN (RFC 8489), DTLS (RFC 6347): alerts, hellos, data; RTP and RTCP (RFC 3550); TURN channels (RFC 8656).
    withHead(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
    withHead(0, 1, 0, name.length, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, ...name),
    withHead(1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
    ...[20, 21, 22, 23, 30].map((type) => withHead(type, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9)),
    withHead(0x80, 96, 0, 1),
    ...[200, 201, 205, 206].map((type) => withHead(0x81, type, 0, 7)),
    withHead(0x40, 0, 0, 4),
  );

  const all = fc.sample(datagram, { numRuns: casesOf(0.03), seed: SEED });
  for (const [i, bytes] of all.entries()) {
    const sent = new Promise((resolve) => stranger.send(bytes, port, '127.0.0.1', resolve));
    if (i % BURST === 0) await sent;
  }
  stranger.close();

  await hears(peer, viewer, 10);
  await Promise.all([peer.close(), viewer[Symbol.asyncDispose]()]);
}, 600_000);

test('offers and candidates that are damaged are refused or answered, and the next good offer is taken', async () => {
  const viewer = createWeriftViewer();
  let offer = '';
  await viewer
    .connect(async (sdp) => {
      offer = sdp;
      throw new Error('only the offer is wanted');
    })
    .catch(() => undefined);
  const lines = offer.split('\r\n');
  const damage = fc.record({
    at: fc.nat(lines.length - 1),
    how: fc.constantFrom('drop', 'twice', 'cut', 'replace', 'number'),
    text: fc.string({ maxLength: 60 }),
  });
  const damaged = fc.array(damage, { minLength: 1, maxLength: 6 }).map((all) => {
    const copy = [...lines];
    for (const { at, how, text } of all) {
      const line = copy[at] ?? '';
      if (how === 'drop') copy.splice(at, 1);
      if (how === 'twice') copy.splice(at, 0, line);
      if (how === 'cut') copy[at] = line.slice(0, text.length);
      if (how === 'replace') copy[at] = line.slice(0, 2) + text;
      if (how === 'number') copy[at] = line.replace(/\d+/, '99999999999');
    }
    return copy.join('\r\n');
  });

  for (const sdp of fc.sample(fc.oneof(damaged, fc.string()), { numRuns: casesOf(0.0005), seed: SEED })) {
    const peer = createPeer();
    try {
      await peer.offer(sdp);
    } catch (error) {
      if (!(error instanceof VisavisError)) throw error;
      expect(error.code).toBe('webrtc_failed');
    }
    for (const candidate of fc.sample(fc.string(), { numRuns: 5, seed: SEED })) {
      peer.candidate({ candidate: `candidate:${candidate}`, sdpMid: '0' });
      peer.candidate({ candidate: `candidate:1 1 udp 1 ${candidate} 9 typ host`, sdpMLineIndex: 0 });
    }
    await peer.close();
  }
  const peer = createPeer();
  expect(await peer.offer(offer)).toContain('v=0');
  await Promise.all([peer.close(), viewer[Symbol.asyncDispose]()]);
}, 600_000);

test('raw bytes in the place of WebSocket frames end their own socket at most', async () => {
  const config = loadConfig(undefined, { port: 0, voice: 'fake', avatar: 'fake' });
  const server = await startServer({
    config: { ...config, limits: { ...config.limits, sessions: 100 } },
    clock: systemClock,
    log: pino({ level: 'silent' }),
    inference: fakeInference(),
    media: fakeMediaServer(),
    pageFolders: [],
    chat: null,
    portraitOf: () => null,
  });
  const { hostname, port } = new URL(server.address);
  const good = new WebSocket(`${server.address.replace('http', 'ws')}/v1/session`, 'visavis.v1');
  await once(good, 'open');
  const upgrade =
    'GET /v1/session HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: visavis.v1\r\n\r\n';
  /** A frame with its length and mask, whose payload is anything; or no frame at all (RFC 6455 §5.2). */
  const frame = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.nat(255), fc.uint8Array({ maxLength: 120 }))
      .map(([head, payload]) => Uint8Array.from([head, 0x80 | payload.length, 0, 0, 0, 0, ...payload])),
    fc.string({ maxLength: 100 }).map((text) => {
      const payload = new TextEncoder().encode(JSON.stringify({ type: 'session.open', voice: text })).subarray(0, 125);
      return Uint8Array.from([0x81, 0x80 | payload.length, 0, 0, 0, 0, ...payload]);
    }),
  );

  for (const frames of fc.sample(fc.array(frame, { maxLength: 8 }), { numRuns: casesOf(0.003), seed: SEED })) {
    const socket = connect(Number(port), hostname);
    // The server may end it at any time.
    socket.on('error', () => undefined);
    socket.write(upgrade);
    for (const bytes of frames) socket.write(bytes);
    socket.resume();
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
  }

  good.send(JSON.stringify({ type: 'session.open', media: { transport: 'websocket' } }));
  const [opened] = (await once(good, 'message')) as [Buffer];
  expect(JSON.parse(opened.toString())).toMatchObject({ type: 'session.opened' });
  good.terminate();
  await server.close();
}, 600_000);
