/** What is installed in the models folder: `voices/`, `motion/`, `renderers/` and `avatars/`, one folder each. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { VisavisError, type ErrorCode } from '../errors.ts';
import {
  readAvatar,
  readManifest,
  type AvatarManifest,
  type Described,
  type ModelManifest,
  type MotionManifest,
  type RendererManifest,
  type VoiceManifest,
} from './manifest.ts';
import { type BrokenVoice, type ForeignVoice, readVoices } from './voice-catalog.ts';

/** Models by name, in alphabetical order. */
export interface Catalog {
  /** Voices of our own. */
  readonly voices: ReadonlyMap<string, Described<VoiceManifest>>;
  /** Voices in the formats of other projects. */
  readonly foreignVoices: ReadonlyMap<string, ForeignVoice>;
  /** What is in the folder of voices and cannot be used. */
  readonly brokenVoices: readonly BrokenVoice[];
  readonly motions: ReadonlyMap<string, Described<MotionManifest>>;
  readonly renderers: ReadonlyMap<string, Described<RendererManifest>>;
  readonly avatars: ReadonlyMap<string, Described<AvatarManifest>>;
}

const foldersIn = async (path: string): Promise<string[]> => {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => join(path, entry.name))
      .sort();
  } catch (cause) {
    throw new VisavisError('bad_model', `${path}: expected a folder of models, but it cannot be read.`, { cause });
  }
};

const readAll = async <Manifest extends { readonly name: string }>(
  path: string,
  read: (folder: string) => Promise<Described<Manifest>>,
): Promise<ReadonlyMap<string, Described<Manifest>>> => {
  const found = new Map<string, Described<Manifest>>();
  for (const entry of await Promise.all((await foldersIn(path)).map(read))) {
    const { name } = entry.manifest;
    const other = found.get(name);
    if (other) {
      throw new VisavisError(
        'bad_model',
        `${other.folder} and ${entry.folder} are both named ${name}. Rename one of them.`,
      );
    }
    found.set(name, entry);
  }
  return found;
};

const readKind =
  <Kind extends ModelManifest['kind']>(kind: Kind) =>
  async (folder: string): Promise<Described<Extract<ModelManifest, { kind: Kind }>>> => {
    const { manifest } = await readManifest(folder);
    if (manifest.kind !== kind) {
      throw new VisavisError(
        'bad_model',
        `${folder}: expected a model of kind ${kind}, got ${manifest.kind}. Move it.`,
      );
    }
    return { folder, manifest: manifest as Extract<ModelManifest, { kind: Kind }> };
  };

const names = (entries: ReadonlyMap<string, unknown>): string => [...entries.keys()].join(', ') || 'none';

/**
 * The entry of that name.
 * @throws {VisavisError} `code`, naming those there are
 */
export const find = <T>(entries: ReadonlyMap<string, T>, name: string, code: ErrorCode, what: string): T => {
  const found = entries.get(name);
  if (found !== undefined) return found;
  throw new VisavisError(code, `There is no ${what} "${name}". Installed: ${names(entries)}.`);
};

/**
 * Reads the manifests of all installed models; no model is loaded.
 * @param namedVoices - paths by name of voices that are elsewhere
 * @throws {VisavisError} `bad_model` for a manifest that is wrong, or an avatar whose renderer or voice is missing
 */
export const readCatalog = async (
  modelsDir: string,
  namedVoices: Readonly<Record<string, string>> = {},
): Promise<Catalog> => {
  const [{ voices, foreignVoices, brokenVoices }, motions, renderers, avatars] = await Promise.all([
    readVoices(join(modelsDir, 'voices'), namedVoices, systemClock),
    readAll(join(modelsDir, 'motion'), readKind('motion')),
    readAll(join(modelsDir, 'renderers'), readKind('renderer')),
    readAll(join(modelsDir, 'avatars'), readAvatar),
  ]);
  for (const { folder, manifest } of avatars.values()) {
    if (!renderers.has(manifest.renderer) || !(voices.has(manifest.voice) || foreignVoices.has(manifest.voice))) {
      const broken = brokenVoices.find(({ name }) => name === manifest.voice);
      if (broken) throw broken.reason;
      throw new VisavisError(
        'bad_model',
        `${folder}: needs renderer ${manifest.renderer} and voice ${manifest.voice}; ` +
          `installed are renderers ${names(renderers)} and voices ${names(voices)}.`,
      );
    }
  }
  return { voices, foreignVoices, brokenVoices, motions, renderers, avatars };
};
