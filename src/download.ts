/** Files from the web: resumed where they broke off, checked, and never half there. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { VisavisError } from './errors.ts';

/** What is known of a file before it is fetched. */
export interface RemoteFile {
  readonly url: string;
  /** Its length, if somebody told it. */
  readonly bytes?: number;
  /** Its MD5 in hexadecimal, if somebody told it. Guards against damage, not against malice. */
  readonly md5?: string;
}

/** Of files whose length nobody told. The largest voices have about 120 MB. */
const MAX_BYTES = 1_000_000_000;
/** A connection that breaks is taken up again so many times. */
const ATTEMPTS = 4;

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

const failed = (url: string, why: string, cause?: unknown) =>
  new VisavisError('bad_model', `${url}: ${why} What was fetched is kept; the same command goes on from there.`, {
    cause,
  });

/** Asks for what is missing, from byte `from`. */
const request = async (url: string, from: number): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(url, { headers: from > 0 ? { range: `bytes=${from}-` } : {} });
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : '';
    throw failed(url, `cannot be reached (${reason}).`, cause);
  }
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  throw new VisavisError(
    'bad_model',
    `${url}: expected a file, the server answers ${response.status} ${response.statusText}. Check the name or address.`,
  );
};

/** Fetches the rest of a file into `part`. @returns its size now, and how long it should become, if known */
const fetchRest = async (
  { url, bytes }: RemoteFile,
  part: string,
  onProgress: (done: number, all: number | undefined) => void,
): Promise<number | undefined> => {
  const have = await sizeOf(part);
  const response = await request(url, have);
  if (response.status === 416) {
    // Nothing is missing, or what is there belongs to another version.
    const whole = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]);
    await response.body?.cancel();
    if (whole === have) return whole;
    await rm(part, { force: true });
    return fetchRest({ url, ...(bytes !== undefined && { bytes }) }, part, onProgress);
  }
  const resumes = response.status === 206;
  const start = resumes ? have : 0;
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const all = bytes ?? (Number.isNaN(length) || response.headers.has('content-encoding') ? undefined : start + length);
  const limit = all ?? MAX_BYTES;
  const handle = await open(part, resumes ? 'a' : 'w');
  try {
    let done = start;
    for await (const chunk of response.body ?? []) {
      done += (chunk as Uint8Array).length;
      if (done > limit) {
        await rm(part, { force: true });
        throw new VisavisError('bad_model', `${url}: expected ${limit} bytes, but more come. This is another file.`);
      }
      await handle.write(chunk as Uint8Array);
      onProgress(done, all);
    }
  } catch (cause) {
    if (cause instanceof VisavisError) throw cause;
    throw failed(url, 'the connection broke.', cause);
  } finally {
    await handle.close();
  }
  return all;
};

const md5Of = async (path: string): Promise<string> => {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

/**
 * Fetches a file to `path`. Until it is whole and right it is called `path.part`, and another call goes on with that.
 * @param onProgress - is told the bytes that are there, and how many there will be, if known
 * @throws {VisavisError} `bad_model` when the server has no such file, the connection breaks again and again, or what comes is
 *   not what was announced
 */
export const download = async (
  file: RemoteFile,
  path: string,
  onProgress: (done: number, all: number | undefined) => void = () => undefined,
): Promise<void> => {
  const { url, bytes, md5 } = file;
  if (!/^https?:\/\//.test(url)) {
    throw new VisavisError('bad_model', `expected an address that begins with https:// or http://, got "${url}"`);
  }
  const part = `${path}.part`;
  for (let attempt = 1; ; attempt++) {
    try {
      if (bytes === undefined || (await sizeOf(part)) !== bytes) {
        const all = await fetchRest(file, part, onProgress);
        const size = await sizeOf(part);
        if (all !== undefined && size < all) throw failed(url, `broke off after ${size} of ${all} bytes.`);
      }
      break;
    } catch (error) {
      const kept = error instanceof VisavisError && error.message.includes('What was fetched is kept');
      if (attempt === ATTEMPTS || !kept) throw error;
    }
  }
  const found = md5 === undefined ? undefined : await md5Of(part);
  if (found !== md5) {
    await rm(part, { force: true });
    throw new VisavisError(
      'bad_model',
      `${url}: expected MD5 ${md5}, got ${found}. The file was damaged on its way or changed; it was removed, try again.`,
    );
  }
  await rename(part, path);
};
