import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { Peer, type PeerState } from '../../../../src/stream/media/webrtc/peer.ts';
import { senderTimestamps, toNtp } from '../../../../src/stream/media/webrtc/sender-report.ts';
import { createWeriftViewer, type WeriftViewer } from '../../../support/werift-viewer.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const resource of open.splice(0)) await resource[Symbol.asyncDispose]();
});

const createPeer = () => {
  const states: PeerState[] = [];
  const texts: string[] = [];
  let pictureLosses = 0;
  const peer = new Peer({
    video: true,
    hostAddresses: ['127.0.0.1'],
    portRange: null,
    dataLimits: { dataChannels: 4, dataBytes: 65_536, messagesPerSecond: 1000 },
    clock: systemClock,
    wallMs: () => Date.now(),
    onFeedback: () => undefined,
    onState: (state) => states.push(state),
    onPictureLoss: () => {
      pictureLosses += 1;
    },
    onTextOpen: () => peer.sendText('welcome'),
    onText: (text) => texts.push(text),
  });
  open.push({ [Symbol.asyncDispose]: () => peer.close() });
  return { peer, states, texts, pictureLosses: () => pictureLosses };
};

const createViewer = (): WeriftViewer => {
  const viewer = createWeriftViewer();
  open.push(viewer);
  return viewer;
};

/** Two ends of werift now and then fail their handshake on a busy machine; a second pair is not likely to. */
const connect = () => tryToConnect().catch(tryToConnect);

const tryToConnect = async () => {
  const viewer = createViewer();
  const { peer, states, pictureLosses } = createPeer();
  const answer = await viewer.connect((sdp) => peer.offer(sdp));
  await vi.waitFor(() => expect([states.at(-1), viewer.pc.connectionState]).toEqual(['connected', 'connected']), {
    timeout: 10_000,
  });
  return { viewer, peer, states, answer, pictureLosses };
};

/** Sends one packet of each kind, every 20 ms, until `isEnough`. */
const sendUntil = (peer: Peer, isEnough: () => boolean) => {
  let index = 0;
  return vi.waitFor(
    () => {
      peer.rtp.sendAudio(new Uint8Array([1, 2, 3]), index);
      peer.rtp.sendVideo(new Uint8Array([4, 5, 6]), index);
      index += 1;
      expect(isEnough()).toBe(true);
    },
    { timeout: 10_000, interval: 20 },
  );
};

describe('peer', () => {
  it('answers with both tracks in one stream, by VP8 with RTX and Opus with FEC, without abs-send-time', async () => {
    const viewer = createViewer();
    const { peer } = createPeer();

    const answer = await viewer.connect((sdp) => peer.offer(sdp));

    const streams = [...answer.matchAll(/^a=msid:(\S+) /gm)].map(([, stream]) => stream);
    expect(streams).toHaveLength(2);
    expect(new Set(streams).size).toBe(1);
    expect(answer).toMatch(/a=rtpmap:\d+ VP8\/90000/i);
    expect(answer).toMatch(/a=rtpmap:\d+ rtx\/90000/i);
    expect(answer).toMatch(/a=rtpmap:\d+ opus\/48000\/2/i);
    expect(answer).toContain('useinbandfec=1');
    expect(answer).not.toContain('abs-send-time');
    expect(answer).toMatch(/a=candidate:.* 127\.0\.0\.1 /);
  });

  it('carries messages over the data channel that the browser opens, and reads no other', async () => {
    const viewer = createViewer();
    const { peer, texts } = createPeer();
    const other = viewer.pc.createDataChannel('chat');
    const channel = viewer.pc.createDataChannel('visavis.v1');
    const received: string[] = [];
    channel.onMessage.subscribe((message) => received.push(String(message)));
    other.onMessage.subscribe((message) => received.push(`other: ${String(message)}`));

    await viewer.connect((sdp) => peer.offer(sdp));
    await vi.waitFor(() => expect([channel.readyState, other.readyState]).toEqual(['open', 'open']), 10_000);
    other.send('not for you');
    channel.send('hello');
    await vi.waitFor(() => expect(texts).toEqual(['hello']), 10_000);
    peer.sendText('x'.repeat(10_000_000));
    peer.sendText('good-bye');

    await vi.waitFor(() => expect(received).toEqual(['welcome', 'good-bye']), 10_000);
  });

  it('refuses what is no offer, and offers without Opus or VP8, and lives on', async () => {
    const viewer = createViewer();
    const { peer } = createPeer();

    await expect(peer.offer('hello')).rejects.toMatchObject({ code: 'webrtc_failed' });
    await expect(peer.offer('')).rejects.toMatchObject({ code: 'webrtc_failed' });
    await viewer.connect((sdp) => peer.offer(sdp));
  });

  it('refuses an offer whose video is not VP8', async () => {
    const viewer = createViewer();
    const { peer } = createPeer();

    const answer = viewer.connect((sdp) => peer.offer(sdp.replaceAll(/VP8/gi, 'H265')));

    await expect(answer).rejects.toMatchObject({ code: 'webrtc_failed', message: expect.stringContaining('VP8') });
  });

  it('sends RTP with the timestamps of media time and reports that map it to wall time exactly', async () => {
    const { viewer, peer } = await connect();
    await sendUntil(peer, () => viewer.rtp.audio.length > 2 && viewer.rtp.video.length > 2);
    const startWallMs = 1_780_000_000_123;
    const mediaMs = 7000;

    peer.rtp.sendReports(startWallMs, mediaMs);
    peer.rtp.sendAudio(new Uint8Array([9]), mediaMs / 20);
    peer.rtp.sendVideo(new Uint8Array([9]), mediaMs / 40);
    await vi.waitFor(() => {
      expect(viewer.reports).toHaveLength(2);
      expect([viewer.rtp.audio, viewer.rtp.video].every((packets) => packets.at(-1)?.payload.at(-1) === 9)).toBe(true);
    });

    for (const { header } of [viewer.rtp.audio.at(-1), viewer.rtp.video.at(-1)].filter(
      (packet) => packet !== undefined,
    )) {
      const report = viewer.reports.find(({ ssrc }) => ssrc === header.ssrc);
      // A clock that is off by 5 ms would be off by 240 ticks of sound, 450 of video.
      expect(report?.senderInfo.rtpTimestamp).toBe(header.timestamp);
      expect(report?.senderInfo.ntpTimestamp).toBe(toNtp(startWallMs + mediaMs));
      expect(report?.senderInfo.ntpTimestamp).toBe(
        senderTimestamps({ startWallMs, rtpBase: 0, rateHz: 1 }, mediaMs).ntp,
      );
    }
  });

  it('tells of lost pictures, and of the round trip', async () => {
    const { viewer, peer, pictureLosses } = await connect();
    await sendUntil(peer, () => viewer.rtp.video.length > 2);
    // A new connection needs a key frame too.
    expect(pictureLosses()).toBe(1);
    const startMs = performance.now();
    const mediaMs = () => performance.now() - startMs;
    const startWallMs = Date.now();

    for (const transceiver of viewer.pc.getTransceivers()) {
      const ssrc = viewer.rtp.video[0]?.header.ssrc ?? 0;
      if (transceiver.kind === 'video') await transceiver.receiver.sendRtcpPLI(ssrc);
    }
    const reports = setInterval(() => peer.rtp.sendReports(startWallMs, mediaMs()), 200);
    await sendUntil(peer, () => pictureLosses() > 1 && peer.rtp.counters.roundTripMs !== null).finally(() =>
      clearInterval(reports),
    );

    expect(peer.rtp.counters.roundTripMs).toBeGreaterThanOrEqual(0);
    expect(peer.rtp.counters.roundTripMs).toBeLessThan(500);
    expect(peer.rtp.counters.fractionLost).toBe(0);
  });

  it('leaves candidates with names aside at once, and those that make no sense', async () => {
    const { peer } = createPeer();
    const viewer = createViewer();
    await viewer.connect((sdp) =>
      peer.offer(sdp.replaceAll(/^(a=candidate:.*) \d+\.\d+\.\d+\.\d+ /gm, '$1 0b5e7ad2.local ')),
    );

    peer.candidate({ candidate: 'candidate:1 1 udp 2122260223 0b5e7ad2.local 53211 typ host', sdpMid: '0' });
    peer.candidate({ candidate: 'nonsense', sdpMid: '7' });
    peer.candidate(null);

    // The viewer's own checks show its address.
    await vi.waitFor(() => expect(viewer.pc.connectionState).toBe('connected'), { timeout: 10_000 });
  });

  it('keeps the session when strangers send DTLS alerts or unsigned connectivity checks', async () => {
    const { viewer, peer, states, answer } = await connect();
    await sendUntil(peer, () => viewer.rtp.audio.length > 2);
    const port = Number(/a=candidate:.* 127\.0\.0\.1 (\d+) /.exec(answer)?.[1]);
    const stranger = createSocket('udp4');
    const alert = Buffer.from([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1]);
    const closeNotify = Buffer.from([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0]);
    const unknownRecord = Buffer.from([30, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0]);
    const fragment = /a=ice-ufrag:(\S+)/.exec(answer)?.[1] ?? '';
    const checks = [`${fragment}:evil`, 'constructor:evil', '__proto__:', ''].map(stunCheck);

    for (const datagram of [alert, closeNotify, unknownRecord, ...checks, alert, closeNotify, unknownRecord]) {
      await new Promise((resolve) => stranger.send(datagram, port, '127.0.0.1', resolve));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    stranger.close();
    const received = viewer.rtp.audio.length;

    await sendUntil(peer, () => viewer.rtp.audio.length > received + 10);
    expect(states.at(-1)).toBe('connected');
  });

  it('closes once, and says so', async () => {
    const { peer, states } = await connect();

    await Promise.all([peer.close(), peer.close()]);

    expect(states.filter((state) => state === 'closed')).toHaveLength(1);
    expect(states.at(-1)).toBe('closed');
    await expect(peer.offer('v=0')).rejects.toMatchObject({ code: 'webrtc_failed' });
  });
});

/** A STUN binding request (RFC 8489 §5) with a user name, a priority and a signature that is none. */
const stunCheck = (username: string, forged: number): Buffer => {
  const name = Buffer.from(username);
  const padded = Buffer.alloc(Math.ceil(name.length / 4) * 4);
  name.copy(padded);
  const priority = Buffer.from([0, 0x24, 0, 4, 0x6e, 0, 1, 0xff]);
  const signature = forged === 0 ? Buffer.alloc(0) : Buffer.from([0, 8, 0, 20, ...Buffer.alloc(20, 9)]);
  const attributes = Buffer.concat([Buffer.from([0, 6, 0, name.length]), padded, priority, signature]);
  return Buffer.concat([
    Buffer.from([0, 1, 0, attributes.length, 0x21, 0x12, 0xa4, 0x42]),
    Buffer.alloc(12, 7),
    attributes,
  ]);
};
