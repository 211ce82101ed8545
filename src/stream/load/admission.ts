/**
 * Who may come in: a session is promised its place when the machine has room for what sessions cost, as it is measured. Every
 * thread and the machine as a whole may be promised a share of their time, and no more. Pure.
 */
import { VisavisError } from '../../errors.ts';
import { FRAMES_PER_SECOND } from '../../media.ts';
import type { ModelCosts } from './cost-meter.ts';

/** What a session needs. All speak; whether they also move, and are drawn. */
export type Demand = 'sound' | 'motion' | 'pictures';

/** What a server may use. */
export interface Capacity {
  /** Processor cores. */
  readonly cores: number;
  readonly speechWorkers: number;
  readonly faceWorkers: number;
  /** 0…1: how much of their time may be promised. The rest is for moments when all want it at once, and for other programs. */
  readonly share: number;
}

/** Measured costs of a second of a session, ms of one thread. null where nothing has been measured. */
export interface SessionCosts {
  readonly models: ModelCosts | null;
  /** Encoders, packets, sockets: all that is not inference. */
  readonly rest: Readonly<Record<'sound' | 'pictures', number | null>>;
}

/** A place that is taken. */
export interface Place {
  /** Says what the session turned out to need. */
  readonly needs: (demand: Demand) => void;
  /** Gives it back; idempotent. */
  readonly leave: () => void;
}

export interface AdmissionOptions {
  /** Sessions, whatever they cost. */
  readonly limit: number;
  /** What there is now; null: only `limit` counts. */
  readonly capacity: () => Capacity | null;
  readonly costs: () => SessionCosts;
}

/** Work of a second, ms, on each kind of thread, and altogether. */
interface Work {
  readonly speech: number;
  readonly face: number;
  readonly total: number;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #places = new Map<symbol, Demand>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Places that are taken. */
  get taken(): number {
    return this.#places.size;
  }

  /** Places by what they need. */
  get kinds(): Readonly<Record<Demand, number>> {
    const counts = { sound: 0, motion: 0, pictures: 0 };
    for (const demand of this.#places.values()) counts[demand] += 1;
    return counts;
  }

  /** Sessions of that kind that fit on the server when it is empty; at least one. */
  fit(demand: Demand): number {
    const { limit } = this.#options;
    const capacity = this.#options.capacity();
    if (capacity === null) return limit;
    const one = workOf(demand, this.#options.costs());
    const room = roomOf(capacity);
    const most = (kind: keyof Work) => (one[kind] > 0 ? Math.floor(room[kind] / one[kind]) : Infinity);
    return Math.max(1, Math.min(limit, most('speech'), most('face'), most('total')));
  }

  /** Why a session of that kind cannot come in now; null: it can. An empty server takes any. */
  refusal(demand: Demand): VisavisError | null {
    const { limit } = this.#options;
    const capacity = this.#options.capacity();
    const { taken } = this;
    if (taken >= limit) return new VisavisError('server_full', `all ${limit} sessions are taken; try again soon`);
    if (capacity === null || taken === 0) return null;
    const costs = this.#options.costs();
    const wanted = [...this.#places.values(), demand].map((each) => workOf(each, costs));
    const room = roomOf(capacity);
    const isFull = (['speech', 'face', 'total'] as const).some(
      (kind) => wanted.reduce((sum, work) => sum + work[kind], 0) > room[kind],
    );
    const way = `${taken} sessions take what the processor has to give; try again soon`;
    return isFull ? new VisavisError('server_full', way) : null;
  }

  /** Takes a place, whether there is room or not: ask `refusal` first. */
  enter(demand: Demand): Place {
    const key = Symbol(demand);
    this.#places.set(key, demand);
    return {
      needs: (actual) => {
        if (this.#places.has(key)) this.#places.set(key, actual);
      },
      leave: () => void this.#places.delete(key),
    };
  }
}

const workOf = (demand: Demand, { models, rest }: SessionCosts): Work => {
  const { moveMs, renderMs, speechMs } = models ?? { moveMs: 0, renderMs: 0, speechMs: 0 };
  const frameMs = { sound: 0, motion: moveMs, pictures: moveMs + renderMs }[demand];
  const face = FRAMES_PER_SECOND * frameMs;
  const restMs = rest[demand === 'pictures' ? 'pictures' : 'sound'] ?? 0;
  return { speech: speechMs, face, total: speechMs + face + restMs };
};

const roomOf = ({ cores, speechWorkers, faceWorkers, share }: Capacity): Work => ({
  speech: 1000 * share * speechWorkers,
  face: 1000 * share * faceWorkers,
  total: 1000 * share * cores,
});

/** Seconds after which a refused client may try again: not the same for all, so that they do not come back together. */
export const retryAfterS = (random: () => number = Math.random): number => 2 + Math.floor(9 * random());
