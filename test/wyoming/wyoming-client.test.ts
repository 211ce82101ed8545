/** Home Assistant's own client for Wyoming, unmodified. It is Python, so it is not among the project's packages. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startAdapterServer } from '../support/adapter-server.ts';

/** Made by `python3 -m venv test/wyoming/.venv` and `test/wyoming/.venv/bin/pip install -r test/wyoming/requirements.txt`. */
const python = fileURLToPath(new URL('.venv/bin/python', import.meta.url));
const program = fileURLToPath(new URL('speak.py', import.meta.url));

const speak = async (...given: readonly string[]) => {
  const { server } = await startAdapterServer({ wyomingPort: 0 });
  const { host } = new URL(server.wyomingAddress!);
  const { stdout } = await promisify(execFile)(python, [program, `tcp://${host}`, 'fake', ...given]);
  return JSON.parse(stdout) as unknown;
};

describe.skipIf(!existsSync(python))('Home Assistant’s client', () => {
  test('learns the voices and has a whole text spoken', async () => {
    expect(await speak('whole', 'One two three.')).toEqual({
      voices: ['fake'],
      types: ['audio-start', 'audio-chunk', 'audio-stop'],
      ms: 600,
    });
  });

  test('has text spoken that comes in pieces', async () => {
    expect(await speak('stream', 'One two ', 'three. ', 'Four.')).toEqual({
      voices: ['fake'],
      types: ['audio-start', 'audio-chunk', 'audio-stop', 'synthesize-stopped'],
      ms: 800,
    });
  });
});
