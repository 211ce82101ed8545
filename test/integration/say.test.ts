import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { expect, test } from 'vitest';
import { writePiper } from '../support/foreign-voices.ts';
import { run, temporaryFolder } from '../support/program.ts';

const say = (...args: string[]) => run('dist/src/say.js', args);

test('the same text and seed give the same bytes of sound, another seed gives others', async () => {
  const folder = await temporaryFolder();
  const [first, second, other] = ['a.wav', 'b.wav', 'c.wav'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];

  const done = await say('Hello, I am here.', '--out', first, '--seed', '7');
  await say('Hello, I am here.', '--out', second, '--seed', '7');
  await say('Hello, I am here.', '--out', other, '--seed', '8');

  const [a, b, c] = await Promise.all([readFile(first), readFile(second), readFile(other)]);
  expect(done).toMatchObject({ code: 0, errors: '' });
  expect(a.equals(b)).toBe(true);
  expect(a.equals(c)).toBe(false);
  expect(a.toString('latin1', 0, 4)).toBe('RIFF');
  const samples = new Int16Array(a.buffer, a.byteOffset + 44, (a.length - 44) >> 1);
  expect(samples.length / 16_000).toBeGreaterThan(0.6);
  expect(samples.some((sample) => Math.abs(sample) > 3000)).toBe(true);
});

test('speaks faster when asked to', async () => {
  const folder = await temporaryFolder();
  const [normal, fast] = ['n.wav', 'f.wav'].map((name) => join(folder, name)) as [string, string];

  await say('This takes a little while to say.', '--out', normal);
  await say('This takes a little while to say.', '--out', fast, '--speed', '2');

  expect((await stat(fast)).size).toBeLessThan(0.75 * (await stat(normal)).size);
});

test('writes motion as an array of 59 numbers a frame', async () => {
  const out = join(await temporaryFolder(), 'motion.npz');

  await say('Hello.', '--out', out);

  const files = unzipSync(await readFile(out));
  expect(Object.keys(files)).toEqual(['motion.npy', 'fps.npy']);
  const header = Buffer.from(files['motion.npy'] ?? []).toString('latin1', 0, 128);
  expect(header).toMatch(/^\x93NUMPY/);
  expect(header).toMatch(/'descr': '<f4'.*'shape': \(\d+, 59\)/);
});

test("speaks with the configuration's voices and pronunciations, as the server does", async () => {
  const folder = await temporaryFolder();
  const [own, plain, foreign, config] = ['own.wav', 'plain.wav', 'foreign.wav', 'config.json'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const voices = { mine: await writePiper(folder, 'mine') };
  await writeFile(config, JSON.stringify({ voices, pronunciations: { en: { hello: 'B AY1' } } }));

  await say('Hello.', '--out', plain);
  await say('Hello.', '--out', own, '--config', config);
  const done = await say('abc', '--out', foreign, '--config', config, '--voice', 'mine');

  expect((await readFile(own)).equals(await readFile(plain))).toBe(false);
  expect(done).toMatchObject({ code: 0, errors: '' });
  // At the rate of that voice.
  expect((await readFile(foreign)).readUInt32LE(24)).toBe(22_050);
}, 180_000);

test('reads the text from the standard input', async () => {
  const out = join(await temporaryFolder(), 'pipe.wav');

  const done = await run('dist/src/say.js', ['-', '--out', out], 'Good morning.');

  expect(done.code).toBe(0);
  expect((await stat(out)).size).toBeGreaterThan(10_000);
});

test.each([
  [['Hello.'], 'npm run say', 2],
  [['Hello.', '--out', 'x.ogg'], '.wav, .mp4, .webm or .npz', 1],
  [['   ', '--out', 'x.wav'], 'the text is empty', 1],
  [['Hello.', '--out', 'x.wav', '--speed', '9'], '--speed takes a number from 0.5 to 2', 1],
  [['Hello.', '--out', 'x.wav', '--voice', 'nobody'], 'rms', 1],
] as [string[], string, number][])('a wrong request is answered with the way out: %s', async (args, answer, code) => {
  const done = await say(...args);

  expect(done.output + done.errors).toContain(answer);
  expect(done.code).toBe(code);
});
