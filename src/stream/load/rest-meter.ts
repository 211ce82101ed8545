/** What sessions cost beside inference: encoders, packets, sockets, the main thread. Pure. */
import type { Demand, SessionCosts } from './admission.ts';

/** Weight of the newest second. */
const NEWEST = 0.1;

export class RestMeter {
  #workersMs = 0;
  #last: { readonly cpuMs: number; readonly workersMs: number; readonly atMs: number } | null = null;
  readonly #costs: Record<'sound' | 'pictures', number | null> = { sound: null, pictures: null };

  /** A worker has spent so much processor time. */
  worked(cpuMs: number): void {
    this.#workersMs += cpuMs;
  }

  /**
   * Looks what the process has spent since the last look, and lays it on the sessions that were there.
   * @param cpuMs - of the whole process, since it began
   * @param sessions - how many there are of each kind
   */
  look(cpuMs: number, nowMs: number, sessions: Readonly<Record<Demand, number>>): void {
    const last = this.#last;
    this.#last = { cpuMs, workersMs: this.#workersMs, atMs: nowMs };
    if (last === null || nowMs <= last.atMs) return;
    const seconds = (nowMs - last.atMs) / 1000;
    const restMs = Math.max(0, cpuMs - last.cpuMs - (this.#workersMs - last.workersMs)) / seconds;
    const { pictures, motion, sound } = sessions;
    const others = motion + sound;
    if (pictures > 0) this.#learn('pictures', Math.max(0, restMs - others * (this.#costs.sound ?? 0)) / pictures);
    else if (others > 0) this.#learn('sound', restMs / others);
  }

  /** ms of processor time a second of a session; null: not measured yet. */
  get costs(): SessionCosts['rest'] {
    return this.#costs;
  }

  #learn(kind: 'sound' | 'pictures', ms: number): void {
    const before = this.#costs[kind] ?? ms;
    this.#costs[kind] = before + NEWEST * (ms - before);
  }
}
