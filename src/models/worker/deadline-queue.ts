/** Work in the order in which it is needed: earliest deadline first (Liu and Layland 1973, §7), ties in the order of arrival. */

interface Due {
  readonly id: number;
  /** `Clock.nowMs` time at which it is needed. */
  readonly dueMs: number;
}

/**
 * Calls that wait for a worker. A deadline is an absolute time, so whatever waits becomes the most urgent in the end: no
 * session can starve another.
 */
export class DeadlineQueue<Call extends Due> {
  #waiting: Call[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  push(call: Call): void {
    this.#waiting.push(call);
  }

  /** Takes the most urgent one; undefined: none waits. */
  take(): Call | undefined {
    let next: Call | undefined;
    for (const call of this.#waiting) if (next === undefined || call.dueMs < next.dueMs) next = call;
    if (next !== undefined) this.#waiting.splice(this.#waiting.indexOf(next), 1);
    return next;
  }

  /** How many wait that are `alike`. */
  count(alike: (call: Call) => boolean): number {
    return this.#waiting.reduce((sum, call) => sum + (alike(call) ? 1 : 0), 0);
  }

  /** Takes the most urgent ones that are `alike`, at most so many, out of their turn. */
  takeAlike(alike: (call: Call) => boolean, most: number): Call[] {
    const taken = this.#waiting
      .filter(alike)
      .toSorted((a, b) => a.dueMs - b.dueMs)
      .slice(0, Math.max(0, most));
    if (taken.length > 0) this.#waiting = this.#waiting.filter((call) => !taken.includes(call));
    return taken;
  }

  /** Takes that one out of its turn; undefined: it does not wait. */
  remove(id: number): Call | undefined {
    const at = this.#waiting.findIndex((call) => call.id === id);
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0];
  }
}
