/** The installed voices: our own, each in a folder with a manifest, and those of other projects, a file or a folder each. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { VisavisError } from '../errors.ts';
import { type PronunciationTable, pronunciationsFor } from './english/index.ts';
import type { GrowingSpeech } from './growing-speech.ts';
import { type Described, readManifest, type VoiceManifest } from './manifest.ts';
import type { SessionOptions } from './onnx-session.ts';
import { SpeechSynthesizer } from './speech-synthesizer.ts';
import { loadVitsVoice } from './vits/load-voice.ts';
import { speakerId } from './vits/voice-format.ts';
import { findModelFile, readVoiceFiles, type VoiceFiles } from './vits/voice-files.ts';
import type { VoiceModel } from './voice-model.ts';

/** A voice of another project, told in the words of our own manifests. */
export interface ForeignVoice {
  readonly folder: string;
  readonly manifest: {
    readonly kind: 'foreign-voice';
    readonly name: string;
    readonly description: string;
    readonly licence: string;
    readonly voice: { readonly language: string; readonly gender: string; readonly sampleRateHz: number };
  };
  readonly files: VoiceFiles;
}

type InstalledVoice = Described<VoiceManifest> | ForeignVoice;

/** Voices by name, no name twice. */
export interface VoiceCatalog {
  readonly voices: ReadonlyMap<string, Described<VoiceManifest>>;
  readonly foreignVoices: ReadonlyMap<string, ForeignVoice>;
}

const describeForeign = async (name: string, file: string, clock: Clock): Promise<ForeignVoice> => {
  const files = await readVoiceFiles(file, clock);
  const { family, language, sampleRateHz, speakers } = files.format;
  const several = speakers.length > 1 ? `, ${speakers.length} speakers (${name}:${speakers[0]} …)` : '';
  return {
    folder: dirname(file),
    manifest: {
      kind: 'foreign-voice',
      name,
      description: `VITS in the format of ${family}${several}`,
      licence: 'see where it comes from',
      voice: { language, gender: 'unknown', sampleRateHz },
    },
    files,
  };
};

const readFolder = async (path: string, name: string, clock: Clock): Promise<InstalledVoice> => {
  if (existsSync(join(path, 'manifest.json'))) {
    const { manifest } = await readManifest(path);
    if (manifest.kind === 'voice') return { folder: path, manifest };
    throw new VisavisError('bad_model', `${path}: expected a model of kind voice, got ${manifest.kind}. Move it.`);
  }
  const file = await findModelFile(path);
  if (file !== undefined) return describeForeign(name, file, clock);
  throw new VisavisError(
    'bad_model',
    `${path}: expected a voice, but there is neither manifest.json nor an .onnx file.`,
  );
};

/**
 * Reads what voices there are; none is loaded.
 * @param folder - that holds them: folders, and `.onnx` files with what belongs to them
 * @param named - paths of further ones by name
 * @throws {VisavisError} `bad_model` for a voice that is damaged, incomplete or of no known kind
 */
export const readVoices = async (
  folder: string,
  named: Readonly<Record<string, string>>,
  clock: Clock,
): Promise<VoiceCatalog> => {
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw new VisavisError('bad_model', `${folder}: expected a folder of models, but it cannot be read.`, { cause });
  }
  const visible = entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => a.name.localeCompare(b.name));
  const found = await Promise.all([
    ...visible
      .filter((entry) => !entry.isFile())
      .map((entry) => readFolder(join(folder, entry.name), entry.name, clock)),
    ...visible
      .filter((entry) => entry.isFile() && entry.name.endsWith('.onnx'))
      .map((entry) => describeForeign(basename(entry.name, '.onnx'), join(folder, entry.name), clock)),
    ...Object.entries(named).map(async ([name, path]) => {
      const file = await findModelFile(path);
      if (file !== undefined) return describeForeign(name, file, clock);
      throw new VisavisError('bad_model', `The voice "${name}": ${path} holds no .onnx file.`);
    }),
  ]);
  const voices = new Map<string, Described<VoiceManifest>>();
  const foreignVoices = new Map<string, ForeignVoice>();
  for (const voice of found) {
    const { name } = voice.manifest;
    const other = voices.get(name) ?? foreignVoices.get(name);
    if (other) {
      throw new VisavisError(
        'bad_model',
        `${other.folder} and ${voice.folder} are both named ${name}. Rename one of them.`,
      );
    }
    if ('files' in voice) foreignVoices.set(name, voice);
    else voices.set(name, voice);
  }
  return { voices, foreignVoices };
};

/**
 * The voice that a name means: `name`, or `name:speaker` for one of several speakers.
 * @throws {VisavisError} `unknown_voice`, naming those there are
 */
export const findVoice = (
  { voices, foreignVoices }: VoiceCatalog,
  name: string,
): { readonly voice: InstalledVoice; readonly speaker?: string } => {
  const named = (wanted: string) => voices.get(wanted) ?? foreignVoices.get(wanted);
  const whole = named(name);
  if (whole) return { voice: whole };
  const colon = name.lastIndexOf(':');
  const voice = colon < 0 ? undefined : named(name.slice(0, colon));
  if (!voice) {
    throw new VisavisError(
      'unknown_voice',
      `There is no voice "${name}". Installed: ${[...voices.keys(), ...foreignVoices.keys()].join(', ') || 'none'}.`,
    );
  }
  const speaker = name.slice(colon + 1);
  speakerId('files' in voice ? voice.files.format.speakers : [], speaker);
  return { voice, speaker };
};

/**
 * Loads a voice of any kind.
 * @param pronunciations - the user's own, for our voices
 * @throws {VisavisError} `bad_model` when a file is not what it should be
 */
export const loadVoice = async (
  voice: InstalledVoice,
  options: SessionOptions,
  pronunciations: PronunciationTable = {},
): Promise<VoiceModel> => {
  if ('files' in voice) return loadVitsVoice(voice.files, options);
  const synthesizer = await SpeechSynthesizer.load(
    voice,
    options,
    pronunciationsFor(pronunciations, voice.manifest.voice.language),
  );
  return {
    hopSamples: voice.manifest.voice.hopSamples,
    windowFrames: SpeechSynthesizer.windowFrames,
    encode: async (text, speechOptions) => synthesizer.encode(text, speechOptions),
    decode: (speech, first, end) => synthesizer.decode(speech as GrowingSpeech, first, end),
    release: () => synthesizer.release(),
  };
};
