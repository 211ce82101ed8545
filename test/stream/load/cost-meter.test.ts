import { describe, expect, test } from 'vitest';
import type { CallReport } from '../../../src/models/inference.ts';
import { CostMeter } from '../../../src/stream/load/cost-meter.ts';
import { RestMeter } from '../../../src/stream/load/rest-meter.ts';

const call = (given: Partial<CallReport>): CallReport => ({
  operation: 'render',
  thread: 'face-1',
  waitedMs: 0,
  runMs: 20,
  cpuMs: 10,
  starvedMs: 10,
  mediaMs: 0,
  ...given,
});

describe('the cost of models', () => {
  test('is unknown until every part has been measured, and then processor time, not what others took', () => {
    const meter = new CostMeter();
    meter.report(call({}));
    meter.report(call({ operation: 'move', cpuMs: 1 }));
    meter.report(call({ operation: 'encode', cpuMs: 12 }));
    const before = meter.costs;
    for (let i = 0; i < 3; i += 1) meter.report(call({ operation: 'decode', cpuMs: 20, mediaMs: 500 }));

    expect(before).toBeNull();
    // Of 1.5 s of speech: 12 ms of text and 60 ms of sound.
    expect(meter.costs).toEqual({ renderMs: 10, moveMs: 1, speechMs: 48 });
  });

  test('follows a machine that gets slower within some fifty calls', () => {
    const meter = new CostMeter();
    for (const operation of ['move', 'encode', 'decode'] as const) meter.report(call({ operation, mediaMs: 100 }));
    for (let i = 0; i < 200; i += 1) meter.report(call({ cpuMs: 10 }));
    for (let i = 0; i < 100; i += 1) meter.report(call({ cpuMs: 30 }));

    expect(meter.costs?.renderMs).toBeGreaterThan(26);
  });

  test('knows how much of the processors others take, and forgets it when nothing runs', () => {
    const meter = new CostMeter();
    for (let second = 0; second < 20; second += 1) {
      meter.report(call({}));
      meter.tick();
    }
    const crowded = meter.starvedShare;
    for (let second = 0; second < 20; second += 1) meter.tick();

    expect(crowded).toBeCloseTo(0.5, 1);
    expect(meter.starvedShare).toBeLessThan(0.01);
    expect([meter.busyMs('face'), meter.busyMs('speech')]).toEqual([400, 0]);
  });
});

test('what the process spends beside models is laid on the sessions that are there', () => {
  const meter = new RestMeter();
  meter.look(0, 0, { pictures: 0, motion: 0, sound: 0 });
  meter.look(40, 1000, { pictures: 0, motion: 0, sound: 2 });
  meter.worked(300);
  meter.look(40 + 300 + 200, 2000, { pictures: 3, motion: 0, sound: 1 });

  expect(meter.costs).toEqual({ sound: 20, pictures: 60 });
});
