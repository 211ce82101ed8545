import { describe, expect, it } from 'vitest';
import { LatencyMeter } from '../../client/page/latency.ts';

describe('LatencyMeter', () => {
  it('measures the first sound and the first frame of a text', () => {
    const meter = new LatencyMeter();
    meter.sent('u1', 1000);
    expect(meter.played('sound', 4960, 1100)).toBeNull();
    meter.started('u1', 5000);
    expect(meter.played('face', 4960, 1260)).toBeNull();
    expect(meter.played('sound', 5005, 1290)).toBe(290);
    expect(meter.played('sound', 5025, 1310)).toBeNull();
    expect(meter.played('face', 5040, 1340)).toBe(340);
    expect(meter.played('face', 5080, 1380)).toBeNull();
  });

  it('measures one utterance at a time', () => {
    const meter = new LatencyMeter();
    meter.sent('u1', 0);
    meter.sent('u2', 500);
    meter.started('u2', 0);
    expect(meter.played('sound', 0, 600)).toBeNull();
    meter.finished('u1');
    meter.sent('u3', 700);
    meter.started('u3', 100);
    expect(meter.played('face', 100, 900)).toBe(200);
  });
});
