import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { MediaEvent, MediaOptions, MediaServer } from '../../../src/stream/media/media-channel.ts';
import { createMediaServer, startMediaWorker } from '../../../src/stream/media/media-client.ts';
import { feed } from '../../support/media-feed.ts';
import { barFrame, toneSlot } from '../../support/synthetic-media.ts';
import { createWeriftViewer } from '../../support/werift-viewer.ts';

const SAMPLE_RATE_HZ = 16_000;
const SIZE = 128;

const webrtc: MediaOptions = {
  transport: { kind: 'webrtc' },
  sampleRateHz: SAMPLE_RATE_HZ,
  video: { size: SIZE, bitrateBps: 200_000 },
  fillIdle: true,
};
const packets = (leadMs: number | null, audio: 'opus' | 'pcm_s16le'): MediaOptions => ({
  ...webrtc,
  transport: { kind: 'packets', leadMs, audio },
  fillIdle: false,
});

const ofType = <T extends MediaEvent['type']>(events: readonly MediaEvent[], type: T) =>
  events.filter((event): event is Extract<MediaEvent, { type: T }> => event.type === type);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let server: MediaServer;
beforeAll(async () => {
  server = await createMediaServer();
});
afterAll(() => server.close());

describe('packets', () => {
  it('come as fast as they are made without a lead: two of sound and one frame a slot', async () => {
    const channel = await server.open(packets(null, 'pcm_s16le'));
    const events: MediaEvent[] = [];
    channel.listen((event) => events.push(event));
    const slots = Array.from({ length: 25 }, (_, i) => toneSlot(100 + i, SAMPLE_RATE_HZ));
    const expected = slots.map(({ pcm }) => pcm[1]);

    for (const slot of slots) {
      channel.pushVideo(barFrame(slot.sequence, SIZE));
      channel.pushAudio(slot);
    }
    await vi.waitFor(() => expect(ofType(events, 'packet')).toHaveLength(75), { timeout: 5000 });
    await channel.close();

    const sound = ofType(events, 'packet').filter(({ kind }) => kind === 'audio');
    const picture = ofType(events, 'packet').filter(({ kind }) => kind === 'video');
    expect(sound.map(({ mediaTimeMs }) => mediaTimeMs)).toEqual(sound.map((_, i) => 20 * i));
    expect(sound.map(({ sequence }) => sequence)).toEqual(sound.map((_, i) => 100 + (i >> 1)));
    expect(
      sound.filter((_, i) => i % 2 === 0).map(({ payload }) => new DataView(payload.buffer).getInt16(2, true)),
    ).toEqual(expected.map((sample) => Math.round((sample ?? 0) * 32767)));
    expect(picture.map(({ mediaTimeMs, sequence }) => [mediaTimeMs, sequence])).toEqual(
      picture.map((_, i) => [40 * i, 100 + i]),
    );
    expect(picture.map(({ keyFrame }) => keyFrame)).toEqual(picture.map((_, i) => i === 0));
    expect(ofType(events, 'played')).toHaveLength(25);
    expect(ofType(events, 'shown')).toHaveLength(25);
    expect(events.at(-1)).toEqual({ type: 'state', state: 'closed' });
  });

  it('leave up to their lead early, and then by the clock', async () => {
    const channel = await server.open(packets(400, 'opus'));
    const { events, stop } = feed(channel, { sampleRateHz: SAMPLE_RATE_HZ, size: null, aheadSlots: 20 });

    await wait(1500);
    stop();
    const { sequence: notPlayed } = await channel.cut();
    await channel.close();

    const played = ofType(events, 'played');
    const startMs = ofType(events, 'ready')[0]?.startMs ?? 0;
    for (const { mediaTimeMs, sentAtMs } of played)
      expect(sentAtMs).toBeGreaterThanOrEqual(startMs + mediaTimeMs - 400);
    expect(played.filter(({ sentAtMs }) => sentAtMs < startMs + 200).length).toBeGreaterThanOrEqual(10);
    expect(played.length * 40).toBeLessThan(1500 + 400 + 200);
    expect(notPlayed).toBe(played.length);
  });
});

describe('a WebRTC session', () => {
  it('starts its clock when connected, paces by it, and counts', async () => {
    const channel = await server.open(webrtc);
    await using viewer = createWeriftViewer();
    const { events, stop } = feed(channel, { sampleRateHz: SAMPLE_RATE_HZ, size: SIZE });
    await viewer.connect((sdp) => channel.offer(sdp));

    await vi.waitFor(() => expect(ofType(events, 'played').length).toBeGreaterThan(60), { timeout: 15_000 });
    stop();
    await wait(300);
    await channel.close();
    await channel.close();

    const startMs = ofType(events, 'ready')[0]?.startMs ?? 0;
    expect(Math.abs(systemClock.nowMs() - startMs)).toBeLessThan(20_000);
    const played = ofType(events, 'played');
    expect(played.map(({ sequence }) => sequence)).toEqual(played.map((_, i) => i));
    expect(played.every(({ mediaTimeMs, sentAtMs }) => sentAtMs >= startMs + mediaTimeMs)).toBe(true);
    expect(ofType(events, 'shown').length).toBeGreaterThan(30);
    const counters = ofType(events, 'counters').at(-1)?.counters;
    expect(counters?.audioPackets).toBeGreaterThan(50);
    expect(counters?.keyFrames).toBeGreaterThanOrEqual(1);
    expect(counters?.bytes).toBeGreaterThan(1000);
    // Sound goes on as silence when nothing is queued.
    const timestamps = viewer.rtp.audio.map(({ header }) => header.timestamp);
    for (const [i, timestamp] of timestamps.entries()) {
      if (i > 0) expect((timestamp - (timestamps[i - 1] ?? 0) + 2 ** 32) % 2 ** 32).toBe(960);
    }
    expect(ofType(events, 'state').map(({ state }) => state)).toEqual(['connecting', 'connected', 'closed']);
    expect(ofType(events, 'error')).toEqual([]);
  });

  it('cuts: nothing queued is played, and numbering goes on from the first slot that was not', async () => {
    const channel = await server.open(webrtc);
    await using viewer = createWeriftViewer();
    const events: MediaEvent[] = [];
    channel.listen((event) => events.push(event));
    await viewer.connect((sdp) => channel.offer(sdp));
    await vi.waitFor(() => expect(ofType(events, 'ready')).toHaveLength(1), { timeout: 10_000 });

    for (let i = 0; i < 50; i++) channel.pushAudio(toneSlot(i, SAMPLE_RATE_HZ));
    await vi.waitFor(() => expect(ofType(events, 'played').length).toBeGreaterThan(3));
    const cutting = channel.cut();
    // Still numbered for what is being cut: left out.
    channel.pushAudio(toneSlot(50, SAMPLE_RATE_HZ));
    const { sequence: next } = await cutting;
    const before = ofType(events, 'played').map(({ sequence }) => sequence);
    for (let i = 0; i < 5; i++) channel.pushAudio(toneSlot(next + i, SAMPLE_RATE_HZ));
    await vi.waitFor(() => expect(ofType(events, 'played')).toHaveLength(before.length + 5));
    await channel.close();

    expect(next).toBe(before.length);
    expect(ofType(events, 'played').map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: next + 5 }, (_, i) => i),
    );
  });
});

describe('bad input', () => {
  it('is refused by name, and ends no session', async () => {
    const channel = await server.open(webrtc);
    const plain = await server.open(packets(null, 'opus'));

    await expect(channel.offer('nonsense')).rejects.toMatchObject({ code: 'webrtc_failed' });
    await expect(plain.offer('v=0')).rejects.toMatchObject({ code: 'bad_order' });
    await expect(server.open({ ...webrtc, sampleRateHz: 22_050 })).rejects.toMatchObject({ code: 'unsupported_media' });
    expect(() => channel.pushAudio({ sequence: 0, speaking: true, pcm: new Float32Array(641) })).toThrow(RangeError);
    expect(() => channel.pushVideo(barFrame(0, SIZE / 2))).toThrow(RangeError);
    expect(await channel.cut()).toEqual({ sequence: 0, heardMs: 0 });
    await Promise.all([channel.close(), plain.close()]);
    await expect(channel.cut()).rejects.toMatchObject({ code: 'bad_order' });
  });
});

describe('the thread', () => {
  it('tells every channel when it dies, and is started again for the next session', async () => {
    const workers: Worker[] = [];
    const own = await createMediaServer({}, (options) => {
      workers.push(startMediaWorker(options));
      return workers.at(-1) as Worker;
    });
    const channel = await own.open(packets(null, 'pcm_s16le'));
    const events: MediaEvent[] = [];
    channel.listen((event) => events.push(event));

    await workers[0]?.terminate();
    await vi.waitFor(() => expect(events.at(-1)).toEqual({ type: 'state', state: 'closed' }), { timeout: 5000 });
    await expect(channel.cut()).rejects.toMatchObject({ code: 'internal' });
    await channel.close();
    const next = await own.open(packets(null, 'pcm_s16le'));
    const played: MediaEvent[] = [];
    next.listen((event) => played.push(event));
    next.pushAudio(toneSlot(0, SAMPLE_RATE_HZ));
    await vi.waitFor(() => expect(ofType(played, 'played')).toHaveLength(1));
    await own.close();

    expect(ofType(events, 'error')).toHaveLength(1);
    await expect(own.open(webrtc)).rejects.toMatchObject({ code: 'shutting_down' });
  });
});
