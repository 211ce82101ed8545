import type { RtcpSrPacket } from 'werift';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { MediaServer } from '../../../src/stream/media/media-channel.ts';
import { createMediaServer } from '../../../src/stream/media/media-client.ts';
import { fromNtp } from '../../../src/stream/media/webrtc/sender-report.ts';
import { feed } from '../../support/media-feed.ts';
import { createWeriftViewer } from '../../support/werift-viewer.ts';

const RTP_BASE = { audio: 4_294_960_000, video: 77 };
const RATE_HZ = { audio: 48_000, video: 90_000 };

let server: MediaServer;
beforeAll(async () => {
  server = await createMediaServer();
});
afterAll(() => server?.close());

/** How far a report's wall time is from that of its media time, ms. */
const errorMs = (report: RtcpSrPacket, kind: 'audio' | 'video', startWallMs: number): number => {
  const { ntpTimestamp, rtpTimestamp } = report.senderInfo;
  const ticks = (rtpTimestamp - RTP_BASE[kind] + 2 ** 32) % 2 ** 32;
  return fromNtp(ntpTimestamp) - (startWallMs + (1000 * ticks) / RATE_HZ[kind]);
};

it('maps media time to wall time in every sender report of both tracks, to less than 3 ms', async () => {
  const viewer = createWeriftViewer();
  const channel = await server.open({
    transport: { kind: 'webrtc', rtpBase: RTP_BASE },
    sampleRateHz: 16_000,
    video: { size: 64, bitrateBps: 100_000 },
    fillIdle: true,
  });
  const { events, stop } = feed(channel, { sampleRateHz: 16_000, size: 64 });
  await viewer.connect((sdp) => channel.offer(sdp));
  await vi.waitFor(() => expect(viewer.reports.length).toBeGreaterThan(15), { timeout: 40_000 });
  stop();

  const ready = events.find((event) => event.type === 'ready');
  // The clocks of all threads are the same; the wall clock tells whole milliseconds only.
  const offsets = Array.from({ length: 1000 }, () => systemClock.wallMs() - systemClock.nowMs());
  const startWallMs = (ready?.startMs ?? NaN) + Math.max(...offsets);
  const ssrcOf = (kind: 'audio' | 'video') => viewer.rtp[kind][0]?.header.ssrc;
  const errors = viewer.reports.map((report) =>
    errorMs(report, report.ssrc === ssrcOf('audio') ? 'audio' : 'video', startWallMs),
  );
  await Promise.all([channel.close(), viewer[Symbol.asyncDispose]()]);
  expect(new Set(viewer.reports.map(({ ssrc }) => ssrc))).toEqual(new Set([ssrcOf('audio'), ssrcOf('video')]));
  // A millisecond is the wall clock's own precision.
  expect(Math.max(...errors.map(Math.abs))).toBeLessThan(3);
  // One clock for both: to the precision of the timestamps.
  expect(Math.max(...errors) - Math.min(...errors)).toBeLessThan(0.1);
});
