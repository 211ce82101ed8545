/**
 * Tells from the times at which packets left and came whether a queue on the way grows: the trendline filter and the over-use
 * detector of Google congestion control (draft-ietf-rmcat-gcc-02 §5, with the linear regression that took the place of its
 * Kalman filter; Carlucci et al., "Analysis and Design of the Google Congestion Control", MMSys 2016). Pure.
 */

/** Packets that leave within this time count as one group. */
const BURST_MS = 5;
/** Groups that the line is fitted to. */
const WINDOW_GROUPS = 20;
const SMOOTHING = 0.9;
const TREND_GAIN = 4;
const MAX_DELTAS = 60;
/** The threshold follows the trend slowly upwards and quickly downwards. */
const THRESHOLD_UP = 0.0087;
const THRESHOLD_DOWN = 0.039;
const THRESHOLD = { start: 12.5, least: 6, most: 600 } as const;
/** A trend so far beyond the threshold is a jump of the route and does not move the threshold. */
const MAX_EXCESS = 15;
const MAX_ADAPTATION_STEP_MS = 100;
/** What grows less within the window, from no queue at all, is the unrest of busy machines. */
const LEAST_GROWTH_MS = 30;
/** So much above the least delay a queue stands, however slowly it grows. */
const STANDING_MS = 25;
/** The least delay is forgotten at this rate: the clocks of both ends, and routes, may differ by it. */
const LEAST_RISE = 0.002;
/** How long the trend has to exceed the threshold. */
const OVERUSE_MS = 10;
/** After such a pause the past says nothing. */
const RESET_MS = 1000;

/** What the queue on the way does. */
export type DelayState = 'normal' | 'overuse' | 'underuse';

interface Group {
  readonly firstSentMs: number;
  lastSentMs: number;
  arrivalMs: number;
}

export class DelayTrend {
  #state: DelayState = 'normal';
  #group: Group | null = null;
  #before: Group | null = null;
  #points: { readonly atMs: number; readonly delayMs: number }[] = [];
  #firstArrivalMs = 0;
  #delayMs = 0;
  #smoothedMs = 0;
  #leastMs = 0;
  #deltas = 0;
  #threshold: number = THRESHOLD.start;
  #lastTrend = 0;
  #overuseMs = 0;
  #overuses = 0;
  #lastUpdateMs: number | null = null;

  get state(): DelayState {
    return this.#state;
  }

  /** Takes a packet that arrived, in the order of sending. Both times in ms, each on its own clock. */
  add(sentMs: number, arrivalMs: number): void {
    const group = this.#group;
    if (group === null) {
      this.#begin(sentMs, arrivalMs);
      return;
    }
    if (Math.abs(arrivalMs - group.arrivalMs) > RESET_MS || sentMs < group.firstSentMs) {
      this.reset();
      this.#begin(sentMs, arrivalMs);
      return;
    }
    if (sentMs - group.firstSentMs <= BURST_MS) {
      group.lastSentMs = Math.max(group.lastSentMs, sentMs);
      group.arrivalMs = Math.max(group.arrivalMs, arrivalMs);
      return;
    }
    if (this.#before !== null) this.#update(this.#before, group);
    this.#before = group;
    this.#begin(sentMs, arrivalMs);
  }

  /** Forgets what was seen; the threshold stays. */
  reset(): void {
    this.#state = 'normal';
    this.#group = null;
    this.#before = null;
    this.#points = [];
    this.#delayMs = 0;
    this.#smoothedMs = 0;
    this.#leastMs = 0;
    this.#deltas = 0;
    this.#lastTrend = 0;
    this.#overuseMs = 0;
    this.#overuses = 0;
    this.#lastUpdateMs = null;
  }

  #begin(sentMs: number, arrivalMs: number): void {
    this.#group = { firstSentMs: sentMs, lastSentMs: sentMs, arrivalMs };
  }

  #update(before: Group, group: Group): void {
    const sendDeltaMs = group.lastSentMs - before.lastSentMs;
    const variationMs = group.arrivalMs - before.arrivalMs - sendDeltaMs;
    if (this.#points.length === 0) this.#firstArrivalMs = group.arrivalMs;
    this.#deltas = Math.min(MAX_DELTAS, this.#deltas + 1);
    this.#delayMs += variationMs;
    this.#smoothedMs = SMOOTHING * this.#smoothedMs + (1 - SMOOTHING) * this.#delayMs;
    this.#leastMs = Math.min(this.#smoothedMs, this.#leastMs + LEAST_RISE * sendDeltaMs);
    this.#points.push({ atMs: group.arrivalMs - this.#firstArrivalMs, delayMs: this.#smoothedMs });
    if (this.#points.length > WINDOW_GROUPS) this.#points.shift();
    const trend = this.#points.length < WINDOW_GROUPS ? this.#lastTrend : slopeOf(this.#points);
    this.#detect(trend, sendDeltaMs, group.arrivalMs);
  }

  #detect(trend: number, sendDeltaMs: number, nowMs: number): void {
    const scaled = this.#deltas * trend * TREND_GAIN;
    const spanMs = (this.#points.at(-1)?.atMs ?? 0) - (this.#points[0]?.atMs ?? 0);
    const isQueue = trend * spanMs > LEAST_GROWTH_MS || this.#smoothedMs - this.#leastMs > STANDING_MS;
    if (scaled > this.#threshold && isQueue) {
      this.#overuseMs += this.#overuses === 0 ? sendDeltaMs / 2 : sendDeltaMs;
      this.#overuses += 1;
      if (this.#overuseMs > OVERUSE_MS && this.#overuses > 1 && trend >= this.#lastTrend) {
        this.#overuseMs = 0;
        this.#overuses = 0;
        this.#state = 'overuse';
      }
    } else {
      this.#overuseMs = 0;
      this.#overuses = 0;
      this.#state = scaled < -this.#threshold ? 'underuse' : 'normal';
    }
    this.#lastTrend = trend;
    this.#adapt(Math.abs(scaled), nowMs);
  }

  #adapt(scaled: number, nowMs: number): void {
    const passedMs = Math.min(MAX_ADAPTATION_STEP_MS, Math.max(0, nowMs - (this.#lastUpdateMs ?? nowMs)));
    this.#lastUpdateMs = nowMs;
    if (scaled > this.#threshold + MAX_EXCESS) return;
    const gain = scaled < this.#threshold ? THRESHOLD_DOWN : THRESHOLD_UP;
    const moved = this.#threshold + gain * (scaled - this.#threshold) * passedMs;
    this.#threshold = Math.min(THRESHOLD.most, Math.max(THRESHOLD.least, moved));
  }
}

/** Slope of the least-squares line, ms of delay per ms. */
const slopeOf = (points: readonly { readonly atMs: number; readonly delayMs: number }[]): number => {
  const meanAt = points.reduce((sum, { atMs }) => sum + atMs, 0) / points.length;
  const meanDelay = points.reduce((sum, { delayMs }) => sum + delayMs, 0) / points.length;
  let covariance = 0;
  let variance = 0;
  for (const { atMs, delayMs } of points) {
    covariance += (atMs - meanAt) * (delayMs - meanDelay);
    variance += (atMs - meanAt) ** 2;
  }
  return variance === 0 ? 0 : covariance / variance;
};
