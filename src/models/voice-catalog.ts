/** The installed voices: our own, each in a folder with a manifest, and those of other projects, a file or a folder each. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { VisavisError, asVisavisError } from '../errors.ts';
import { type PronunciationTable, pronunciationsFor } from './english/index.ts';
import type { GrowingSound } from './growing-sound.ts';
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

/** A voice of the folder that cannot be used: it is left out. */
export interface BrokenVoice {
  /** As the file or folder is named. */
  readonly name: string;
  /** What is wrong, and what to do. */
  readonly reason: VisavisError;
}

/** Voices by name, no name twice. */
export interface VoiceCatalog {
  readonly brokenVoices: readonly BrokenVoice[];
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

/** A voice, or what is wrong with it. */
const attempt = async (name: string, read: Promise<InstalledVoice>): Promise<InstalledVoice | BrokenVoice> => {
  try {
    return await read;
  } catch (error) {
    return { name, reason: asVisavisError(error, 'bad_model') };
  }
};

const bothNamed = (a: InstalledVoice, b: InstalledVoice): VisavisError =>
  new VisavisError('bad_model', `${a.folder} and ${b.folder} are both named ${a.manifest.name}. Rename one of them.`);

/**
 * Reads what voices there are; none is loaded. One of the folder that is damaged, incomplete or of no known kind is left out, and told.
 * @param folder - that holds them: folders, and `.onnx` files with what belongs to them
 * @param named - paths of further ones by name
 * @throws {VisavisError} `bad_model` when the folder cannot be read, or one of the named ones is wrong
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
  const inFolder = await Promise.all([
    ...visible
      .filter((entry) => !entry.isFile())
      .map((entry) => attempt(entry.name, readFolder(join(folder, entry.name), entry.name, clock))),
    ...visible
      .filter((entry) => entry.isFile() && entry.name.endsWith('.onnx'))
      .map((entry) => {
        const name = basename(entry.name, '.onnx');
        return attempt(name, describeForeign(name, join(folder, entry.name), clock));
      }),
  ]);
  const elsewhere = await Promise.all(
    Object.entries(named).map(async ([name, path]) => {
      const file = await findModelFile(path);
      if (file !== undefined) return describeForeign(name, file, clock);
      throw new VisavisError('bad_model', `The voice "${name}": ${path} holds no .onnx file.`);
    }),
  );
  const voices = new Map<string, Described<VoiceManifest>>();
  const foreignVoices = new Map<string, ForeignVoice>();
  const brokenVoices: BrokenVoice[] = [];
  const sameAs = ({ manifest: { name } }: InstalledVoice) => voices.get(name) ?? foreignVoices.get(name);
  const add = (voice: InstalledVoice) => {
    if ('files' in voice) foreignVoices.set(voice.manifest.name, voice);
    else voices.set(voice.manifest.name, voice);
  };
  for (const voice of inFolder) {
    if ('reason' in voice) {
      brokenVoices.push(voice);
      continue;
    }
    const other = sameAs(voice);
    if (other) brokenVoices.push({ name: basename(voice.folder), reason: bothNamed(other, voice) });
    else add(voice);
  }
  for (const voice of elsewhere) {
    const other = sameAs(voice);
    if (other) throw bothNamed(other, voice);
    add(voice);
  }
  return { voices, foreignVoices, brokenVoices };
};

/**
 * The voice that a name means: `name`, or `name:speaker` for one of several speakers.
 * @throws {VisavisError} `unknown_voice`, naming those there are; what is wrong with one that is broken
 */
export const findVoice = (
  { voices, foreignVoices, brokenVoices }: VoiceCatalog,
  name: string,
): { readonly voice: InstalledVoice; readonly speaker?: string } => {
  const named = (wanted: string) => voices.get(wanted) ?? foreignVoices.get(wanted);
  const whole = named(name);
  if (whole) return { voice: whole };
  const colon = name.lastIndexOf(':');
  const voice = colon < 0 ? undefined : named(name.slice(0, colon));
  if (!voice) {
    const broken = brokenVoices.find((one) => one.name === name);
    if (broken) throw broken.reason;
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
    decode: (speech, first, end) => synthesizer.decode(speech as GrowingSound, first, end),
    release: () => synthesizer.release(),
  };
};
