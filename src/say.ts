/** `npm run say`: writes what the avatar says to a file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { VisavisError } from './errors.ts';
import { FRAMES_PER_SECOND } from './media.ts';
import { createInference } from './models/create-inference.ts';
import { defaultVoice } from './models/default-voice.ts';
import { npzOf } from './motion-file.ts';
import { packageRoot } from './package-root.ts';
import { createProgress } from './progress.ts';
import { type RecordingContent, record } from './recording.ts';
import { type FileWriter, createFileWriter } from './stream/media/codecs/file-writer.ts';

const USAGE = `Writes what the avatar says to a file.

  npm run say -- "Hello, I am here." --out hello.mp4
  echo "Hello from a pipe." | npm run say -- - --out hello.wav

  --out      .wav sound, .mp4 or .webm a talking head, .npz its motion (required)
  --voice    name of a voice        --avatar   name of an avatar
  --seed     0…4294967295, default 1: the same seed gives the same sound
  --speed    0.5…2, default 1
  --config   JSON file, described by config/schema.json: its voices, pronunciations and defaults, as the server's
`;

/** A face needs a moment before and after it speaks; sound alone does not. */
const FACE_MARGIN_MS = 320;

interface Request {
  readonly text: string;
  readonly out: string;
  readonly content: RecordingContent;
  readonly voice: string | undefined;
  readonly avatar: string | undefined;
  readonly seed: number;
  readonly speed: number;
  readonly config: string | undefined;
}

const CONTENT_OF: Readonly<Record<string, RecordingContent>> = {
  '.wav': 'sound',
  '.npz': 'motion',
  '.mp4': 'video',
  '.webm': 'video',
};

const numberIn = (name: string, given: string | undefined, preset: number, least: number, most: number): number => {
  const value = given === undefined ? preset : Number(given);
  if (value >= least && value <= most) return value;
  throw new VisavisError('bad_config', `--${name} takes a number from ${least} to ${most}, got "${given}"`);
};

const readRequest = (): Request | null => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string', short: 'o' },
      voice: { type: 'string' },
      avatar: { type: 'string' },
      seed: { type: 'string' },
      speed: { type: 'string' },
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help || positionals.length === 0 || values.out === undefined) return null;
  const content = CONTENT_OF[extname(values.out).toLowerCase()];
  if (!content) {
    throw new VisavisError(
      'bad_config',
      `--out takes a name that ends in .wav, .mp4, .webm or .npz, got "${values.out}"`,
    );
  }
  const given = positionals.join(' ');
  const text = given === '-' ? readFileSync(0, 'utf8') : given;
  if (text.trim() === '') throw new VisavisError('bad_text', 'there is nothing to say: the text is empty');
  return {
    text,
    out: values.out,
    content,
    voice: values.voice,
    avatar: values.avatar,
    seed: Math.floor(numberIn('seed', values.seed, 1, 0, 2 ** 32 - 1)),
    speed: numberIn('speed', values.speed, 1, 0.5, 2),
    config: values.config,
  };
};

const main = async (): Promise<void> => {
  const request = readRequest();
  if (!request) {
    process.stdout.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const config = loadConfig(request.config);
  const { text, out, content, seed, speed } = request;
  const avatar = request.avatar ?? config.avatar;
  // A face that was asked for brings its voice.
  const wished = request.voice ?? (request.avatar === undefined ? config.voice : undefined);
  const inference = await createInference({
    modelsDir: config.models ?? join(packageRoot, 'models'),
    voices: config.voices,
    voice: wished,
    avatar,
    pronunciations: config.pronunciations,
    ...config.inference,
    onBrokenVoice: ({ name, reason }) => process.stderr.write(`The voice ${name} is left out: ${reason.message}\n`),
  });
  const voice = defaultVoice(inference, { voice: wished, avatar });
  const progress = createProgress();
  const descriptors: Float32Array[] = [];
  let writer: FileWriter | undefined;
  let seconds = 0;
  let reached = 0;

  try {
    const marginMs = content === 'sound' ? 0 : FACE_MARGIN_MS;
    await record(inference, { text, voice, avatar, speed, seed, content, marginMs }, async ({ sampleRateHz, size }) => {
      const format = { sampleRateHz, size, fps: FRAMES_PER_SECOND };
      writer = content === 'motion' ? undefined : await createFileWriter(out, format);
      return {
        async sound(pcm) {
          seconds += pcm.length / sampleRateHz;
          progress.show(reached / text.length, `${seconds.toFixed(1)} s of speech`);
          await writer?.writeAudio(pcm);
        },
        motion: (descriptor) => descriptors.push(descriptor),
        video: async ({ i420 }) => writer?.writeVideo(i420),
        words(words) {
          reached = Math.max(reached, ...words.map(({ charEnd }) => charEnd));
        },
        problem({ message }) {
          progress.done();
          process.stderr.write(`Not spoken: ${message}\n`);
        },
      };
    });
    await writer?.close();
    if (content === 'motion') writeFileSync(out, npzOf(descriptors));
  } finally {
    progress.done();
    await inference.close();
  }
  process.stdout.write(`${out}: ${seconds.toFixed(2)} s\n`);
};

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof VisavisError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
});
