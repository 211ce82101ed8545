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

/** One measured figure: the median and the 95th percentile of its samples. */
export interface Measurement {
  readonly name: string;
  readonly p50: number;
  readonly p95: number;
  readonly unit: 'ms' | 'x real time';
}

export interface StagesOptions {
  readonly modelsDir: string;
  /** How often each stage runs, ≥ 1. @default 100 */
  readonly repeats?: number;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

const summarize = (name: string, samples: readonly number[], unit: Measurement['unit'] = 'ms'): Measurement => {
  const sorted = samples.toSorted((a, b) => a - b);
  return { name, p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), unit };
};

const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = systemClock.nowMs();
  await work();
  return systemClock.nowMs() - start;
};

const repeat = async (times: number, work: (i: number) => Promise<unknown>): Promise<number[]> => {
  await work(0);
  const samples: number[] = [];
  for (let i = 0; i < times; i++) samples.push(await elapsed(() => work(i)));
  return samples;
};

const measureVoice = async (name: string, synthesizer: SpeechSynthesizer, secondsPerFrame: number, repeats: number) => {
  const speak = (seed: number) => synthesizer.encode(SENTENCE, { speed: 1, seed });
  const windows = new Map<number, number[]>();
  const first: number[] = [];
  const realTime: number[] = [];
  const encode = await repeat(repeats, speak);
  for (let seed = 0; seed < repeats; seed++) {
    const start = systemClock.nowMs();
    const { speech, frameCount } = await speak(seed);
    for (const [from, end] of windowsOf(frameCount)) {
      const ms = await elapsed(() => synthesizer.decode(speech, from, end));
      if (from === 0) first.push(systemClock.nowMs() - start);
      // The last window has whatever length is left.
      if (end < frameCount) windows.set(end - from, [...(windows.get(end - from) ?? []), ms]);
    }
    realTime.push((systemClock.nowMs() - start) / 1000 / (frameCount * secondsPerFrame));
  }
  return [
    summarize(`voice ${name}: encode 12 words`, encode),
    ...[...windows].map(([frames, samples]) =>
      summarize(`voice ${name}: decode a window of ${frames} frames`, samples),
    ),
    summarize(`voice ${name}: text to first window`, first),
    summarize(`voice ${name}: whole sentence`, realTime, 'x real time'),
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
    rows.push(summarize(`motion ${name}: a step of ${SLOT_MS} ms`, await repeat(repeats, step)));
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
    rows.push(summarize(`avatar ${name}: render a frame`, await repeat(repeats, render)));
    await face.release();
  }
  return rows;
};
