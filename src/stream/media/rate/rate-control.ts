/**
 * How much may be sent: Google congestion control in short (draft-ietf-rmcat-gcc-02). By delay (§5): additive or
 * multiplicative increase while the queue on the way does not grow, a cut below what arrives when it does. By loss (§6): a cut
 * when more than a tenth is lost, unless cuts do not help, as on a radio link: such loss is the way's own. The lower of both
 * counts. Pure: time comes in.
 */
import { DelayTrend } from './delay-trend.ts';
import type { PacketResult } from './sent-packets.ts';

/** §5.5: after over-use the rate falls below what came through, so that the queue empties. */
const CUT = 0.85;
/** When little of the rate is used, what comes through says little: cuts are small then, and need the queue to last. */
const UNUSED_CUT = 0.8;
const UNUSED_CUT_INTERVAL_MS = 500;
/** §5.5: growth a second, far from the last known limit. */
const GROWTH_PER_SECOND = 1.08;
/** Growth near the last known limit, about one packet in the time in which the effect of a change is seen. */
const STEP_BITS = 9600;
const RESPONSE_MS = 100;
/** Cuts follow each other only when the one before could have its effect. */
const LEAST_CUT_INTERVAL_MS = 200;
/** What is sent and what arrives is measured over this time. */
const WINDOW_MS = 500;
/** A rate of which less is used says nothing about the way: it grows slowly. */
const USED = 0.6;
const UNUSED_GROWTH_PER_SECOND = 1.04;
/** Weight of the newest limit in their mean. */
const NEWEST_LIMIT = 0.05;
/** A limit is near within so many of its deviations. */
const NEAR_DEVIATIONS = 3;
/** §6: shares of loss below which the rate may grow, and above which it falls. */
const LITTLE_LOSS = 0.02;
const MUCH_LOSS = 0.1;
const LOSS_INTERVAL_MS = 500;
/** Fewer packets say nothing about the share that is lost. */
const LEAST_PACKETS = 20;
const NEWEST_LOSS = 0.3;
const LOSS_GROWTH_PER_SECOND = 1.1;
/** After a fall by so much it is seen whether the rate was the cause of the loss. */
const LOSS_TRIAL = 0.75;
const LOSS_TRIAL_MS = 2000;
/** More loss than this is never taken for the way's own. */
const MOST_OWN_LOSS = 0.25;
const OWN_LOSS_DECAY = 0.1;
/** Feedback that comes after such a pause tells of an outage, and nothing about how much the way carries. */
const OUTAGE_MS = 1000;

export interface RateControlOptions {
  readonly startBps: number;
  readonly minBps: number;
  readonly maxBps: number;
}

/** All rates in bits a second on the wire, headers of IP and UDP counted. */
export class RateControl {
  readonly #options: RateControlOptions;
  readonly #trend = new DelayTrend();
  #delayBps: number;
  #lossBps: number;
  #arrived: Passage[] = [];
  #sent: Passage[] = [];
  #limit: { readonly meanBps: number; readonly variance: number } | null = null;
  #roundTripMs = 100;
  #lastMs: number | null = null;
  #lastCutMs = -Infinity;
  #counted = { sinceMs: 0, packets: 0, lost: 0 };
  #lossFraction = 0;
  /** Loss that does not come from the rate. */
  #ownLoss = 0;
  #trial: { readonly fromBps: number; readonly loss: number; cutMs: number | null } | null = null;

  constructor(options: RateControlOptions) {
    this.#options = options;
    this.#delayBps = options.startBps;
    this.#lossBps = options.startBps;
  }

  /** What may be sent now. */
  get targetBps(): number {
    return Math.round(Math.min(this.#delayBps, this.#lossBps));
  }

  /** Share of packets lost lately, 0…1. */
  get lossFraction(): number {
    return this.#lossFraction;
  }

  /** What arrived lately; null: nothing is known. */
  get arrivedBps(): number | null {
    return rateOf(this.#arrived);
  }

  /** Takes the round trip, ms, from a receiver report. */
  roundTrip(ms: number): void {
    this.#roundTripMs = ms;
  }

  /**
   * Takes what feedback that came at `nowMs` tells.
   * @param isStarved - the machine gives its programs little time: then delays tell of it, and not of the way.
   */
  feedback(results: readonly PacketResult[], nowMs: number, isStarved = false): void {
    if (results.length === 0) return;
    const passedMs = nowMs - (this.#lastMs ?? nowMs);
    this.#lastMs = nowMs;
    if (passedMs > OUTAGE_MS) {
      this.#trend.reset();
      this.#arrived = [];
      this.#sent = [];
      this.#counted = { sinceMs: nowMs, packets: 0, lost: 0 };
      return;
    }
    for (const { sentMs, arrivalMs, bytes, recovered } of results.toSorted((a, b) => a.sentMs - b.sentMs)) {
      if (!recovered) this.#sent = passed(this.#sent, sentMs, bytes);
      if (arrivalMs === null) continue;
      this.#trend.add(sentMs, arrivalMs);
      this.#arrived = passed(this.#arrived, arrivalMs, bytes);
    }
    if (isStarved) this.#trend.reset();
    else this.#byDelay(nowMs, passedMs);
    this.#byLoss(results, nowMs);
  }

  #byDelay(nowMs: number, passedMs: number): void {
    const arrivedBps = this.arrivedBps;
    switch (this.#trend.state) {
      case 'overuse':
        this.#cutByDelay(nowMs, arrivedBps);
        break;
      case 'normal':
        this.#grow(passedMs, arrivedBps);
        break;
      case 'underuse':
        // The queue empties: growing now would fill it again.
        break;
    }
  }

  #cutByDelay(nowMs: number, arrivedBps: number | null): void {
    const isUnused = this.#isUnused();
    const intervalMs = isUnused ? UNUSED_CUT_INTERVAL_MS : LEAST_CUT_INTERVAL_MS;
    if (nowMs - this.#lastCutMs < Math.max(intervalMs, this.#roundTripMs)) return;
    this.#lastCutMs = nowMs;
    if (isUnused || arrivedBps === null) {
      this.#delayBps = this.#bounded(UNUSED_CUT * this.#delayBps);
      return;
    }
    this.#learnLimit(arrivedBps);
    this.#delayBps = this.#bounded(Math.min(this.#delayBps, CUT * arrivedBps));
  }

  #isUnused(): boolean {
    const sentBps = rateOf(this.#sent);
    return sentBps !== null && sentBps < USED * this.targetBps;
  }

  #grow(passedMs: number, arrivedBps: number | null): void {
    const seconds = passedMs / 1000;
    const isUnused = this.#isUnused();
    this.#delayBps = this.#bounded(
      this.#isNearLimit(arrivedBps)
        ? this.#delayBps + (STEP_BITS * passedMs) / (2 * (this.#roundTripMs + RESPONSE_MS))
        : this.#delayBps * (isUnused ? UNUSED_GROWTH_PER_SECOND : GROWTH_PER_SECOND) ** seconds,
    );
  }

  /** Mean and deviation of the rates at which the way was full (§5.5). */
  #learnLimit(bps: number): void {
    const known = this.#limit;
    if (known === null || Math.abs(bps - known.meanBps) > NEAR_DEVIATIONS * Math.sqrt(known.variance)) {
      this.#limit = { meanBps: bps, variance: (0.1 * bps) ** 2 };
      return;
    }
    const error = bps - known.meanBps;
    this.#limit = {
      meanBps: known.meanBps + NEWEST_LIMIT * error,
      variance: Math.max((0.02 * bps) ** 2, (1 - NEWEST_LIMIT) * known.variance + NEWEST_LIMIT * error ** 2),
    };
  }

  #isNearLimit(arrivedBps: number | null): boolean {
    const limit = this.#limit;
    if (limit === null) return false;
    const nearBps = NEAR_DEVIATIONS * Math.sqrt(limit.variance);
    if (arrivedBps !== null && arrivedBps > limit.meanBps + nearBps) {
      // The way carries more than was known.
      this.#limit = null;
      return false;
    }
    return this.#delayBps > limit.meanBps - nearBps;
  }

  #byLoss(results: readonly PacketResult[], nowMs: number): void {
    const counted = this.#counted;
    for (const { arrivalMs, recovered } of results) {
      if (!recovered) counted.packets += 1;
      if (arrivalMs === null) counted.lost += 1;
      else if (recovered) counted.lost -= 1;
    }
    const passedMs = nowMs - counted.sinceMs;
    if (passedMs < LOSS_INTERVAL_MS || counted.packets < LEAST_PACKETS) return;
    const loss = Math.max(0, counted.lost) / counted.packets;
    this.#lossFraction += NEWEST_LOSS * (loss - this.#lossFraction);
    this.#counted = { sinceMs: nowMs, packets: 0, lost: 0 };
    this.#ownLoss += OWN_LOSS_DECAY * (Math.min(this.#ownLoss, this.#lossFraction) - this.#ownLoss);
    const excess = this.#lossFraction - this.#ownLoss;
    if (excess > MUCH_LOSS) this.#cutByLoss(this.#lossFraction, nowMs);
    else if (excess < LITTLE_LOSS) {
      this.#trial = null;
      const seconds = Math.min(passedMs, OUTAGE_MS) / 1000;
      this.#lossBps = this.#bounded(this.#lossBps * LOSS_GROWTH_PER_SECOND ** seconds);
    }
  }

  #cutByLoss(loss: number, nowMs: number): void {
    const targetBps = this.targetBps;
    if (loss <= MOST_OWN_LOSS) {
      this.#trial ??= { fromBps: targetBps, loss, cutMs: null };
      const trial = this.#trial;
      if (targetBps <= LOSS_TRIAL * trial.fromBps) {
        trial.cutMs ??= nowMs;
        if (nowMs - trial.cutMs < LOSS_TRIAL_MS) return;
        this.#trial = null;
        // What would be lost now if the way had carried all it can before.
        const expected = Math.max(0, 1 - ((1 - trial.loss) * trial.fromBps) / targetBps);
        if (loss > (expected + trial.loss) / 2) {
          this.#ownLoss = loss;
          return;
        }
      }
    }
    this.#lossBps = this.#bounded(targetBps * (1 - 0.5 * loss));
  }

  #bounded(bps: number): number {
    const { minBps, maxBps } = this.#options;
    return Math.min(maxBps, Math.max(minBps, bps));
  }
}

/** Bytes that passed a place. */
interface Passage {
  readonly atMs: number;
  readonly bytes: number;
}

/** What passed within the window that ends now. */
const passed = (before: readonly Passage[], atMs: number, bytes: number): Passage[] => {
  const lastMs = before.at(-1)?.atMs ?? atMs;
  if (Math.abs(atMs - lastMs) > OUTAGE_MS) return [{ atMs, bytes }];
  const nowMs = Math.max(atMs, lastMs);
  return [...before.filter((passage) => nowMs - passage.atMs <= WINDOW_MS), { atMs: nowMs, bytes }];
};

/** Bits a second; null: too little has passed to tell. */
const rateOf = (passages: readonly Passage[]): number | null => {
  const first = passages[0];
  const last = passages.at(-1);
  if (first === undefined || last === undefined || last.atMs - first.atMs < WINDOW_MS / 2) return null;
  const bytes = passages.reduce((sum, passage) => sum + passage.bytes, 0) - first.bytes;
  return (8000 * bytes) / (last.atMs - first.atMs);
};
