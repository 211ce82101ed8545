import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { VisavisError } from '../src/errors.ts';
import { type Config, configSchema } from './schema.ts';

/** What the command line and the environment set on top of the file. */
export type ConfigOverrides = Partial<
  Pick<Config, 'host' | 'port' | 'wyomingPort' | 'voice' | 'avatar' | 'models' | 'logLevel'>
> & {
  /** Fields of `chat` that take the place of the file's. */
  readonly chat?: { readonly url?: string; readonly model?: string; readonly apiKeyVariable?: string };
  /** API keys beside the file's. */
  readonly keys?: readonly string[];
};

/** What overrides are laid over; all of it is checked afterwards. */
interface ConfigFile {
  readonly chat?: object;
  readonly access?: { readonly keys?: unknown };
}

/**
 * Reads the configuration: the file if one is named, with the overrides over it, checked and complete.
 * @throws {VisavisError} `bad_config`, with every field that is wrong.
 */
export const loadConfig = (path: string | undefined, overrides: ConfigOverrides = {}): Config => {
  const file: ConfigFile = path === undefined ? {} : readConfigFile(path);
  const { keys = [], ...fields } = overrides;
  const chat = fields.chat === undefined ? {} : { chat: { ...file.chat, ...fields.chat } };
  const access =
    keys.length === 0 ? {} : { access: { ...file.access, keys: [...[file.access?.keys ?? []].flat(), ...keys] } };
  const parsed = configSchema.safeParse({ ...file, ...fields, ...chat, ...access });
  if (parsed.success) return Object.freeze(parsed.data);
  throw new VisavisError('bad_config', `${path ?? 'configuration'}:\n${z.prettifyError(parsed.error)}`);
};

const readConfigFile = (path: string): object => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new VisavisError('bad_config', `${path} cannot be read: name a JSON file with --config`, { cause });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (cause) {
    throw new VisavisError('bad_config', `${path} is not JSON: ${String(cause)}`, { cause });
  }
  throw new VisavisError('bad_config', `${path}: expected a JSON object, such as {"port": 8080}`);
};
