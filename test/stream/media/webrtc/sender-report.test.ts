import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import {
  compactNtp,
  fromNtp,
  roundTripMs,
  senderReportIntervalMs,
  senderTimestamps,
  toNtp,
} from '../../../../src/stream/media/webrtc/sender-report.ts';

const wallMs = fc.double({ min: 0, max: 2_000_000_000_000, noNaN: true });

describe('sender reports', () => {
  it('write wall time as NTP time exactly', () => {
    // RFC 5905 §6: the Unix epoch is second 2,208,988,800 of the NTP era.
    expect(toNtp(0)).toBe(2_208_988_800n << 32n);
    expect(toNtp(1500)).toBe((2_208_988_801n << 32n) | 0x8000_0000n);
    fc.assert(fc.property(wallMs, (ms) => Math.abs(fromNtp(toNtp(ms)) - ms) < 0.001));
  });

  it('tell the real wall time, to less than 5 ms', () => {
    const startMs = systemClock.nowMs();
    const startWallMs = systemClock.wallMs();
    // The best of many: the process may be held up between the two readings.
    const errorsMs = Array.from({ length: 50 }, () => {
      const { ntp } = senderTimestamps({ startWallMs, rtpBase: 0, rateHz: 48_000 }, systemClock.nowMs() - startMs);
      return Math.abs(fromNtp(ntp) - Date.now());
    });

    expect(Math.min(...errorsMs)).toBeLessThan(5);
  });

  it('map a media time to the same wall time in both tracks, whatever their RTP base', () => {
    const base = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(
        wallMs,
        base,
        base,
        fc.double({ min: 0, max: 10 ** 9, noNaN: true }),
        (startWallMs, audioBase, videoBase, mediaMs) => {
          const audio = senderTimestamps({ startWallMs, rtpBase: audioBase, rateHz: 48_000 }, mediaMs);
          const video = senderTimestamps({ startWallMs, rtpBase: videoBase, rateHz: 90_000 }, mediaMs);
          const ticks = (rtp: number, rtpBase: number) => (rtp - rtpBase + 2 ** 32) % 2 ** 32;

          expect(audio.ntp).toBe(video.ntp);
          expect(Math.abs(ticks(audio.rtp, audioBase) - (Math.round(mediaMs * 48) % 2 ** 32))).toBeLessThanOrEqual(1);
          expect(Math.abs(ticks(video.rtp, videoBase) - (Math.round(mediaMs * 90) % 2 ** 32))).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('come every 200 ms for 2 s and then every second', () => {
    expect([0, 1999, 2000, 10 ** 6].map(senderReportIntervalMs)).toEqual([200, 200, 1000, 1000]);
  });
});

describe('round trip', () => {
  it('follows the example of RFC 3550 §6.4.1', () => {
    // A = b710:8000, LSR = b705:2000, DLSR = 0005:4000: 6.125 s.
    expect(roundTripMs(0xb710_8000n << 16n, 0xb705_2000, 0x0005_4000)).toBe(6125);
    expect(compactNtp(0x1234_b710_8000_5678n)).toBe(0xb710_8000);
  });

  it('is unknown before the receiver saw a report, and never negative', () => {
    expect(roundTripMs(0n, 0, 0)).toBeNull();
    expect(roundTripMs(1n << 16n, 2, 0)).toBe(0);
  });
});
