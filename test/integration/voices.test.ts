import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { graphOf, piperConfig, writePiper } from '../support/foreign-voices.ts';
import { run, temporaryFolder } from '../support/program.ts';

const voices = (...args: string[]) => run('dist/src/voices.js', args);
/** Each run starts a program; a busy machine takes seconds for one. */
const PATIENCE_MS = 180_000;

/** A catalogue with one voice on the loopback address; it breaks the connection in the middle of the first `breaks` answers. */
const startCatalogue = async ({ breaks = 0, damaged = false } = {}) => {
  const files = new Map<string, Buffer>([
    ['/en/tiny/en_US-tiny-low.onnx', Buffer.from(await graphOf('piper'))],
    ['/en/tiny/en_US-tiny-low.onnx.json', Buffer.from(JSON.stringify(piperConfig()))],
    ['/en/tiny/MODEL_CARD', Buffer.from('# Model card for tiny\n\n* License: public domain\n')],
  ]);
  const described = [...files].map(([path, content]) => [
    path.slice(1),
    { size_bytes: content.length, md5_digest: createHash('md5').update(content).digest('hex') },
  ]);
  const voice = {
    key: 'en_US-tiny-low',
    language: { code: 'en_US', name_english: 'English' },
    quality: 'low',
    num_speakers: 1,
    files: Object.fromEntries(described) as object,
    aliases: ['tiny'],
  };
  files.set('/voices.json', Buffer.from(JSON.stringify({ [voice.key]: voice })));
  if (damaged) files.get('/en/tiny/en_US-tiny-low.onnx')!.fill(0, 5000, 5010);
  const ranges: string[] = [];
  let left = breaks;
  const server = createServer((request, response) => {
    const content = files.get(request.url ?? '');
    if (!content) {
      response.writeHead(404).end();
      return;
    }
    const { range } = request.headers;
    const from = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    if (range !== undefined) ranges.push(range);
    const rest = content.subarray(from);
    const head =
      range === undefined ? {} : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(range === undefined ? 200 : 206, { 'content-length': rest.length, ...head });
    if (left > 0 && content.length > 100_000) {
      left--;
      // An end, not a reset: what was sent arrives.
      response.write(rest.subarray(0, 50_000), () => request.socket.end());
    } else response.end(rest);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const models = await temporaryFolder();
  await mkdir(join(models, 'voices'));
  const config = join(models, 'config.json');
  await writeFile(config, JSON.stringify({ models, voiceCatalogue: `${url}/voices.json` }));
  return { url, models, config, ranges, files };
};

test(
  'a voice of the catalogue is fetched over a bad connection, with its licence shown, and is there whole',
  async () => {
    const { models, config, files } = await startCatalogue({ breaks: 2 });

    const listed = await voices('list', '--catalogue', 'tiny', '--config', config);
    const added = await voices('add', 'tiny', '--config', config);

    expect(listed.output).toMatch(/en_US-tiny-low\s+English\s+1/);
    expect(added).toMatchObject({ code: 0, errors: '' });
    expect(added.output).toMatch(/License: public domain[\s\S]*en_US-tiny-low is in .*en-US, 22050 Hz, reads letters/);
    expect(await readdir(join(models, 'voices'))).toEqual(['en_US-tiny-low']);
    const onnx = await readFile(join(models, 'voices/en_US-tiny-low/en_US-tiny-low.onnx'));
    expect(Buffer.compare(onnx, files.get('/en/tiny/en_US-tiny-low.onnx')!)).toBe(0);
    expect((await voices('list', '--config', config)).output).toMatch(
      /en_US-tiny-low\s+en-US\s+22050 Hz\s+VITS in the format of piper/,
    );
    expect((await voices('add', 'tiny', '--config', config)).errors).toContain('is there already');
  },
  PATIENCE_MS,
);

test(
  'a connection that keeps breaking leaves nothing installed',
  async () => {
    const { models, config } = await startCatalogue({ breaks: 100 });

    const broken = await voices('add', 'tiny', '--config', config);

    expect(broken).toMatchObject({ code: 1, errors: expect.stringContaining('goes on from there') });
    expect((await readdir(join(models, 'voices'))).filter((name) => !name.startsWith('.'))).toEqual([]);
  },
  PATIENCE_MS,
);

test(
  'what an earlier attempt fetched is not fetched again',
  async () => {
    const { models, config, ranges, files } = await startCatalogue();
    const unfinished = join(models, 'voices/.en_US-tiny-low.part');
    const onnx = files.get('/en/tiny/en_US-tiny-low.onnx')!;
    await mkdir(unfinished);
    await writeFile(join(unfinished, 'en_US-tiny-low.onnx.part'), onnx.subarray(0, 123_456));

    const added = await voices('add', 'tiny', '--config', config);

    expect(added.code).toBe(0);
    expect(ranges).toEqual(['bytes=123456-']);
    expect(Buffer.compare(await readFile(join(models, 'voices/en_US-tiny-low/en_US-tiny-low.onnx')), onnx)).toBe(0);
  },
  PATIENCE_MS,
);

test(
  'a damaged file is refused and removed',
  async () => {
    const { models, config } = await startCatalogue({ damaged: true });

    const added = await voices('add', 'tiny', '--config', config);

    expect(added).toMatchObject({ code: 1, errors: expect.stringMatching(/expected MD5 \w+, got \w+/) });
    expect(await readdir(join(models, 'voices/.en_US-tiny-low.part'))).not.toContain('en_US-tiny-low.onnx');
  },
  PATIENCE_MS,
);

test(
  'a voice is fetched by its address, and an unknown name is answered with similar ones',
  async () => {
    const { url, models, config } = await startCatalogue();

    const unknown = await voices('add', 'en_GB-nobody', '--config', config);
    const missing = await voices('add', `${url}/en/none.onnx`, '--config', config);
    const added = await voices('add', `${url}/en/tiny/en_US-tiny-low.onnx`, '--config', config);

    expect(unknown.errors).toContain('Similar: en_US-tiny-low');
    expect(missing.errors).toContain('404');
    expect(added.output).toContain('No licence comes with this voice');
    expect(await readdir(join(models, 'voices'))).toContain('en_US-tiny-low');
  },
  PATIENCE_MS,
);

test(
  'a file is told what it is, and whether it streams',
  async () => {
    const file = await writePiper(await temporaryFolder(), 'mine');
    const other = join(await temporaryFolder(), 'other.onnx');
    await writeFile(other, 'not a model');

    const checked = await voices('check', file);
    const refused = await voices('check', other);

    expect(checked.output).toMatch(/format\s+piper/);
    expect(checked.output).toMatch(/streams\s+yes: its decoder remembers what it still needs and sees 11 frames ahead/);
    expect(refused).toMatchObject({ code: 1, errors: expect.stringContaining('Fetch the file again') });
  },
  PATIENCE_MS,
);

test(
  'a voice that cannot be used is listed with what is wrong, beside those that can',
  async () => {
    const models = await temporaryFolder();
    await mkdir(join(models, 'voices'));
    await writePiper(join(models, 'voices'), 'good');
    await writeFile(join(models, 'voices/bad.onnx'), 'not a model');
    const config = join(models, 'config.json');
    await writeFile(config, JSON.stringify({ models }));

    const { output, code } = await voices('list', '--config', config);

    expect(code).toBe(0);
    expect(output).toMatch(/good\s+en-US\s+22050 Hz/);
    expect(output).toMatch(/bad\s+cannot be used: .*bad.onnx.*Fetch the file again/);
  },
  PATIENCE_MS,
);
