/** The same sentences from the same voice file, by this project and by sherpa-onnx, one after the other on one thread. */
import { spawn } from 'node:child_process';
import { access, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { systemClock } from '../../src/clock.ts';
import { readManifest } from '../../src/models/manifest.ts';
import { windowsOf } from '../../src/models/speech-plan.ts';
import { loadVoice } from '../../src/models/voice-catalog.ts';
import type { VoiceModel } from '../../src/models/voice-model.ts';
import { readVoiceFiles } from '../../src/models/vits/voice-files.ts';
import { loadVitsVoice } from '../../src/models/vits/load-voice.ts';
import { packageRoot } from '../../src/package-root.ts';
import { type Figure, distribution, percentile, single } from '../figures.ts';
import type { BenchPart } from '../part.ts';
import { SENTENCES } from '../support/texts.ts';

const CPU = { provider: 'cpu' };
const FOLDER = join(packageRoot, 'bench', 'sherpa');
/** Said before anything is measured. */
const WARM_UP = 2;
/** First sound so many times sooner. */
const SOONER = { goal: { of: 'p50', limit: 4 }, better: 'higher' } as const;
/** Cost of a second of sound, as a share of theirs. */
const COST = { goal: { of: 'p50', limit: 1.1 } } as const;

/** One sentence: ms to its first sound, and what a second of it costs, in ms of the processor. */
interface Spoken {
  readonly firstMs: number;
  readonly costMs: number;
}

const answer = z.object({ wallMs: z.number(), cpuMs: z.number(), seconds: z.number().positive() });

/** Starts sherpa-onnx with a voice; what it is given it speaks, and then nothing else runs. */
const startSherpa = (model: string, signal: AbortSignal) => {
  const child = spawn(process.execPath, [join(FOLDER, 'speak.mjs'), model], {
    stdio: ['pipe', 'pipe', 'inherit'],
    signal,
  });
  child.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async say(text: string): Promise<Spoken> {
      child.stdin.write(`${text}\n`);
      const line = await lines.next();
      if (line.done) throw new Error('sherpa-onnx ended; does it run alone? See bench/README.md.');
      const { wallMs, cpuMs, seconds } = answer.parse(JSON.parse(line.value));
      return { firstMs: wallMs, costMs: cpuMs / seconds };
    },
    end: () => child.stdin.end(),
  };
};

/** Speaks a sentence in windows on this thread. */
const say = async (voice: VoiceModel, sampleRateHz: number, text: string, seed: number): Promise<Spoken> => {
  const began = process.cpuUsage();
  const startMs = systemClock.nowMs();
  let firstMs: number | null = null;
  const { speech, frameCount } = await voice.encode(text, { speed: 1, seed });
  for (const [first, end] of windowsOf(frameCount, voice.windowFrames)) {
    await voice.decode(speech, first, end);
    firstMs ??= systemClock.nowMs() - startMs;
  }
  const { user, system } = process.cpuUsage(began);
  const seconds = (frameCount * voice.hopSamples) / sampleRateHz;
  return { firstMs: firstMs ?? Number.NaN, costMs: (user + system) / 1000 / seconds };
};

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Loads a voice in the form of sherpa-onnx: the lexicon beside it, without the configuration for Piper. */
const loadAsSherpa = async (model: string, work: (voice: VoiceModel) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'visavis-bench-'));
  try {
    await symlink(model, join(folder, 'voice.onnx'));
    for (const name of ['tokens.txt', 'lexicon.txt']) await symlink(join(dirname(model), name), join(folder, name));
    const voice = await loadVitsVoice(await readVoiceFiles(join(folder, 'voice.onnx'), systemClock), CPU);
    await work(voice);
    await voice.release();
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** First sound and cost beside sherpa-onnx; nothing where it or the voice's file is not there. */
export const sherpa: BenchPart = {
  name: 'sherpa',
  async measure({ modelsDir, repeats, piperVoice, progress, note, signal }) {
    if (piperVoice === undefined || !(await exists(join(FOLDER, 'node_modules')))) {
      note('sherpa: not compared; it needs --piper and its own packages, see bench/README.md');
      return [];
    }
    const model = resolve(piperVoice);
    const described = await readManifest(join(modelsDir, 'voices', 'rms'));
    if (described.manifest.kind !== 'voice') throw new Error(`${described.folder}: expected a voice`);
    const { sampleRateHz } = described.manifest.voice;
    const own = await loadVoice({ folder: described.folder, manifest: described.manifest }, CPU);
    const figures: Figure[] = [];
    await loadAsSherpa(model, async (same) => {
      const theirs = startSherpa(model, signal);
      const spoken = { theirs: [] as Spoken[], same: [] as Spoken[], own: [] as Spoken[] };
      for (let i = 0; i < WARM_UP + repeats; i++) {
        progress.show(`sentence ${Math.max(0, i + 1 - WARM_UP)} of ${repeats}`);
        const sentence = SENTENCES[i % SENTENCES.length]!;
        // By turns, so that what else the machine does disturbs all alike.
        const round = {
          theirs: await theirs.say(sentence),
          same: await say(same, sampleRateHz, sentence, i),
          own: await say(own, sampleRateHz, sentence, i),
        };
        signal.throwIfAborted();
        if (i < WARM_UP) continue;
        for (const who of ['theirs', 'same', 'own'] as const) spoken[who].push(round[who]);
      }
      theirs.end();
      figures.push(...compare(spoken));
    });
    await own.release();
    return figures;
  },
};

const compare = (spoken: Readonly<Record<'theirs' | 'same' | 'own', readonly Spoken[]>>): Figure[] => {
  const first = (who: keyof typeof spoken) => spoken[who].map(({ firstMs }) => firstMs);
  const cost = (who: keyof typeof spoken) => spoken[who].map(({ costMs }) => costMs);
  const median = (values: readonly number[]) => percentile(values, 0.5);
  const named = { theirs: 'sherpa-onnx', same: 'the same file', own: 'voice rms' } as const;
  const who = ['theirs', 'same', 'own'] as const;
  const ours = ['same', 'own'] as const;
  return [
    ...who.map((one) => distribution(`${named[one]}: sentence → first sound`, 'ms', first(one))),
    ...who.map((one) => distribution(`${named[one]}: cost of a second`, 'ms CPU', cost(one))),
    ...ours.map((one) =>
      single(`${named[one]}: first sound, times sooner`, '×', median(first('theirs')) / median(first(one)), SOONER),
    ),
    ...ours.map((one) =>
      single(`${named[one]}: cost, of theirs`, '×', median(cost(one)) / median(cost('theirs')), COST),
    ),
  ];
};
