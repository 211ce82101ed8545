/** The models of a server, in worker threads: `speech` threads run voices, `face` threads run motion and renderers. */
import { VisavisError } from '../errors.ts';
import { find, readCatalog } from './catalog.ts';
import { type PronunciationTable, pronunciationsFor } from './english/index.ts';
import type {
  AvatarInfo,
  CallReport,
  Face,
  FaceReader,
  Inference,
  MotionModel,
  Voice,
  VoiceInfo,
} from './inference.ts';
import { readReader } from './motion-reader.ts';
import { createSpeechPlan } from './speech-plan.ts';
import { type BrokenVoice, findVoice } from './voice-catalog.ts';
import type { BatchOptions } from './worker/batch-gatherer.ts';
import { InferencePool, type OnCall } from './worker/inference-client.ts';

export interface InferenceOptions {
  /** Folder with `voices/`, `motion/`, `renderers/`, `avatars/`, and `readers/` if it has one. */
  readonly modelsDir: string;
  /** Paths by name of voices that are elsewhere: `.onnx` files of other projects, or folders with one. @default none */
  readonly voices?: Readonly<Record<string, string>>;
  /** Threads that run voices, ≥ 1. @default 1 */
  readonly speechWorkers?: number;
  /** Threads that run motion and renderers, ≥ 1. @default 1 */
  readonly faceWorkers?: number | undefined;
  /** Execution provider of onnxruntime, such as `cuda`. @default 'cpu' */
  readonly provider?: string;
  /** Frames of a face that are drawn in one run, where its renderer can. @default each by itself */
  readonly batch?: BatchOptions;
  /** The avatar that is loaded at start, with its voice; others load at their first use. @default the first one */
  readonly avatar?: string;
  /** The voice that is loaded at start. @default the avatar's own */
  readonly voice?: string | undefined;
  /** The user's own pronunciations: by language of voices, then by word, in ARPAbet. @default {} */
  readonly pronunciations?: PronunciationTable;
  /** Is told of voices that are installed and cannot be used; the others can. @default nobody is */
  readonly onBrokenVoice?: (voice: BrokenVoice) => void;
}

/** A typed array of its own: posting a view would copy the whole buffer behind it. */
const own = (view: Float32Array): Float32Array => (view.byteLength === view.buffer.byteLength ? view : view.slice());

/**
 * Reads what is installed, starts the workers and waits until the default models have run once.
 * @throws {VisavisError} `bad_model` when a manifest or file is wrong; `bad_config` for pronunciations with unknown phonemes;
 *   `unknown_avatar`, `unknown_voice` for wrong defaults
 */
export const createInference = async (options: InferenceOptions): Promise<Inference> => {
  const { modelsDir, speechWorkers = 1, faceWorkers = 1, provider = 'cpu' } = options;
  const { voices: namedVoices = {}, pronunciations = {} } = options;
  pronunciationsFor(pronunciations, 'en');
  const catalog = await readCatalog(modelsDir, namedVoices);
  const { voices, foreignVoices, motions, renderers, avatars } = catalog;
  const readerModel = await readReader(modelsDir);
  const [motion] = motions.values();
  const avatarName = options.avatar ?? avatars.keys().next().value;
  if (!motion || avatarName === undefined) {
    throw new VisavisError(
      'bad_model',
      `${modelsDir}: expected a model in motion/ and an avatar in avatars/, got none.`,
    );
  }
  const avatar = find(avatars, avatarName, 'unknown_avatar', 'avatar').manifest;
  const voiceName = options.voice ?? avatar.voice;
  findVoice(catalog, voiceName);
  for (const broken of catalog.brokenVoices) options.onBrokenVoice?.(broken);

  const sampleRateOf = (name: string) => findVoice(catalog, name).voice.manifest.voice.sampleRateHz;
  let onReport: (report: CallReport) => void = () => undefined;
  const report: OnCall = ({ operation, request, value, thread, spent }) => {
    if (operation === 'warmVoice' || operation === 'warmFace' || operation === 'warmMotion') return;
    if (operation === 'warmReader') return;
    const decoded = operation === 'decode' && 'voice' in request && value instanceof Float32Array;
    const mediaMs = decoded ? (1000 * value.length) / sampleRateOf(request.voice) : 0;
    onReport({ operation, thread, mediaMs, ...spent });
  };
  const speechPool = new InferencePool(
    'speech',
    speechWorkers,
    { modelsDir, provider, voices: namedVoices, pronunciations },
    report,
  );
  const facePool = new InferencePool(
    'face',
    faceWorkers,
    { modelsDir, provider, voices: namedVoices, yields: true, ...(options.batch && { batch: options.batch }) },
    report,
  );
  const close = async () => {
    await Promise.all([speechPool.close(), facePool.close()]);
  };
  try {
    await Promise.all([
      speechPool.callAll('warmVoice', { voice: voiceName }),
      facePool.callAll('warmFace', { avatar: avatarName }),
      facePool.callAll('warmMotion', { motion: motion.manifest.name }),
      readerModel && facePool.callAll('warmReader', {}),
    ]);
  } catch (error) {
    await close();
    throw error;
  }

  const createVoice = (name: string): Voice => {
    const { language, sampleRateHz } = findVoice(catalog, name).voice.manifest.voice;
    return {
      name,
      language,
      sampleRateHz,
      async plan(text, speechOptions, signal, call) {
        const key = { voice: name, text, options: speechOptions };
        const thread = speechPool.idlest;
        const chunk = await thread.call('encode', key, signal, call);
        return createSpeechPlan(chunk, chunk, (first, end, how) =>
          thread.call('decode', { ...key, first, end }, undefined, how),
        );
      },
    };
  };

  const createFace = (name: string): Face => {
    const { renderer, voice } = find(avatars, name, 'unknown_avatar', 'avatar').manifest;
    const { size, motionFrames, motionCentre } = find(renderers, renderer, 'bad_model', 'renderer').manifest.renderer;
    return {
      name,
      size,
      motionFrames,
      motionCentre,
      voice,
      render: (descriptors, call) => facePool.call('render', { avatar: name, motion: own(descriptors) }, call),
    };
  };

  const { sampleRateHz, windowSamples, lookaheadSamples, historyFrames, temperature } = motion.manifest.motion;
  const motionModel: MotionModel = {
    sampleRateHz,
    windowSamples,
    lookaheadSamples,
    historyFrames,
    temperature,
    next: (pcm, history, noise, call) =>
      facePool.call(
        'move',
        { motion: motion.manifest.name, pcm: own(pcm), history: own(history), noise: own(noise) },
        call,
      ),
  };

  const reader: FaceReader | null = readerModel && {
    size: readerModel.manifest.reader.size,
    avatars: readerModel.manifest.reader.avatars,
    read: (jpeg, call) => facePool.call('read', { jpeg }, call),
  };

  return {
    voices: [...voices.values(), ...foreignVoices.values()].map(({ manifest }): VoiceInfo => {
      const { name, description, licence, voice } = manifest;
      const { language, gender, sampleRateHz: rate } = voice;
      return { name, language, gender, sampleRateHz: rate, description, licence };
    }),
    avatars: [...avatars.values()].map(({ manifest: { name, description, renderer, voice, licence } }): AvatarInfo => {
      const { size } = find(renderers, renderer, 'bad_model', 'renderer').manifest.renderer;
      return { name, description, size, voice, licence };
    }),
    voice: async (name) => createVoice(name),
    face: async (name) => createFace(name),
    motion: async () => motionModel,
    ...(reader && { reader }),
    workers: {
      states: () => [...speechPool.states, ...facePool.states],
      listen(listener) {
        onReport = listener;
      },
    },
    close,
  };
};
