/** `npm run voices`: which voices there are, what a file is, and fetching voices of Piper. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { systemClock } from './clock.ts';
import { download, type RemoteFile } from './download.ts';
import { VisavisError } from './errors.ts';
import { findInCatalogue, readCatalogue } from './models/piper-catalogue.ts';
import { loadVitsVoice } from './models/vits/load-voice.ts';
import { findModelFile, readVoiceFiles } from './models/vits/voice-files.ts';
import { readVoices } from './models/voice-catalog.ts';
import { packageRoot } from './package-root.ts';

const USAGE = `Voices: which there are, what a file is, and fetching more.

  npm run voices -- list                       what is installed
  npm run voices -- list --catalogue [PART]    what can be fetched, of those whose name contains PART
  npm run voices -- check FILE                 what a file or folder is, and whether it streams
  npm run voices -- add NAME                   fetches a voice of the catalogue, such as en_US-amy-low
  npm run voices -- add URL                    fetches a voice of Piper from an address that ends in .onnx

  --config   JSON file, described by config/schema.json; "voiceCatalogue" is the catalogue's address
`;
const BAR_WIDTH = 30;

const say = (line: string) => process.stdout.write(`${line}\n`);
const table = (rows: readonly (readonly string[])[]): void => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    say(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
};

/** A bar on a terminal, nothing elsewhere. */
const showProgress = (name: string) => (done: number, all: number | undefined) => {
  const { stderr } = process;
  if (!stderr.isTTY) return;
  const filled = all === undefined ? 0 : Math.round((done / all) * BAR_WIDTH);
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const size = all === undefined ? `${megabytes(done)} MB` : `${megabytes(done)} of ${megabytes(all)} MB`;
  stderr.write(`\r[${'█'.repeat(filled)}${'·'.repeat(BAR_WIDTH - filled)}] ${size} ${name} `);
};

const list = async (modelsDir: string, named: Readonly<Record<string, string>>): Promise<void> => {
  const { voices, foreignVoices, brokenVoices } = await readVoices(join(modelsDir, 'voices'), named, systemClock);
  table([
    ['name', 'language', 'rate', 'what'],
    ...[...voices.values(), ...foreignVoices.values()].map(({ manifest: { name, description, voice } }) => [
      name,
      voice.language,
      `${voice.sampleRateHz} Hz`,
      description,
    ]),
    ...brokenVoices.map(({ name, reason }) => [name, '', '', `cannot be used: ${reason.message}`]),
  ]);
};

const listCatalogue = async (url: string, part: string): Promise<void> => {
  const voices = (await readCatalogue(url)).filter(({ key }) => key.toLowerCase().includes(part.toLowerCase()));
  table([
    ['name', 'language', 'speakers', 'size'],
    ...voices.map(({ key, language, num_speakers: speakers, files }) => [
      key,
      language.name_english || language.code,
      `${speakers}`,
      `${(Object.values(files).reduce((sum, { size_bytes: bytes }) => sum + bytes, 0) / 1e6).toFixed(0)} MB`,
    ]),
  ]);
};

const check = async (path: string): Promise<void> => {
  const file = await findModelFile(path);
  if (file === undefined) throw new VisavisError('bad_model', `${path}: expected a voice, but no .onnx file is in it.`);
  const files = await readVoiceFiles(file, systemClock);
  const { family, sampleRateHz, language, speakers, reads } = files.format;
  say(file);
  table([
    ['format', family],
    ['language', language],
    ['rate', `${sampleRateHz} Hz`],
    [
      'speakers',
      speakers.length === 0
        ? '1'
        : `${speakers.length}: ${speakers.slice(0, 10).join(', ')}${speakers.length > 10 ? ' …' : ''}`,
    ],
    ['reads', reads],
  ]);
  const voice = await loadVitsVoice(files, { provider: 'cpu' });
  const { hopSamples, latentChannels, contextFrames, flowContextFrames, contextFrom, windowError, gain } = voice.facts;
  await voice.release();
  const difference = `differ from the whole by ${windowError.toExponential(1)} of the peak`;
  const streams = {
    memory: `yes: its decoder remembers what it still needs and sees ${contextFrames} frames ahead, pieces ${difference}`,
    graph: `yes: ${contextFrames} frames of context to each side (worked out from the graph), windows ${difference}`,
    trial: `yes: ${contextFrames} frames of context to each side (found by trying), windows ${difference}`,
    none: 'no: what windows make is not what the whole makes; each text chunk is made at once',
  };
  table([
    ['latent', `${latentChannels} channels, ${hopSamples} samples a frame`],
    ['streams', streams[contextFrom]],
    [
      'flow',
      flowContextFrames === null
        ? 'at once for each text chunk'
        : `in blocks with ${flowContextFrames} frames of context`,
    ],
    ['times', 'of words and symbols, before the sound'],
    ['gain', gain.toFixed(2)],
  ]);
};

/** Where a voice's files are, and under which names they are kept. */
interface Wanted {
  readonly name: string;
  readonly files: readonly (RemoteFile & { readonly as: string })[];
}

const wantedOf = async (source: string, catalogue: string): Promise<Wanted> => {
  if (/^https?:\/\//.test(source)) {
    const { pathname } = new URL(source);
    const as = basename(decodeURIComponent(pathname));
    if (!/^\w[\w.+-]*\.onnx$/.test(as)) {
      throw new VisavisError(
        'bad_model',
        `expected the address of a voice of Piper, ending in NAME.onnx, got "${source}"`,
      );
    }
    const beside = new URL(source);
    beside.pathname += '.json';
    return {
      name: basename(as, '.onnx'),
      files: [
        { url: beside.href, as: `${as}.json` },
        { url: source, as },
      ],
    };
  }
  const { key, files } = findInCatalogue(await readCatalogue(catalogue), source);
  const entries = Object.entries(files).map(([path, { size_bytes: bytes, md5_digest: md5 }]) => ({
    url: new URL(path, catalogue).href,
    as: basename(path),
    bytes,
    md5,
  }));
  // The small files first: the licence is read before the long wait.
  return { name: key, files: entries.sort((a, b) => a.bytes - b.bytes) };
};

const add = async (source: string, modelsDir: string, catalogue: string): Promise<void> => {
  const { name, files } = await wantedOf(source, catalogue);
  const voices = join(modelsDir, 'voices');
  const folder = join(voices, name);
  if (existsSync(folder)) {
    throw new VisavisError('bad_model', `${folder} is there already. Remove it first to fetch the voice again.`);
  }
  // The catalogue of installed voices does not look into hidden folders, so a voice is there whole or not at all.
  const unfinished = join(voices, `.${name}.part`);
  await mkdir(unfinished, { recursive: true });
  for (const { as, ...file } of files) {
    const path = join(unfinished, as);
    if (!existsSync(path)) await download(file, path, showProgress(as));
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    if (as === 'MODEL_CARD') say(`${(await readFile(path, 'utf8')).trim()}\n`);
  }
  const { format } = await readVoiceFiles(join(unfinished, `${name}.onnx`), systemClock);
  if (!files.some(({ as }) => as === 'MODEL_CARD')) say('No licence comes with this voice: ask whoever offers it.');
  await rename(unfinished, folder);
  say(`${name} is in ${folder}: ${format.language}, ${format.sampleRateHz} Hz, reads ${format.reads}.`);
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { config: { type: 'string' }, catalogue: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const [command, argument] = positionals;
  const config = loadConfig(values.config);
  const modelsDir = config.models ?? join(packageRoot, 'models');
  if (command === 'list' && values.catalogue) await listCatalogue(config.voiceCatalogue, argument ?? '');
  else if (command === 'list') await list(modelsDir, config.voices);
  else if (command === 'check' && argument !== undefined) await check(argument);
  else if (command === 'add' && argument !== undefined) await add(argument, modelsDir, config.voiceCatalogue);
  else {
    process.stdout.write(USAGE);
    process.exitCode = values.help ? 0 : 2;
  }
};

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof VisavisError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
});
