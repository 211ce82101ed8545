import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateControl } from '../../../../src/stream/media/rate/rate-control.ts';
import { fullRateBps, leastRateBps, SendPlan } from '../../../../src/stream/media/rate/send-plan.ts';
import { SentPackets } from '../../../../src/stream/media/rate/sent-packets.ts';
import { Impairment, type ImpairmentOptions } from '../../../support/network/impairment.ts';

const VIDEO_BPS = 500_000;
const FEEDBACK_MS = 100;
const STEP_MS = 20;

interface Second {
  readonly targetBps: number;
  readonly sentBps: number;
  readonly arrivedBps: number;
  /** Longest that a packet which arrived in this second was on its way. */
  readonly delayMs: number;
  readonly videoBps: number;
  readonly opusBps: number;
}

/** A session that sends what its plan says over the given network, second by second; no real time passes. */
const simulate = (network: (second: number) => ImpairmentOptions, seconds: number, seed = 1): readonly Second[] => {
  const impairment = new Impairment(seed, 1);
  const control = new RateControl({
    startBps: fullRateBps(VIDEO_BPS),
    minBps: leastRateBps(VIDEO_BPS),
    maxBps: fullRateBps(VIDEO_BPS),
  });
  const plan = new SendPlan(VIDEO_BPS);
  const sent = new SentPackets();
  const way: {
    readonly sequenceNumber: number;
    readonly sentMs: number;
    readonly dueMs: number;
    readonly bytes: number;
  }[] = [];
  let pending: { readonly sequenceNumber: number; readonly arrivalMs: number }[] = [];
  let reported = 0;
  const result: Second[] = [];
  for (let second = 0; second < seconds; second++) {
    impairment.set(network(second));
    let sentBits = 0;
    let arrivedBits = 0;
    let delayMs = 0;
    const send = (nowMs: number, bytes: number) => {
      const sequenceNumber = sent.add(nowMs, bytes);
      sentBits += 8 * bytes;
      for (const dueMs of impairment.pass(nowMs, bytes - 28)) way.push({ sequenceNumber, sentMs: nowMs, dueMs, bytes });
    };
    for (let nowMs = second * 1000; nowMs < (second + 1) * 1000; nowMs += STEP_MS) {
      const { video, opusBps, soundTwice } = plan.sending;
      send(nowMs, 66 + ((soundTwice ? 2 : 1) * opusBps * 0.02) / 8);
      if (video !== null && nowMs % (40 * video.everyFrames) === 0) {
        const frameBytes = (video.bitrateBps * 0.04 * video.everyFrames) / 8;
        const packets = Math.ceil(frameBytes / 1100);
        for (let i = 0; i < packets; i++) send(nowMs, 66 + frameBytes / packets);
      }
      way.sort((a, b) => a.dueMs - b.dueMs);
      for (let next = way[0]; next !== undefined && next.dueMs <= nowMs; next = way[0]) {
        way.shift();
        pending.push({ sequenceNumber: next.sequenceNumber, arrivalMs: next.dueMs });
        arrivedBits += 8 * next.bytes;
        delayMs = Math.max(delayMs, next.dueMs - next.sentMs);
      }
      if (nowMs % FEEDBACK_MS !== 0 || pending.length === 0) continue;
      const arrivals = new Map(pending.map((packet) => [packet.sequenceNumber, packet.arrivalMs]));
      const last = Math.max(...arrivals.keys());
      const first = Math.min(reported, ...arrivals.keys());
      control.feedback(
        sent.resolve(
          Array.from({ length: last - first + 1 }, (_, i) => ({
            sequenceNumber: (first + i) % 65_536,
            arrivalMs: arrivals.get(first + i) ?? null,
          })),
        ),
        nowMs,
      );
      reported = last + 1;
      pending = [];
      plan.fit(control.targetBps, control.lossFraction, nowMs);
    }
    const { video, opusBps } = plan.sending;
    result.push({
      targetBps: control.targetBps,
      sentBps: sentBits,
      arrivedBps: arrivedBits,
      delayMs,
      videoBps: video?.bitrateBps ?? 0,
      opusBps,
    });
  }
  return result;
};

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('rate control', () => {
  it('keeps everything on a way that carries it, with delay, jitter and a little loss', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 150 }),
        fc.integer({ min: 0, max: 15 }),
        fc.nat(),
        (delayMs, jitterMs, seed) => {
          const seconds = simulate(() => ({ delayMs: delayMs + jitterMs, jitterMs, loss: 0.01 }), 30, seed);

          expect(mean(seconds.slice(10).map(({ videoBps }) => videoBps))).toBeGreaterThan(0.6 * VIDEO_BPS);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('finds the rate of any narrow way, uses most of it and keeps its queue short', () => {
    fc.assert(
      fc.property(fc.integer({ min: 150_000, max: 500_000 }), fc.integer({ min: 5, max: 80 }), (rateBps, delayMs) => {
        const seconds = simulate(() => ({ rateBps, delayMs, queueMs: 1000 }), 40).slice(10);

        expect(mean(seconds.map(({ arrivedBps }) => arrivedBps))).toBeGreaterThan(0.45 * rateBps);
        // What waits on the way, beside the way itself, most of the time.
        const queues = seconds.map((second) => second.delayMs - delayMs).toSorted((a, b) => a - b);
        expect(queues[Math.floor(0.75 * queues.length)]).toBeLessThan(300);
        if (rateBps > 200_000) expect(seconds.every(({ opusBps }) => opusBps === 32_000)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('lets the picture give way first, its size and frames next, and sound at the very last', () => {
    const levels = new Map<number, SendPlan>();
    for (let bps = 600_000; bps >= 40_000; bps -= 5000) {
      const plan = new SendPlan(VIDEO_BPS);
      plan.fit(bps, 0, 10_000);
      plan.fit(bps, 0, 20_000);
      levels.set(bps, plan);
    }
    const sendings = [...levels.values()].map((plan) => plan.sending);

    for (const [i, sending] of sendings.entries()) {
      const before = sendings[i - 1] ?? sending;
      expect(sending.video?.bitrateBps).toBeLessThanOrEqual(before.video?.bitrateBps ?? 0);
      expect(sending.opusBps).toBeLessThanOrEqual(before.opusBps);
      if (sending.opusBps < 32_000) expect(sending.video).toMatchObject({ bitrateBps: 0.06 * VIDEO_BPS, shrink: 2 });
    }
    expect(sendings[0]).toMatchObject({ video: { bitrateBps: VIDEO_BPS, everyFrames: 1, shrink: 1 }, opusBps: 32_000 });
    expect(sendings.at(-1)?.opusBps).toBe(16_000);
  });

  it('sends sound twice while packets are lost, when that fits beside sound and a face that moves', () => {
    const plan = new SendPlan(VIDEO_BPS);
    const at = (loss: number, nowMs: number, bps = 600_000) => {
      plan.fit(bps, loss, nowMs);
      return plan.sending.soundTwice;
    };

    expect(at(0.015, 0)).toBe(false);
    expect(at(0.03, 1000)).toBe(true);
    // Not by turns at a loss that comes and goes.
    expect(at(0, 5000)).toBe(true);
    expect(at(0.015, 20_000)).toBe(true);
    expect(at(0, 20_500)).toBe(false);
    expect(at(0.2, 30_000, leastRateBps(VIDEO_BPS))).toBe(false);
    expect(plan.sending.opusBps).toBe(32_000);
  });

  it('comes back when the way is wide again', () => {
    const seconds = simulate(
      (second) => (second >= 10 && second < 25 ? { rateBps: 200_000, delayMs: 20 } : { delayMs: 20 }),
      60,
    );

    expect(seconds[23]?.videoBps).toBeLessThanOrEqual(0.35 * VIDEO_BPS);
    expect(seconds[59]?.videoBps).toBeGreaterThanOrEqual(0.7 * VIDEO_BPS);
  });

  it('does not give way to loss that giving way does not help', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 22 }), fc.nat(), (percent, seed) => {
        const seconds = simulate(() => ({ delayMs: 40, loss: percent / 100 }), 60, seed).slice(20);

        expect(mean(seconds.map(({ videoBps }) => videoBps))).toBeGreaterThan(0.25 * VIDEO_BPS);
      }),
      { numRuns: 20 },
    );
  });

  it('gives way to loss when nothing waits on the way, down to its least', () => {
    const policed = simulate(() => ({ delayMs: 40, rateBps: 200_000, queueMs: 60 }), 40).slice(20);
    const hopeless = simulate(() => ({ delayMs: 40, loss: 0.6 }), 40);

    const sent = mean(policed.map(({ sentBps }) => sentBps));
    expect(sent).toBeLessThan(1.25 * 200_000);
    expect(mean(policed.map(({ arrivedBps }) => arrivedBps))).toBeGreaterThan(100_000);
    expect(hopeless.at(-1)?.targetBps).toBe(Math.round(leastRateBps(VIDEO_BPS)));
  });

  it('does not take a busy machine for a narrow way', () => {
    const control = new RateControl({ startBps: 500_000, minBps: 50_000, maxBps: 500_000 });
    const results = (nowMs: number) =>
      Array.from({ length: 10 }, (_, i) => {
        const sentMs = nowMs + 10 * i;
        // Each packet is later than the one before.
        return { sentMs, arrivalMs: 1.5 * sentMs, bytes: 500, recovered: false };
      });

    for (let nowMs = 0; nowMs < 3000; nowMs += 100) control.feedback(results(nowMs), nowMs, true);
    expect(control.targetBps).toBe(500_000);
    for (let nowMs = 3000; nowMs < 6000; nowMs += 100) control.feedback(results(nowMs), nowMs);
    expect(control.targetBps).toBeLessThan(450_000);
  });

  it('takes an outage for an outage', () => {
    const seconds = simulate((second) => ({ delayMs: 20, loss: second >= 10 && second < 13 ? 1 : 0 }), 20);

    expect(seconds.at(-1)?.videoBps).toBe(VIDEO_BPS);
  });
});
