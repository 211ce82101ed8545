import { describe, expect, it } from 'vitest';
import { LatencyMeter } from '../../client/latency.ts';

describe('LatencyMeter', () => {
  it('measures the first frame and the sound that belongs to it', () => {
    const meter = new LatencyMeter();
    meter.sent('u1', 1000);
    expect(meter.shown(4960, 1100, 0)).toBeNull();
    meter.started('u1', 5000);
    expect(meter.shown(4960, 1260, 0)).toBeNull();
    expect(meter.shown(5040, 1340, 10)).toEqual({ soundMs: 290, faceMs: 340 });
    expect(meter.shown(5080, 1380, 10)).toBeNull();
  });

  it('measures one utterance at a time', () => {
    const meter = new LatencyMeter();
    meter.sent('u1', 0);
    meter.sent('u2', 500);
    meter.started('u2', 0);
    expect(meter.shown(0, 600, 0)).toBeNull();
    meter.finished('u1');
    meter.sent('u3', 700);
    meter.started('u3', 100);
    expect(meter.shown(100, 900, 0)).toEqual({ soundMs: 200, faceMs: 200 });
  });
});
