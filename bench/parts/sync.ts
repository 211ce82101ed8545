import { delay } from '../../src/clock.ts';
import { type Figure, type FigureOptions, distribution, percentile, single } from '../figures.ts';
import type { BenchContext, BenchPart } from '../part.ts';
import { type Point, slopeOf } from '../slope.ts';
import { startBusyNeighbour } from '../support/busy-neighbour.ts';
import { splitCores } from '../support/cores.ts';
import { type ServerProcess, withServer } from '../support/server-process.ts';
import { SENTENCES, textFor } from '../support/texts.ts';
import { type ViewerSample, openViewer } from '../support/viewer.ts';

/** Cores that the server is given. */
const SERVER_CORES = 2;
/** Before the measurement: the browser has found its buffers' length and aligned sound and picture. */
const SETTLE_MS = 5_000;
const SAMPLE_MS = 500;
/** Speech and silence by turns. */
const SPEECH_S = 20;
const IDLE_S = 10;
/** Below it nobody notices (ITU-R BT.1359-1); a machine that is busy with something else has more room. */
const GOAL_MS = { quiet: 20, busy: 45 } as const;
/** What the browser's own adjustments make of a line through a minute; in ten minutes a clock would show that is wrong by 10⁻⁵. */
const MAX_DRIFT_MS = 5;

/** Skew of sound and picture in Chromium over WebRTC, through speech and silence, and whether it drifts. */
export const sync: BenchPart = {
  name: 'sync',
  async measure(context) {
    using cores = splitCores(SERVER_CORES);
    context.note(`sync: ${cores.description}; ${SPEECH_S} s of speech and ${IDLE_S} s of silence by turns`);
    return await withServer(context, { cores: cores.server }, async (server) => {
      await using neighbour = context.busy ? startBusyNeighbour(cores.server) : null;
      if (neighbour) context.note(`sync: ${neighbour.description}`);
      return await watchFor(server, context);
    });
  },
};

const watchFor = async (server: ServerProcess, context: BenchContext): Promise<Figure[]> => {
  const { clock, seed, seconds, progress, signal } = context;
  progress.show('Chromium starts');
  await using viewer = await openViewer(server.address, seed, signal);
  await viewer.say('warm-up', SENTENCES[0]!);
  await delay(clock, SETTLE_MS, signal);

  const startMs = clock.nowMs();
  const pass = async (untilS: number) => {
    for (let second = Math.floor((clock.nowMs() - startMs) / 1000); second < Math.min(untilS, seconds); second++) {
      progress.show(`${second} of ${seconds} s`);
      await delay(clock, Math.max(0, startMs + (second + 1) * 1000 - clock.nowMs()), signal);
    }
  };
  const before = await countersOf(server);
  await viewer.watch(SAMPLE_MS);
  for (let turn = 0; turn * (SPEECH_S + IDLE_S) < seconds; turn++) {
    const fromS = turn * (SPEECH_S + IDLE_S);
    await viewer.start(`sync-${turn}`, textFor(2 * SPEECH_S));
    await pass(fromS + SPEECH_S);
    await viewer.interrupt(`sync-${turn}`);
    await pass(fromS + SPEECH_S + IDLE_S);
  }
  const { samples } = await viewer.stop();
  const after = await countersOf(server);
  const skews = samples.flatMap(skewOf);
  const values = skews.map(({ value }) => value);
  const drift = Math.abs(slopeOf(skews).perMs) * ((skews.at(-1)?.atMs ?? 0) - (skews[0]?.atMs ?? 0));
  context.note(`sync: median skew of each minute: ${mediansByMinute(skews).join(', ')} ms`);
  // On a busy machine the browser's buffers grow and shrink with what it has just seen, which is no drift.
  const driftGoal: FigureOptions = context.busy ? {} : { goal: { of: 'p50', limit: MAX_DRIFT_MS } };
  return [
    distribution('skew |sound − picture| at the receiver', 'ms', values.map(Math.abs), {
      goal: { of: 'p95', limit: context.busy ? GOAL_MS.busy : GOAL_MS.quiet },
    }),
    single('skew, median; positive: picture late', 'ms', percentile(values, 0.5)),
    single('drift of the skew meanwhile, either way', 'ms', drift, driftGoal),
    single(
      'late frames',
      '%',
      (100 * (after.late - before.late)) / (after.frames - before.frames + after.late - before.late),
    ),
    single('audio gaps, slots of 40 ms', '', after.gaps - before.gaps),
  ];
};

/** A clock that is wrong moves them one way; the browser's adjustments move them to and fro. */
const mediansByMinute = (skews: readonly Point[]): number[] => {
  const minuteOf = ({ atMs }: Point) => Math.floor((atMs - (skews[0]?.atMs ?? 0)) / 60_000);
  const minutes = [...new Set(skews.map(minuteOf))];
  return minutes.map((minute) => {
    const values = skews.filter((point) => minuteOf(point) === minute).map(({ value }) => value);
    return Math.round(percentile(values, 0.5));
  });
};

/** The server's own counters. */
const countersOf = async (server: ServerProcess) => {
  const [frames, late, gaps] = await Promise.all([
    server.metric('visavis_video_frames_total'),
    server.metric('visavis_late_frames_total'),
    server.metric('visavis_audio_gaps_total'),
  ]);
  return { frames, late, gaps };
};

/** Signed skew, ms, over time. */
const skewOf = ({ atMs, audioPlayoutMs, videoPlayoutMs }: ViewerSample): Point[] =>
  audioPlayoutMs === null || videoPlayoutMs === null ? [] : [{ atMs, value: audioPlayoutMs - videoPlayoutMs }];
