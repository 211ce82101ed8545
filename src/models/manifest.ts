/** `manifest.json` beside each model and `avatar.json` beside each portrait: their form, reading and checking. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { VisavisError } from '../errors.ts';
import { FRAMES_PER_SECOND, MOTION_SIZE } from '../media.ts';
import type { GraphSpec, TensorSpec } from './onnx-session.ts';
import { memoryNames } from './streamed-decoder.ts';
import { PLACE_CHANNELS } from './symbol-frames.ts';
import { SOURCE_CHANNELS } from './voice-source.ts';

/** The layout of motion descriptors that the server speaks: 53 expression weights, yaw, pitch, roll, tx, ty, tz. */
const LAYOUT = 'visavis-59';
/** A descriptor may look ahead 160 ms at 16 kHz: more would delay the picture. */
const MAX_LOOKAHEAD_SAMPLES = 2560;

const count = z.int().positive();
const fileName = z.string().regex(/^[\w.-]+$/, 'a file name without folders');
const tensor = z.object({
  dtype: z.enum(['float32', 'int64', 'int32', 'uint8']),
  shape: z.array(z.union([z.int().nonnegative(), z.string()])),
});
const graph = z.object({
  file: fileName,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: count,
  inputs: z.record(z.string(), tensor),
  outputs: z.record(z.string(), tensor),
});
const common = {
  format: z.literal('visavis-model/1'),
  name: z.string().min(1),
  description: z.string(),
  licence: z.string().min(1),
  origin: z.looseObject({ data: z.string(), date: z.iso.date() }),
  evaluation: z.record(z.string(), z.unknown()),
};

const voiceManifest = z.object({
  ...common,
  kind: z.literal('voice'),
  files: z.object({ encoder: graph, prior: graph, flow: graph, decoder: graph, filter: graph }),
  voice: z.object({
    language: z.string().describe('BCP 47 tag'),
    gender: z.string(),
    sampleRateHz: z.int().min(8000).max(48_000),
    hopSamples: count.multipleOf(2).describe('samples that a frame of the latent becomes'),
    hiddenChannels: count.describe('of what the encoder says of a symbol'),
    latentChannels: count,
    symbols: z.array(z.string().min(1)).min(4).describe('the index of a symbol is its id'),
    intersperse: z.boolean().describe('a pad symbol stands between every two others'),
    noiseScale: z.number().nonnegative(),
    durationNoiseScale: z.number().nonnegative(),
    priorContextFrames: z.int().nonnegative().describe('how far the prior sees to each side'),
    flowContextFrames: z.int().nonnegative().describe('how far the flow sees to each side'),
    filterContextFrames: z.int().nonnegative().describe('how far a frame of filters and source is heard to each side'),
    decoderLookaheadFrames: z.int().nonnegative().describe('frames of latent that a frame of filters waits for'),
    filtersPerFrame: count,
    decoderMemory: z
      .array(z.tuple([count, z.int().nonnegative()]))
      .describe("channels of what each of the decoder's layers remembers, and columns of zeros that it begins with"),
    gain: z.number().positive().describe('factor on the samples'),
  }),
});

const motionManifest = z.object({
  ...common,
  kind: z.literal('motion'),
  files: z.object({ step: graph }),
  motion: z.object({
    fps: z.literal(FRAMES_PER_SECOND),
    layout: z.literal(LAYOUT),
    sampleRateHz: z.literal(16_000),
    windowSamples: count,
    lookaheadSamples: z.int().nonnegative().max(MAX_LOOKAHEAD_SAMPLES),
    historyFrames: count,
    temperature: z.number().nonnegative(),
  }),
});

const rendererManifest = z.object({
  ...common,
  kind: z.literal('renderer'),
  files: z.object({ source: graph, render: graph }),
  renderer: z
    .object({
      size: z.int().multipleOf(2).positive(),
      layout: z.union([z.literal(LAYOUT), z.object({ name: z.string().min(1), size: count, file: fileName })], {
        error: `expected "${LAYOUT}", or name, size and file of another layout`,
      }),
      motionFrames: count,
      motionCentre: z.int().nonnegative(),
      features: z.array(z.string()),
    })
    .refine(({ motionFrames, motionCentre }) => motionCentre < motionFrames, 'motionCentre must be below motionFrames'),
});

const readerManifest = z.object({
  ...common,
  kind: z.literal('reader'),
  files: z.object({ read: graph }),
  reader: z.object({
    size: z.int().multipleOf(2).positive(),
    layout: z.literal(LAYOUT),
    avatars: z.array(z.string()).min(1).describe('whose pictures it was trained on'),
  }),
});

const modelManifest = z.discriminatedUnion('kind', [voiceManifest, motionManifest, rendererManifest, readerManifest]);

const avatarManifest = z.object({
  format: z.literal('visavis-avatar/1'),
  name: z.string().min(1),
  description: z.string(),
  portrait: fileName.describe('PNG of the size that the renderer takes'),
  renderer: z.string(),
  voice: z.string().describe('the voice that fits the face'),
  licence: z.string().min(1),
});

export type VoiceManifest = z.infer<typeof voiceManifest>;
export type MotionManifest = z.infer<typeof motionManifest>;
export type RendererManifest = z.infer<typeof rendererManifest>;
export type ReaderManifest = z.infer<typeof readerManifest>;
export type ModelManifest = z.infer<typeof modelManifest>;
export type AvatarManifest = z.infer<typeof avatarManifest>;

/** A manifest and the folder whose files it describes. */
export interface Described<Manifest> {
  readonly folder: string;
  readonly manifest: Manifest;
}

type Shape = TensorSpec['shape'];
interface Contract {
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly outputs: Readonly<Record<string, Shape>>;
}

/** What the server feeds to each graph of a model and reads from it; letters stand for lengths that vary. */
const contractsOf = (manifest: ModelManifest): Readonly<Record<string, Contract>> => {
  if (manifest.kind === 'voice') {
    const { hiddenChannels: hidden, latentChannels: channels, decoderMemory } = manifest.voice;
    const memory = memoryNames(decoderMemory.length);
    const remembered = (names: readonly string[]) =>
      Object.fromEntries(names.map((name, i) => [name, [1, decoderMemory[i]![0], 'columns']]));
    const filters = manifest.files.filter.inputs['filters']?.shape[1] ?? 'channels';
    return {
      encoder: {
        inputs: { phonemes: [1, 'P'], duration_noise: [1, 2, 'P'] },
        outputs: { hidden: [1, hidden, 'P'], log_duration: [1, 1, 'P'] },
      },
      prior: {
        inputs: { hidden: [1, hidden, 'T'], places: [1, PLACE_CHANNELS, 'T'] },
        outputs: { mean: [1, channels, 'T'], log_scale: [1, channels, 'T'], pitch: [1, 2, 'T'] },
      },
      flow: { inputs: { prior: [1, channels, 'T'] }, outputs: { latent: [1, channels, 'T'] } },
      decoder: {
        inputs: { latent: [1, channels, 'T'], edges: [2], ...remembered(memory.inputs) },
        outputs: { filters: [1, filters, 'F'], ...remembered(memory.outputs) },
      },
      filter: {
        inputs: { filters: [1, filters, 'F'], source: [1, SOURCE_CHANNELS, 'S'] },
        outputs: { audio: [1, 1, 'S'] },
      },
    };
  }
  if (manifest.kind === 'motion') {
    const { windowSamples, historyFrames } = manifest.motion;
    return {
      step: {
        inputs: { pcm: [1, windowSamples], history: [1, historyFrames, MOTION_SIZE], noise: [1, MOTION_SIZE] },
        outputs: { motion: [1, MOTION_SIZE] },
      },
    };
  }
  if (manifest.kind === 'reader') {
    const { size } = manifest.reader;
    return { read: { inputs: { picture: [1, size, size, 3] }, outputs: { motion: [1, MOTION_SIZE] } } };
  }
  const { size, layout, motionFrames, features } = manifest.renderer;
  const { source, render } = manifest.files;
  const portrait = [1, 3, size, size];
  const shapes = Object.fromEntries(features.map((name) => [name, source.outputs[name]?.shape ?? []]));
  return {
    source: { inputs: { portrait }, outputs: shapes },
    render: {
      inputs: {
        motion: [1, motionFrames, layout === LAYOUT ? MOTION_SIZE : layout.size],
        ...('portrait' in render.inputs && { portrait }),
        ...shapes,
      },
      outputs: { i420: [1, (size * size * 3) / 2] },
    },
  };
};

const sameShape = (wanted: Shape, declared: Shape): boolean =>
  wanted.length === declared.length &&
  wanted.every((size, i) => typeof size === 'string' || typeof declared[i] === 'string' || size === declared[i]);

/** Names the first tensor that does not fit the contract, or nothing. */
const misfit = (wanted: Contract, declared: GraphSpec): string | undefined => {
  for (const side of ['inputs', 'outputs'] as const) {
    for (const [name, shape] of Object.entries(wanted[side])) {
      const found = declared[side][name];
      if (!found || !sameShape(shape, found.shape)) {
        return `expected ${side} ${name} [${shape.join(',')}], got ${found ? `[${found.shape.join(',')}]` : 'none'}`;
      }
    }
  }
  const extra = Object.keys(declared.inputs).find((name) => !(name in wanted.inputs));
  return extra && `expected inputs ${Object.keys(wanted.inputs).join(', ')}, got ${extra} besides`;
};

const readJson = async <T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>> => {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new VisavisError('bad_model', `${path}: expected a JSON file, got: ${reason}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new VisavisError(
    'bad_model',
    `${path} does not describe a model of this version:\n${z.prettifyError(parsed.error)}`,
  );
};

/**
 * Reads `folder/manifest.json` and checks that its graphs take and give what the server needs.
 * @throws {VisavisError} `bad_model`, naming the field or tensor
 */
export const readManifest = async (folder: string): Promise<Described<ModelManifest>> => {
  const path = join(folder, 'manifest.json');
  const manifest = await readJson(path, modelManifest);
  const graphs: Readonly<Record<string, GraphSpec>> = manifest.files;
  for (const [role, contract] of Object.entries(contractsOf(manifest))) {
    const problem = misfit(contract, graphs[role]!);
    if (problem) throw new VisavisError('bad_model', `${path}: ${role} ${problem}. Export the model for this version.`);
  }
  return { folder, manifest };
};

/**
 * Reads `folder/avatar.json`.
 * @throws {VisavisError} `bad_model`, naming the field
 */
export const readAvatar = async (folder: string): Promise<Described<AvatarManifest>> => ({
  folder,
  manifest: await readJson(join(folder, 'avatar.json'), avatarManifest),
});

/**
 * Reads every file of a model and compares it with the manifest's SHA-256. Slow: loading checks sizes only.
 * @throws {VisavisError} `bad_model` for the first file that differs
 */
export const verifyFiles = async ({ folder, manifest }: Described<ModelManifest>): Promise<void> => {
  for (const { file, sha256 } of Object.values<GraphSpec>(manifest.files)) {
    const path = join(folder, file);
    const content = await readFile(path).catch((cause: unknown) => {
      throw new VisavisError('bad_model', `${path}: the manifest names this file, but it cannot be read.`, { cause });
    });
    const found = createHash('sha256').update(content).digest('hex');
    if (found !== sha256) {
      throw new VisavisError('bad_model', `${path}: expected SHA-256 ${sha256}, got ${found}. Fetch the file again.`);
    }
  }
};
