/** One timer for all sessions of the media thread: wakes at the earliest deadline and lets every session send what is due. */
import type { Cancel, Clock } from '../../clock.ts';

/** Something that has deadlines. Deadlines are absolute, so lateness of one wake-up does not add to the next. */
export interface Paced {
  /** On the clock's `nowMs`; null: nothing to wait for. */
  nextDueMs(): number | null;
  /** Does everything that is due. Must not throw. */
  process(nowMs: number): void;
}

export class Pacer {
  readonly #clock: Clock;
  readonly #members = new Set<Paced>();
  #timer: { readonly dueMs: number; readonly cancel: Cancel } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(member: Paced): void {
    this.#members.add(member);
    this.wake(member);
  }

  remove(member: Paced): void {
    this.#members.delete(member);
  }

  /** A member's deadline may have come nearer (something was pushed): processes it now and sets the timer anew. */
  wake(member: Paced): void {
    if (!this.#members.has(member)) return;
    member.process(this.#clock.nowMs());
    this.#arm();
  }

  #run(): void {
    this.#timer = null;
    for (const member of this.#members) {
      const dueMs = member.nextDueMs();
      // Read anew for each: the ones before have taken their time.
      const nowMs = this.#clock.nowMs();
      if (dueMs !== null && dueMs <= nowMs) member.process(nowMs);
    }
    this.#arm();
  }

  #arm(): void {
    let dueMs = Infinity;
    for (const member of this.#members) dueMs = Math.min(dueMs, member.nextDueMs() ?? Infinity);
    if (this.#timer !== null && this.#timer.dueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timer = dueMs === Infinity ? null : { dueMs, cancel: this.#clock.at(dueMs, () => this.#run()) };
  }
}
