/**
 * What the work costs on this machine, as it is measured while it is done: means in which a call counts half after some thirty further
 * ones. Pure.
 */
import type { CallReport } from '../../models/inference.ts';

/** Weight of the newest. */
const NEWEST = 0.02;
/** Until so many are known each counts the same. */
const FIRST = 1 / NEWEST;

/** Weight of the newest second in what others leave of the processors. */
const NEWEST_SECOND = 0.2;

/** A running mean; null before the first value. */
class Mean {
  #count = 0;
  value: number | null = null;

  add(value: number): void {
    this.#count += 1;
    const weight = 1 / Math.min(this.#count, FIRST);
    this.value = (this.value ?? value) + weight * (value - (this.value ?? value));
  }
}

/** Processor time in workers, in ms; time by the clock where the system does not tell it. */
export interface ModelCosts {
  /** A step of the motion model. */
  readonly moveMs: number;
  /** A frame drawn. */
  readonly renderMs: number;
  /** A second of speech, text and sound. */
  readonly speechMs: number;
}

export class CostMeter {
  readonly #run = { move: new Mean(), render: new Mean(), encode: new Mean(), decode: new Mean(), read: new Mean() };
  readonly #mediaMs = new Mean();
  /** Windows decoded for a text that was encoded. */
  #windows = 0;
  readonly #windowsAText = new Mean();
  readonly #busyMs = new Map<string, number>();
  #lately = { runMs: 0, starvedMs: 0 };
  #starvedShare = 0;

  /** Notes a finished call. */
  report({ operation, thread, runMs, mediaMs, cpuMs, starvedMs }: CallReport): void {
    this.#run[operation].add(cpuMs ?? runMs);
    this.#lately.runMs += runMs;
    this.#lately.starvedMs += starvedMs ?? 0;
    this.#busyMs.set(thread, (this.#busyMs.get(thread) ?? 0) + runMs);
    if (operation === 'decode') {
      this.#mediaMs.add(mediaMs);
      this.#windows += 1;
    }
    if (operation === 'encode') {
      if (this.#windows > 0) this.#windowsAText.add(this.#windows);
      this.#windows = 0;
    }
  }

  /** Time that the threads whose names begin so have worked since they began, ms. */
  busyMs(pool: string): number {
    let sum = 0;
    for (const [thread, ms] of this.#busyMs) if (thread.startsWith(pool)) sum += ms;
    return sum;
  }

  /** A second has passed: what was starved in it counts with those before. */
  tick(): void {
    const { runMs, starvedMs } = this.#lately;
    const share = runMs > 0 ? Math.min(1, starvedMs / runMs) : 0;
    this.#starvedShare += NEWEST_SECOND * (share - this.#starvedShare);
    this.#lately = { runMs: 0, starvedMs: 0 };
  }

  /** Part of their time (0…1) in which workers could have run lately and others had the processors; forgotten when they rest. */
  get starvedShare(): number {
    return this.#starvedShare;
  }

  /** null until every part has been measured. */
  get costs(): ModelCosts | null {
    const { move, render, encode, decode } = this.#run;
    const mediaMs = this.#mediaMs.value;
    if (move.value === null || render.value === null || encode.value === null || decode.value === null || !mediaMs) {
      return null;
    }
    const windows = this.#windowsAText.value ?? this.#windows;
    const speechMs = (1000 * (decode.value + encode.value / Math.max(1, windows))) / mediaMs;
    return { moveMs: move.value, renderMs: render.value, speechMs };
  }
}
