/**
 * Who gives way when frames are late, and who may have more again. One step at a time, over all sessions: the one with the most picture
 * steps down, of all where the machine is busy, of those that are late where it is not; of those that were on time for long the
 * one with the least picture steps up, if its cost fits. Pure; time comes in.
 */

/** So many late frames within `WINDOW_MS`, and so large a share of all, are more than a hiccup. */
const MISSES = 3;
const MISSED_SHARE = 0.1;
const WINDOW_MS = 1000;
/** A step shows its effect after the frames that were under way: with many sessions, each step is a small one, and they follow faster. */
const SETTLE_MS = { longest: 1000, shortest: 100 } as const;
/** So long a session has to be on time before it steps up; a rise that did not hold doubles it for the next. */
const CLEAN_MS = 10_000;
const LONGEST_CLEAN_MS = 160_000;
/** A fall so soon after a rise says that the rise was wrong. */
const REGRET_MS = 5_000;
/** Between two rises of whichever sessions, so that each is seen before the next. */
const RISE_INTERVAL_MS = 2000;

interface Member {
  readonly order: number;
  readonly rungs: number;
  rung: number;
  /** Frames of the last second, and which were late. */
  frames: { readonly atMs: number; readonly isLate: boolean }[];
  /** When it began to be on time without a break, on this rung. */
  cleanSinceMs: number;
  cleanMs: number;
  /** When it rose last, and after how long on time. */
  roseMs: number;
  roseAfterMs: number;
}

/** What is known of the machine. */
export interface Machine<Id> {
  /** Whether those who draw have no time left: then whoever is late is so because of all. */
  readonly isBusy: boolean;
  /** Whether there is room for that rise. */
  fits(step: Step<Id>): boolean;
}

/** A session changes its rung. */
export interface Step<Id> {
  readonly id: Id;
  readonly from: number;
  readonly to: number;
}

export class LoadLadder<Id> {
  readonly #members = new Map<Id, Member>();
  #joined = 0;
  #settledMs = -Infinity;
  #roseMs = -Infinity;

  /** A session comes, on the uppermost rung of `rungs`. */
  join(id: Id, rungs: number, nowMs: number): void {
    this.#joined += 1;
    const order = this.#joined;
    this.#members.set(id, {
      order,
      rungs,
      rung: 0,
      frames: [],
      cleanSinceMs: nowMs,
      cleanMs: CLEAN_MS,
      roseMs: -Infinity,
      roseAfterMs: CLEAN_MS,
    });
  }

  leave(id: Id): void {
    this.#members.delete(id);
  }

  /** The rung that a session is on; 0 is the uppermost. */
  rungOf(id: Id): number {
    return this.#members.get(id)?.rung ?? 0;
  }

  /** A frame of a session was due. */
  frame(id: Id, isLate: boolean, nowMs: number): void {
    const member = this.#members.get(id);
    if (!member) return;
    member.frames.push({ atMs: nowMs, isLate });
    if (isLate) member.cleanSinceMs = nowMs;
  }

  /** Sound of a session was late, which weighs as much as all the frames that are needed for a step. */
  gap(id: Id, nowMs: number): void {
    for (let i = 0; i < MISSES; i += 1) this.frame(id, true, nowMs);
  }

  /** The next step, if one is due. Ask several times a second, and again until there is none. */
  look(nowMs: number, machine: Machine<Id>): Step<Id> | null {
    for (const member of this.#members.values()) {
      member.frames = member.frames.filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
    }
    return this.#fall(nowMs, machine) ?? this.#rise(nowMs, machine);
  }

  #fall(nowMs: number, { isBusy }: Machine<Id>): Step<Id> | null {
    if (nowMs < this.#settledMs) return null;
    const members = [...this.#members].map(([id, member]) => ({ id, member, late: isLate(member) }));
    if (!members.some(({ late }) => late)) return null;
    const [first] = members
      .filter(({ member, late }) => (late || isBusy) && member.rung < member.rungs - 1)
      .sort(
        (a, b) => a.member.rung - b.member.rung || Number(b.late) - Number(a.late) || b.member.order - a.member.order,
      );
    if (!first) return null;
    const { id, member } = first;
    const hasRegrets = nowMs - member.roseMs < REGRET_MS;
    if (hasRegrets) member.cleanMs = Math.min(LONGEST_CLEAN_MS, 2 * member.roseAfterMs);
    const settleMs = Math.max(SETTLE_MS.shortest, SETTLE_MS.longest / this.#members.size);
    this.#settledMs = nowMs + settleMs;
    // What was late before the step says nothing about what comes after it.
    member.frames = [];
    member.cleanSinceMs = nowMs;
    member.rung += 1;
    return { id, from: member.rung - 1, to: member.rung };
  }

  #rise(nowMs: number, machine: Machine<Id>): Step<Id> | null {
    if (nowMs - this.#roseMs < RISE_INTERVAL_MS) return null;
    const clean = [...this.#members].filter(
      ([, { rung, cleanSinceMs, cleanMs }]) => rung > 0 && nowMs - cleanSinceMs >= cleanMs,
    );
    for (const [id, member] of clean.sort(([, a], [, b]) => b.rung - a.rung || a.order - b.order)) {
      const step = { id, from: member.rung, to: member.rung - 1 };
      if (!machine.fits(step)) continue;
      member.rung = step.to;
      member.roseMs = nowMs;
      member.cleanSinceMs = nowMs;
      member.roseAfterMs = member.cleanMs;
      member.cleanMs = CLEAN_MS;
      this.#roseMs = nowMs;
      return step;
    }
    return null;
  }
}

const missesOf = ({ frames }: Member): number => frames.filter(({ isLate }) => isLate).length;

const isLate = (member: Member): boolean => {
  const misses = missesOf(member);
  return misses >= MISSES && misses >= MISSED_SHARE * member.frames.length;
};
