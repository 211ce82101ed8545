/**
 * The server's load, in one place: what work costs, who may come in, who gives way when frames are late, and why they were. The
 * decisions are pure (`ladder.ts`, `admission.ts`, `frame-account.ts`); here are the timers and the listening.
 */
import type { Logger } from 'pino';
import type { Cancel, Clock } from '../../clock.ts';
import { watchEventLoop } from '../../event-loop-lag.ts';
import { FRAMES_PER_SECOND } from '../../media.ts';
import type { CallReport, Inference } from '../../models/inference.ts';
import { RUNGS, type Rung } from '../../pipeline/rungs.ts';
import { type ThreadUse, readThreadUse } from '../../thread-use.ts';
import type { MediaServer } from '../media/media-channel.ts';
import type { Metrics } from '../metrics.ts';
import { Admission, type Capacity } from './admission.ts';
import { CostMeter } from './cost-meter.ts';
import { type FrameOutcome, type Spans, type Stage, STAGES, slowestStage } from './frame-account.ts';
import { LoadLadder, type Step } from './ladder.ts';
import { RestMeter } from './rest-meter.ts';

/** How often is looked whether a session has to give way, or may have more. */
const LOOK_MS = 200;
/** How often figures of threads are read. */
const FIGURES_MS = 1000;
/** A rise has to fit beside what the face workers did in this time. */
const BUSY_WINDOW_MS = 3000;
/** So many late frames within a second are worth a line in the log; so long on time ends it. */
const LATE_FRAMES = 3;
const LATE_WINDOW_MS = 1000;
const ON_TIME_MS = 5000;

export interface LoadOptions {
  /** Sessions, whatever they cost. */
  readonly maxSessions: number;
  /** Whether sessions are refused that the machine has no room for. */
  readonly admission: boolean;
  /** Whether less of the picture is made when frames are late. */
  readonly ladder: boolean;
  readonly capacity: Capacity;
}

export interface LoadDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly inference: Inference;
  readonly media: MediaServer;
  /** Processor time of the whole process, ms. */
  readonly processCpuMs: () => number;
}

/** A session with a picture, as the ladder knows it. */
export interface LoadMember {
  readonly rung: Rung;
  /** A frame of it left, or came too late. */
  frame(outcome: FrameOutcome): void;
  /** Its sound was late: where the time of the last call for speech went. */
  gap(speech: { readonly waitedMs: number; readonly runMs: number } | null): void;
  leave(): void;
}

interface Member {
  readonly id: string;
  readonly onRung: (rung: Rung) => void;
  late: { readonly atMs: number; readonly outcome: FrameOutcome }[];
  /** Since when it is late; null: it is on time. */
  lateSinceMs: number | null;
}

export class LoadControl {
  readonly admission: Admission;
  readonly #deps: LoadDeps;
  readonly #options: LoadOptions;
  readonly #ladder = new LoadLadder<Member>();
  readonly #members = new Set<Member>();
  readonly #meter = new CostMeter();
  readonly #rest: RestMeter;
  readonly #lagMs = watchEventLoop();
  readonly #busy: { readonly atMs: number; readonly busyMs: number }[] = [];
  readonly #used = new Map<string, ThreadUse>();
  readonly #timers = new Set<Cancel>();
  #closed = false;

  constructor(deps: LoadDeps, options: LoadOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#rest = new RestMeter();
    this.admission = new Admission({
      limit: options.maxSessions,
      capacity: () => (options.admission ? this.#capacityNow() : null),
      costs: () => ({ models: this.#meter.costs, rest: this.#rest.costs }),
    });
    deps.inference.workers?.listen((report) => this.#onCall(report));
    deps.media.watch?.(({ use, lagMs }) => {
      if (use) this.#onUse('media', use);
      for (const [quantile, ms] of Object.entries(lagMs)) {
        deps.metrics.loopLag.set({ thread: 'media', quantile }, ms / 1000);
      }
    });
    this.#every(LOOK_MS, () => this.#look());
    this.#every(FIGURES_MS, () => this.#tellFigures());
  }

  /** A session with a picture begins. `onRung` is told of every change; it begins with all of the picture. */
  join(id: string, onRung: (rung: Rung) => void): LoadMember {
    const { clock } = this.#deps;
    const member: Member = { id, onRung, late: [], lateSinceMs: null };
    this.#members.add(member);
    this.#ladder.join(member, this.#options.ladder ? RUNGS.length : 1, clock.nowMs());
    const rungOf = () => RUNGS[this.#ladder.rungOf(member)] ?? RUNGS[0];
    return {
      get rung() {
        return rungOf();
      },
      frame: (outcome) => this.#onFrame(member, outcome),
      gap: (speech) => {
        this.#ladder.gap(member, clock.nowMs());
        const stage = speech && speech.runMs > speech.waitedMs ? 'speech' : 'speech-queue';
        const told = speech && { waitedMs: Math.round(speech.waitedMs), runMs: Math.round(speech.runMs) };
        this.#deps.log.warn({ session: id, stage, ...told, workers: this.#waiting() }, 'speech was late');
      },
      leave: () => {
        this.#members.delete(member);
        this.#ladder.leave(member);
      },
    };
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
  }

  #onCall(report: CallReport): void {
    const { operation, waitedMs, runMs, cpuMs, thread, starvedMs } = report;
    this.#meter.report(report);
    this.#rest.worked(cpuMs ?? runMs);
    const stage = operation === 'move' ? 'motion' : operation;
    const { stageTime, threadCpu, threadStarved, together } = this.#deps.metrics;
    if (report.together !== undefined) together.observe(report.together);
    stageTime.observe({ stage: `${stage}-queue` }, waitedMs / 1000);
    stageTime.observe({ stage }, runMs / 1000);
    threadCpu.inc({ thread }, (cpuMs ?? runMs) / 1000);
    threadStarved.inc({ thread }, (starvedMs ?? 0) / 1000);
  }

  #onFrame(member: Member, outcome: FrameOutcome): void {
    const { clock, metrics } = this.#deps;
    const nowMs = clock.nowMs();
    const { isLate, spans } = outcome;
    this.#ladder.frame(member, isLate, nowMs);
    metrics.stageTime.observe({ stage: 'pipeline' }, spans.pipeline / 1000);
    if (!isLate) {
      metrics.stageTime.observe({ stage: 'encoder' }, spans.encoder / 1000);
      return;
    }
    metrics.lateCauses.inc({ stage: slowestStage(spans) });
    member.late = [...member.late.filter(({ atMs }) => nowMs - atMs < ON_TIME_MS), { atMs: nowMs, outcome }];
    const recent = member.late.filter(({ atMs }) => nowMs - atMs < LATE_WINDOW_MS);
    if (member.lateSinceMs !== null || recent.length < LATE_FRAMES) return;
    member.lateSinceMs = nowMs;
    this.#logLate(
      member,
      recent.map(({ outcome: late }) => late),
    );
  }

  #logLate(member: Member, late: readonly FrameOutcome[]): void {
    const meanOf = (valueOf: (outcome: FrameOutcome) => number) =>
      Math.round(late.reduce((sum, outcome) => sum + valueOf(outcome), 0) / late.length);
    const spans = Object.fromEntries(STAGES.map((stage) => [stage, meanOf(({ spans }) => spans[stage])])) as Record<
      Stage,
      number
    > satisfies Spans;
    this.#deps.log.warn(
      {
        session: member.id,
        stage: slowestStage(spans),
        spansMs: spans,
        starvedMs: meanOf(({ starvedMs }) => starvedMs),
        rung: (RUNGS[this.#ladder.rungOf(member)] ?? RUNGS[0]).name,
        sessions: this.admission.taken,
        workers: this.#waiting(),
      },
      'session is late',
    );
  }

  #look(): void {
    const { clock, log, metrics, inference } = this.#deps;
    const nowMs = clock.nowMs();
    this.#busy.push({ atMs: nowMs, busyMs: this.#meter.busyMs('face') });
    while ((this.#busy[0]?.atMs ?? nowMs) < nowMs - BUSY_WINDOW_MS) this.#busy.shift();
    for (const member of this.#members) {
      const lastMs = member.late.at(-1)?.atMs ?? -Infinity;
      if (member.lateSinceMs === null || nowMs - lastMs < ON_TIME_MS) continue;
      const lateMs = Math.round(lastMs - member.lateSinceMs);
      member.lateSinceMs = null;
      log.info({ session: member.id, lateMs }, 'session is on time again');
    }
    for (const { name, waiting } of inference.workers?.states() ?? [])
      metrics.workerWaiting.set({ thread: name }, waiting);
    const machine = { isBusy: this.#facesHaveRoom(0) === false, fits: (step: Step<Member>) => this.#fits(step) };
    for (let step = this.#ladder.look(nowMs, machine); step; step = this.#ladder.look(nowMs, machine)) this.#take(step);
  }

  #take({ id: member, from, to }: Step<Member>): void {
    const { log, metrics } = this.#deps;
    const rung = RUNGS[to] ?? RUNGS[0];
    metrics.ladderSteps.inc({ direction: to > from ? 'down' : 'up' });
    log.info({ session: member.id, rung: rung.name }, to > from ? 'less picture' : 'more picture');
    member.onRung(rung);
  }

  /** Whether the face workers have time for a higher rung beside what they do now. */
  #fits({ from, to }: Step<Member>): boolean {
    const costs = this.#meter.costs;
    if (costs === null) return true;
    const workOf = ({ everySlots, moves }: Rung) =>
      moves === 'nothing' ? 0 : FRAMES_PER_SECOND * (costs.renderMs / everySlots + costs.moveMs);
    return this.#facesHaveRoom(workOf(RUNGS[to] ?? RUNGS[0]) - workOf(RUNGS[from] ?? RUNGS[0])) ?? true;
  }

  /** Whether the face workers have time for `moreMs` of work a second beside what they did lately; null: not measured yet. */
  #facesHaveRoom(moreMs: number): boolean | null {
    const { faceWorkers, share } = this.#options.capacity;
    const [oldest] = this.#busy;
    const newest = this.#busy.at(-1);
    if (!oldest || !newest || newest.atMs === oldest.atMs) return null;
    const busyMs = (1000 * (newest.busyMs - oldest.busyMs)) / (newest.atMs - oldest.atMs);
    return busyMs + moreMs <= 1000 * share * faceWorkers;
  }

  #tellFigures(): void {
    const { metrics, clock, processCpuMs } = this.#deps;
    this.#meter.tick();
    this.#rest.look(processCpuMs(), clock.nowMs(), this.admission.kinds);
    const use = readThreadUse();
    if (use) this.#onUse('main', use);
    for (const [quantile, ms] of Object.entries(this.#lagMs())) {
      metrics.loopLag.set({ thread: 'main', quantile }, ms / 1000);
    }
    for (const needs of ['sound', 'motion', 'pictures'] as const) {
      metrics.sessionsFit.set({ needs }, this.admission.fit(needs));
    }
    const counts = new Map<string, number>(RUNGS.map(({ name }) => [name, 0]));
    for (const member of this.#members) {
      const { name } = RUNGS[this.#ladder.rungOf(member)] ?? RUNGS[0];
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    for (const [rung, count] of counts) metrics.rungs.set({ rung }, count);
  }

  /** What other programs of the machine leave. */
  #capacityNow(): Capacity {
    const { capacity } = this.#options;
    return { ...capacity, share: capacity.share * (1 - this.#meter.starvedShare) };
  }

  #onUse(thread: string, use: ThreadUse): void {
    const { threadCpu, threadStarved } = this.#deps.metrics;
    const before = this.#used.get(thread) ?? { cpuMs: 0, starvedMs: 0 };
    this.#used.set(thread, use);
    // A thread that was started anew counts from 0 again.
    threadCpu.inc({ thread }, Math.max(0, use.cpuMs - before.cpuMs) / 1000);
    threadStarved.inc({ thread }, Math.max(0, use.starvedMs - before.starvedMs) / 1000);
  }

  #waiting(): Readonly<Record<string, number>> {
    const states = this.#deps.inference.workers?.states() ?? [];
    return Object.fromEntries(states.map(({ name, waiting }) => [name, waiting]));
  }

  #every(ms: number, run: () => void): void {
    const { clock } = this.#deps;
    let cancel: Cancel = () => undefined;
    const stop = () => cancel();
    const next = () => {
      cancel = clock.at(clock.nowMs() + ms, () => {
        if (this.#closed) return;
        run();
        next();
      });
    };
    this.#timers.add(stop);
    next();
  }
}
