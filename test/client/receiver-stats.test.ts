import { describe, expect, it } from 'vitest';
import { compareTotals, readTotals } from '../../client/library/receiver-stats.ts';

const report = (timestamp: number, framesDecoded: number, bytes: number) =>
  new Map([
    ['T1', { type: 'transport', timestamp, bytesReceived: 10 * bytes }],
    [
      'A',
      {
        type: 'inbound-rtp',
        kind: 'audio',
        timestamp,
        bytesReceived: bytes,
        estimatedPlayoutTimestamp: 9012,
        jitterBufferDelay: 48 * timestamp * 0.05,
        jitterBufferEmittedCount: 48 * timestamp,
      },
    ],
    [
      'V',
      {
        type: 'inbound-rtp',
        kind: 'video',
        timestamp,
        framesDecoded,
        bytesReceived: bytes,
        estimatedPlayoutTimestamp: 9000,
      },
    ],
  ]);

describe('receiver figures', () => {
  it('gives rates between two reports, and the skew of the last', () => {
    const before = readTotals(report(1000, 100, 10_000));
    const now = readTotals(report(3000, 150, 60_000));
    expect(compareTotals(before, now)).toEqual({
      fps: 25,
      bitrateBps: 400_000,
      skewMs: 12,
      framesDropped: 0,
      audioDelayMs: expect.closeTo(50, 6),
    });
  });

  it('gives nothing when no time has passed', () => {
    const totals = readTotals(report(1000, 1, 1));
    expect(compareTotals(totals, totals)).toBeNull();
  });

  it('knows no skew before the first sender report', () => {
    const empty = readTotals(new Map());
    expect(empty).toMatchObject({ framesDecoded: 0, audioPlayoutMs: null });
    expect(compareTotals(empty, { ...empty, atMs: 1000 })?.skewMs).toBeNull();
  });
});
