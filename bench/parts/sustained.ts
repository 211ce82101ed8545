import { delay } from '../../src/clock.ts';
import { FRAMES_PER_SECOND } from '../../src/media.ts';
import { type Figure, distribution, percentile, single } from '../figures.ts';
import type { BenchContext, BenchPart } from '../part.ts';
import { splitCores } from '../support/cores.ts';
import { type ServerProcess, withServer } from '../support/server-process.ts';
import { SENTENCES, textFor } from '../support/texts.ts';
import { type ViewerSample, type Watched, openViewer } from '../support/viewer.ts';

/** Cores that the server is given. */
const SERVER_CORES = 2;
/** Before the measurement: the browser has found its buffers' length and aligned sound and picture. */
const SETTLE_MS = 5_000;
/** `getStats` gives the same answer for 50 ms; twice a second is often enough. */
const SAMPLE_MS = 500;
const UTTERANCE = 'sustained';

/** 25 frames a second, less the 2 % that may be late. */
const LEAST_FPS = FRAMES_PER_SECOND * 0.98;

/** Unbroken speech to Chromium over WebRTC, the server on two cores, the browser on the others. */
export const sustained: BenchPart = {
  name: 'sustained',
  async measure(context) {
    using cores = splitCores(SERVER_CORES);
    context.note(`sustained: ${cores.description}`);
    return await withServer(context, { cores: cores.server }, (server) => speakFor(server, context));
  },
};

/** The server's own counters. */
const countersOf = async (server: ServerProcess, nowMs: number) => {
  const [frames, late, gaps, cpuSeconds, residentMb] = await Promise.all([
    server.metric('visavis_video_frames_total'),
    server.metric('visavis_late_frames_total'),
    server.metric('visavis_audio_gaps_total'),
    server.cpuSeconds(),
    server.residentMb(),
  ]);
  return { frames, late, gaps, cpuSeconds, residentMb, nowMs };
};

type Counters = Awaited<ReturnType<typeof countersOf>>;

const speakFor = async (server: ServerProcess, context: BenchContext): Promise<Figure[]> => {
  const { clock, seed, seconds, progress, signal } = context;
  progress.show('Chromium starts');
  await using viewer = await openViewer(server.address, seed, signal);
  context.note(`Chromium ${viewer.chromiumVersion}`);
  await viewer.say('warm-up', SENTENCES[0]!);
  await delay(clock, SETTLE_MS, signal);

  await viewer.start(UTTERANCE, textFor(seconds));
  const before = await countersOf(server, clock.nowMs());
  await viewer.watch(SAMPLE_MS);
  for (let second = 0; second < seconds; second++) {
    progress.show(`${second} of ${seconds} s`);
    await delay(clock, before.nowMs + (second + 1) * 1_000 - clock.nowMs(), signal);
  }
  const watched = await viewer.stop();
  const after = await countersOf(server, clock.nowMs());
  await viewer.interrupt(UTTERANCE);
  return [...receiverFigures(watched), ...serverFigures(before, after)];
};

const serverFigures = (before: Counters, after: Counters): Figure[] => {
  const late = after.late - before.late;
  const frames = after.frames - before.frames + late;
  const busy = (after.cpuSeconds - before.cpuSeconds) / ((after.nowMs - before.nowMs) / 1000);
  return [
    single('late frames', '%', (100 * late) / frames, { goal: { of: 'p50', limit: 2 } }),
    single('audio gaps, slots of 40 ms', '', after.gaps - before.gaps, { goal: { of: 'p50', limit: 0 } }),
    single("server's processor time", 'cores', busy),
    single("server's memory at the end", 'MB', after.residentMb),
  ];
};

/** Values made from each two samples that follow each other. */
const betweenSamples = (samples: readonly ViewerSample[], value: (a: ViewerSample, b: ViewerSample) => number) =>
  samples
    .slice(1)
    .map((sample, i) => value(samples[i]!, sample))
    .filter(Number.isFinite);

const receiverFigures = ({ samples, shownMs }: Watched): Figure[] => {
  const first = samples[0]!;
  const last = samples.at(-1)!;
  const seconds = (last.atMs - first.atMs) / 1000;
  const skew = samples
    .filter(({ audioPlayoutMs, videoPlayoutMs }) => audioPlayoutMs !== null && videoPlayoutMs !== null)
    .map(({ audioPlayoutMs, videoPlayoutMs }) => audioPlayoutMs! - videoPlayoutMs!);
  // Over two samples: at 25 frames a second one frame more or less would count for two frames a second.
  const fps = samples
    .slice(2)
    .map((sample, i) => (1000 * (sample.framesDecoded - samples[i]!.framesDecoded)) / (sample.atMs - samples[i]!.atMs));
  const buffered = (kind: 'audioBuffer' | 'videoBuffer') =>
    betweenSamples(samples, (a, b) => (1000 * (b[kind].seconds - a[kind].seconds)) / (b[kind].count - a[kind].count));
  const concealed =
    (100 * (last.concealedSamples - first.concealedSamples)) / (last.samplesReceived - first.samplesReceived);
  return [
    single('frames decoded, mean', 'fps', (last.framesDecoded - first.framesDecoded) / seconds, {
      better: 'higher',
      goal: { of: 'p50', limit: LEAST_FPS },
    }),
    distribution('frames decoded in each second', 'fps', fps, { better: 'higher' }),
    distribution(
      'between two frames shown',
      'ms',
      shownMs.slice(1).map((ms, i) => ms - shownMs[i]!),
    ),
    single('frames dropped by the receiver', '', last.framesDropped - first.framesDropped),
    single('freezes seen by the receiver', '', last.freezes - first.freezes),
    single('sound concealed by the receiver', '%', concealed),
    single('packets lost', '', last.packetsLost - first.packetsLost),
    distribution('skew |sound − picture| at the receiver', 'ms', skew.map(Math.abs), {
      goal: { of: 'p95', limit: 40 },
    }),
    single('skew, median; positive: picture late', 'ms', percentile(skew, 0.5)),
    distribution('jitter buffer, sound', 'ms', buffered('audioBuffer')),
    distribution('jitter buffer, picture', 'ms', buffered('videoBuffer')),
  ];
};
