/** The files beside a voice: reading and checking them. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { VisavisError } from '../../errors.ts';

const isMissing = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** The text of a file, or undefined when there is none. @throws {VisavisError} `bad_model` when it cannot be read */
export const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new VisavisError('bad_model', `${path} cannot be read: ${String(cause)}`, { cause });
  }
};

/**
 * A JSON file, or undefined when there is none.
 * @param what - whose form it should have, for the message
 * @throws {VisavisError} `bad_model`, naming the fields that are wrong
 */
export const readSidecar = async <T extends z.ZodType>(
  path: string,
  schema: T,
  what: string,
): Promise<z.infer<T> | undefined> => {
  const text = await readText(path);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new VisavisError(
      'bad_model',
      `${path}: expected ${what}, but it is not JSON: ${String(cause)}. Fetch it again.`,
      {
        cause,
      },
    );
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new VisavisError('bad_model', `${path}: expected ${what}:\n${z.prettifyError(parsed.error)}`);
};
/**
 * `tokens.txt`: a symbol and its id a line; an id alone is the space's.
 * @throws {VisavisError} `bad_model` for a line that is neither
 */
export const parseTokens = (path: string, text: string): Map<string, readonly number[]> => {
  const ids = new Map<string, readonly number[]>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [, symbol = ' ', id] = /^(?:(\S+)\s+|\s*)(\d+)\s*$/.exec(line) ?? [];
    if (id === undefined) {
      throw new VisavisError('bad_model', `${path}, line ${i + 1}: expected a symbol and its id, got "${line}".`);
    }
    if (!ids.has(symbol)) ids.set(symbol, [Number(id)]);
  }
  return ids;
};
