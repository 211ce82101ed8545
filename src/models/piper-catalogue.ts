/** The public catalogue of Piper's voices, `voices.json`: what there is, where, and how to tell that it came whole. */
import { z } from 'zod';
import { VisavisError } from '../errors.ts';

const fileSchema = z.looseObject({
  size_bytes: z.int().nonnegative(),
  md5_digest: z.string().regex(/^[0-9a-f]{32}$/),
});
const voiceSchema = z.looseObject({
  // A name of a folder: no path.
  key: z.string().regex(/^\w[\w.+-]*$/),
  language: z.looseObject({ code: z.string(), name_english: z.string().default('') }),
  quality: z.string(),
  num_speakers: z.int().positive().default(1),
  files: z.record(z.string().regex(/^(?!\/)(?!.*\.\.)[\w./+-]+$/), fileSchema),
  aliases: z.array(z.string()).default([]),
});
const catalogueSchema = z.record(z.string(), voiceSchema);

/** A voice that can be fetched. */
export type CatalogueVoice = z.infer<typeof voiceSchema>;

/**
 * Reads the catalogue.
 * @throws {VisavisError} `bad_model` when it cannot be reached or is not one
 */
export const readCatalogue = async (url: string): Promise<readonly CatalogueVoice[]> => {
  let json: unknown;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`);
    json = await response.json();
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : '';
    throw new VisavisError(
      'bad_model',
      `${url}: expected the catalogue of Piper's voices, but it cannot be read: ${reason}. Set "voiceCatalogue" in the configuration to another address.`,
      { cause },
    );
  }
  const parsed = catalogueSchema.safeParse(json);
  if (parsed.success) return Object.values(parsed.data);
  throw new VisavisError(
    'bad_model',
    `${url}: expected the catalogue of Piper's voices:\n${z.prettifyError(parsed.error)}`,
  );
};

/**
 * The voice of that key or alias.
 * @throws {VisavisError} `unknown_voice`, naming similar ones
 */
export const findInCatalogue = (voices: readonly CatalogueVoice[], name: string): CatalogueVoice => {
  const found = voices.find(({ key, aliases }) => key === name || aliases.includes(name));
  if (found) return found;
  const language = name.slice(0, 2).toLowerCase();
  const similar = voices
    .map(({ key }) => key)
    .filter((key) => key.includes(name) || key.toLowerCase().startsWith(language));
  throw new VisavisError(
    'unknown_voice',
    `The catalogue has no voice "${name}". ${similar.length > 0 ? `Similar: ${similar.slice(0, 12).join(', ')}.` : 'List it with: npm run voices -- list --catalogue'}`,
  );
};
