/** How long each model takes on one thread, apart from threads, queues and network. */
import { systemClock } from '../src/clock.ts';
import { MOTION_SIZE, SLOT_MS } from '../src/media.ts';
import { readCatalog } from '../src/models/catalog.ts';
import { FaceRenderer } from '../src/models/face-renderer.ts';
import { MotionPredictor } from '../src/models/motion-predictor.ts';
import { createRandom, gaussianNoise } from '../src/models/random.ts';
import { windowsOf } from '../src/models/speech-plan.ts';
import { SpeechSynthesizer } from '../src/models/speech-synthesizer.ts';

/** Twelve words. */
const SENTENCE = 'Hello there, it is good to see you on this fine morning.';
const CPU = { provider: 'cpu' };
const EXPRESSIONS = 53;

/** One measured figure: the median and the 95th percentile of its samples. On a busy machine only CPU time can be compared. */
export interface Measurement {
  readonly name: string;
  readonly p50: number;
  readonly p95: number;
  readonly unit: 'ms' | 'ms CPU' | 'CPU s per s';
}

/** Time of one run: by the clock, and of the processor. */
interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export interface StagesOptions {
  readonly modelsDir: string;
  /** How often each stage runs, ≥ 1. @default 100 */
  readonly repeats?: number;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

const summarize = (name: string, samples: readonly number[], unit: Measurement['unit']): Measurement => {
  const sorted = samples.toSorted((a, b) => a - b);
  return { name, p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), unit };
};

const rowsOf = (name: string, samples: readonly Sample[]): Measurement[] => [
  summarize(
    name,
    samples.map(({ wallMs }) => wallMs),
    'ms',
  ),
  summarize(
    name,
    samples.map(({ cpuMs }) => cpuMs),
    'ms CPU',
  ),
];

const measure = async (work: () => Promise<unknown>): Promise<Sample> => {
  const start = systemClock.nowMs();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: systemClock.nowMs() - start, cpuMs: (user + system) / 1000 };
};

const repeat = async (times: number, work: (i: number) => Promise<unknown>): Promise<Sample[]> => {
  await work(0);
  const samples: Sample[] = [];
  for (let i = 0; i < times; i++) samples.push(await measure(() => work(i)));
  return samples;
};

const measureVoice = async (name: string, synthesizer: SpeechSynthesizer, secondsPerFrame: number, repeats: number) => {
  const speak = (seed: number) => synthesizer.encode(SENTENCE, { speed: 1, seed });
  const encode = await repeat(repeats, speak);
  const decode = new Map<number, Sample[]>();
  const cost: number[] = [];
  for (let seed = 0; seed < repeats; seed++) {
    const { speech, frameCount } = await speak(seed);
    let cpuMs = encode[seed]!.cpuMs;
    for (const [first, end] of windowsOf(frameCount, SpeechSynthesizer.windowFrames)) {
      const sample = await measure(() => synthesizer.decode(speech, first, end));
      cpuMs += sample.cpuMs;
      // The last window has whatever length is left.
      if (end < frameCount) decode.set(end - first, [...(decode.get(end - first) ?? []), sample]);
    }
    cost.push(cpuMs / 1000 / (frameCount * secondsPerFrame));
  }
  return [
    ...rowsOf(`voice ${name}: encode 12 words`, encode),
    ...Array.from(decode, ([frames, samples]) => rowsOf(`voice ${name}: decode ${frames} frames`, samples)).flat(),
    summarize(`voice ${name}: a whole sentence`, cost, 'CPU s per s'),
  ];
};

/** Runs every installed model on the calling thread, which it blocks. */
export const measureStages = async ({ modelsDir, repeats = 100 }: StagesOptions): Promise<Measurement[]> => {
  const { voices, motions, renderers, avatars } = await readCatalog(modelsDir);
  const rows: Measurement[] = [];

  for (const voice of voices.values()) {
    const { name, voice: details } = voice.manifest;
    const synthesizer = await SpeechSynthesizer.load(voice, CPU);
    rows.push(
      ...(await measureVoice(name, synthesizer, details.hopSamples / details.sampleRateHz, Math.ceil(repeats / 5))),
    );
    await synthesizer.release();
  }

  for (const model of motions.values()) {
    const { name, motion } = model.manifest;
    const predictor = await MotionPredictor.load(model, CPU);
    const random = createRandom(1);
    let history = new Float32Array(motion.historyFrames * MOTION_SIZE);
    const step = async () => {
      const noise = gaussianNoise(random, MOTION_SIZE, motion.temperature);
      const next = await predictor.next(gaussianNoise(random, motion.windowSamples, 0.1), history, noise);
      history = Float32Array.of(...history.subarray(MOTION_SIZE), ...next);
    };
    rows.push(...rowsOf(`motion ${name}: a step of ${SLOT_MS} ms`, await repeat(repeats, step)));
    await predictor.release();
  }

  for (const avatar of avatars.values()) {
    const { name, renderer: rendererName } = avatar.manifest;
    const renderer = renderers.get(rendererName)!;
    const face = await FaceRenderer.load(avatar, renderer, CPU);
    const frames = renderer.manifest.renderer.motionFrames;
    const render = (i: number) => {
      const motion = new Float32Array(frames * MOTION_SIZE);
      for (let k = 0; k < motion.length; k++) {
        if (k % MOTION_SIZE < EXPRESSIONS) motion[k] = 0.2 + 0.2 * Math.sin(0.3 * i + k);
      }
      return face.render(motion);
    };
    rows.push(...rowsOf(`avatar ${name}: render a frame`, await repeat(repeats, render)));
    await face.release();
  }
  return rows;
};
