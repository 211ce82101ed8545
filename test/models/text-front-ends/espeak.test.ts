import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { openEspeakFrontEnd } from '../../../src/models/text-front-ends/espeak-front-end.ts';
import { EspeakProcess } from '../../../src/models/text-front-ends/espeak-process.ts';
import { SILENCE } from '../../../src/models/text-front-ends/front-end.ts';
import { layOut, type SymbolRun } from '../../../src/models/text-front-ends/symbol-runs.ts';
import { hasEspeak, piperConfig } from '../../support/foreign-voices.ts';
import { temporaryFolder } from '../../support/program.ts';

const ids = new Map(Object.entries(piperConfig()['phoneme_id_map'] as Record<string, number[]>));
const place = (runs: readonly SymbolRun[]) => layOut(runs, { ids, before: [1], after: [2], blank: 0 }, 'en-US');
const openFrontEnd = (voice = 'en-us', command = 'espeak-ng') =>
  openEspeakFrontEnd({ voice, clock: systemClock, command, layOut: place, sample: SILENCE });

test('when espeak-ng is not installed, the error says how to get it', async () => {
  await expect(openFrontEnd('en-us', 'espeak-ng-that-is-nowhere')).rejects.toMatchObject({
    code: 'bad_model',
    message: expect.stringMatching(/not installed. Install it \("apt-get install espeak-ng"/),
  });
});

test('a voice that names a file instead of a language is refused', async () => {
  await expect(openFrontEnd('../../etc/passwd')).rejects.toMatchObject({
    code: 'bad_model',
    message: expect.stringContaining('such as en-us, got "../../etc/passwd"'),
  });
});

/** A program in espeak-ng's place that answers each line with its letters, and dies at the word "die". */
const writeStandIn = async (): Promise<string> => {
  const path = join(await temporaryFolder(), 'stand-in');
  const script = `#!${process.execPath}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.includes('die')) process.exit(3);
  process.stdout.write(line + '\\n');
});
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
};

test('a process that dies while it reads fails that text only; the next text starts it again', async () => {
  const frontEnd = await openFrontEnd('en-us', await writeStandIn());

  await expect(frontEnd.read('now die please')).rejects.toMatchObject({
    code: 'inference_failed',
    message: expect.stringMatching(/ended while it read \(3\).*starts it again/),
  });
  const { symbols } = await frontEnd.read('and go on');
  await frontEnd.close();

  expect(symbols.join('')).toBe('and go on.');
});

test('texts that are read at the same time get their own phonemes', async () => {
  const espeak = new EspeakProcess({ voice: 'en-us', clock: systemClock, command: await writeStandIn() });
  const texts = Array.from({ length: 20 }, (_, i) => `text number ${i}`);

  const read = await Promise.all(texts.map((text) => espeak.phonemize(text)));
  await espeak.close();

  expect(read).toEqual(texts);
});

test('a text of any length and with any characters is one question', async () => {
  const espeak = new EspeakProcess({ voice: 'en-us', clock: systemClock, command: await writeStandIn() });

  const long = await espeak.phonemize('word '.repeat(1000));
  const odd = await espeak.phonemize('one\u0000two\nthree [[x]] <b>\u2028four');
  await espeak.close();

  expect(long).toBe('word '.repeat(1000).trim());
  expect(odd).toBe('one two three x b four');
});

describe.skipIf(!hasEspeak)('with espeak-ng (skipped where it is not installed)', () => {
  test('a sentence is read clause by clause, with its marks, as Piper reads it', async () => {
    const frontEnd = await openFrontEnd();
    const text = 'Hello, world! Is it me?';

    const { symbols, ids: row, words } = await frontEnd.read(text);
    await frontEnd.close();

    expect(symbols.join('')).toMatch(/^həlˈoʊ, wˈɜːld! .* mˈiː\?$/);
    expect(row.slice(0, 2)).toEqual([1, 0]);
    expect(row.at(-1)).toBe(2);
    expect(words.map((word) => text.slice(word.charStart, word.charEnd))).toEqual(['Hello', 'world', 'Is', 'it', 'me']);
  });

  test('words that are read as several, or several as one, keep their place', async () => {
    const frontEnd = await openFrontEnd();
    const text = 'In 1984 most of the people paid $3.50.';

    const { symbols, words } = await frontEnd.read(text);
    await frontEnd.close();
    const spoken = new Map(words.map((word) => [word.text, symbols.slice(word.first, word.end).join('')]));

    expect(words.map((word) => text.slice(word.charStart, word.charEnd))).toEqual(
      'In 1984 most of the people paid $3.50'.split(' '),
    );
    expect(spoken.get('1984')).toMatch(/nˈaɪntiːn.*fˈoː/);
    expect(spoken.get('people')).toContain('p');
  });

  test('phonemes between brackets are spoken as they are', async () => {
    const frontEnd = await openFrontEnd();

    const { symbols, words } = await frontEnd.read('Say [[təmˈɑːtoʊ]] now.');
    await frontEnd.close();

    expect(symbols.join('')).toContain(' təmˈɑːtoʊ ');
    expect(words.map(({ text }) => text)).toEqual(['Say', '[[təmˈɑːtoʊ]]', 'now']);
  });

  test('a language that espeak-ng does not speak is refused', async () => {
    await expect(openFrontEnd('tlh-none')).rejects.toMatchObject({
      code: 'bad_model',
      message: expect.stringMatching(/does not speak "tlh-none".*--voices/),
    });
  });
});
