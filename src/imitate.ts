/** `npm run imitate`: an avatar that does what the face of a video does. */
import { writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { VisavisError } from './errors.ts';
import { FRAMES_PER_SECOND } from './media.ts';
import { type Catalog, find, readCatalog } from './models/catalog.ts';
import { FaceRenderer } from './models/face-renderer.ts';
import { MotionReader, findReader } from './models/motion-reader.ts';
import { npzOf } from './motion-file.ts';
import { packageRoot } from './package-root.ts';
import { FAMILIAR_DB } from './portrait.ts';
import { likenessDb, smoothTrack, windowOf } from './pipeline/imitation.ts';
import { type Progress, createProgress } from './progress.ts';
import { createFileWriter } from './stream/media/codecs/file-writer.ts';
import { type MediaInfo, probeMedia, readPictures, readSound } from './stream/media/codecs/media-source.ts';

const USAGE = `Lets an avatar do what the face of a video does.

  npm run imitate -- video.mp4 --avatar mia --out out.mp4

  --out      .mp4 or .webm with the video's sound, or .npz of the motion (required)
  --avatar   name of an avatar, the configuration's without
  --config   JSON file, described by config/schema.json

The middle square of each picture is read, at 25 frames a second. The reader knows the faces of the avatars that come with
visavis, framed as their portraits are. It has never seen a photograph: of real people it reads nothing that can be
trusted, and says so. docs/imitation.md tells why, and how a reader of other faces is trained.
`;

/** Longer videos are a mistake more often than a wish: half an hour takes as long to draw. */
const MAX_MINUTES = 30;
const MAX_FRAMES = MAX_MINUTES * 60 * FRAMES_PER_SECOND;
/** Opus and AAC both take it. */
const SOUND_RATE_HZ = 48_000;
/** One frame a second is compared with what the avatars that the reader knows look like in it. */
const COMPARE_EVERY = FRAMES_PER_SECOND;

interface Request {
  readonly video: string;
  readonly out: string;
  readonly avatar: string | undefined;
  readonly config: string | undefined;
}

const readRequest = (): Request | null => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string', short: 'o' },
      avatar: { type: 'string' },
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [video] = positionals;
  if (values.help || video === undefined || positionals.length > 1 || values.out === undefined) return null;
  if (!['.mp4', '.webm', '.npz'].includes(extname(values.out).toLowerCase())) {
    throw new VisavisError('bad_config', `--out takes a name that ends in .mp4, .webm or .npz, got "${values.out}"`);
  }
  if (resolve(values.out) === resolve(video)) {
    throw new VisavisError(
      'bad_config',
      `--out takes another file than the video itself, got "${values.out}" for both`,
    );
  }
  return { video, out: values.out, avatar: values.avatar, config: values.config };
};

const loadFace = (catalog: Catalog, name: string, provider: string): Promise<FaceRenderer> => {
  const avatar = find(catalog.avatars, name, 'unknown_avatar', 'avatar');
  return FaceRenderer.load(avatar, find(catalog.renderers, avatar.manifest.renderer, 'bad_model', 'renderer'), {
    provider,
  });
};

/** What was read: a descriptor a frame, and how much its pictures look like avatars that the reader knows, in dB. */
interface Reading {
  readonly track: readonly Float32Array[];
  readonly likenessDb: number;
}

const readTrack = async (
  video: string,
  reader: MotionReader,
  known: readonly FaceRenderer[],
  onFrame: (frames: number) => void,
): Promise<Reading> => {
  const track: Float32Array[] = [];
  const likeness: number[] = [];
  for await (const rgb of readPictures(video, reader.size, FRAMES_PER_SECOND)) {
    if (track.length >= MAX_FRAMES) {
      throw new VisavisError('unsupported_media', `${video}: expected at most ${MAX_MINUTES} minutes. Cut it shorter.`);
    }
    const descriptor = await reader.read(rgb);
    if (track.length % COMPARE_EVERY === 0) {
      const each: number[] = [];
      for (const face of known) {
        each.push(likenessDb(rgb, await face.render(windowOf([descriptor], 0, face.motionFrames, 0))));
      }
      likeness.push(Math.max(...each));
    }
    track.push(descriptor);
    onFrame(track.length);
  }
  if (track.length === 0) {
    throw new VisavisError(
      'unsupported_media',
      `${video}: expected a video, got a file of which no frame can be decoded.`,
    );
  }
  return { track, likenessDb: likeness.reduce((sum, value) => sum + value, 0) / likeness.length };
};

/** Draws the track into a file, beside the video's own sound. */
const drawTrack = async (
  { video, out }: Request,
  { hasSound }: MediaInfo,
  track: readonly Float32Array[],
  face: FaceRenderer,
  onFrame: (frames: number) => void,
): Promise<void> => {
  const sampleRateHz = hasSound ? SOUND_RATE_HZ : null;
  const writer = await createFileWriter(out, { sampleRateHz, size: face.size, fps: FRAMES_PER_SECOND });
  const sound = readSound(video, SOUND_RATE_HZ);
  const totalSamples = (track.length / FRAMES_PER_SECOND) * SOUND_RATE_HZ;
  let samples = 0;
  /** Sound up to a time, so that neither track runs ahead of the other; what is longer than the picture is left out. */
  const soundUntil = async (frames: number): Promise<void> => {
    const wanted = (frames / FRAMES_PER_SECOND) * SOUND_RATE_HZ;
    while (hasSound && samples < wanted) {
      const { value, done } = await sound.next();
      if (done) return;
      const pcm = value.subarray(0, totalSamples - samples);
      samples += pcm.length;
      await writer.writeAudio(pcm);
    }
  };
  try {
    for (const index of track.keys()) {
      await soundUntil(index + 1);
      await writer.writeVideo(await face.render(windowOf(track, index, face.motionFrames, face.motionCentre)));
      onFrame(index + 1);
    }
  } finally {
    await sound.return(undefined);
    await writer.close();
  }
};

const imitate = async (request: Request, progress: Progress): Promise<void> => {
  const config = loadConfig(request.config);
  const modelsDir = config.models ?? join(packageRoot, 'models');
  const info = await probeMedia(request.video);
  if (info.durationMs !== null && info.durationMs > MAX_MINUTES * 60_000) {
    throw new VisavisError(
      'unsupported_media',
      `${request.video}: expected at most ${MAX_MINUTES} minutes. Cut it shorter.`,
    );
  }
  const catalog = await readCatalog(modelsDir, config.voices);
  const { provider } = config.inference;
  const avatar = request.avatar ?? config.avatar;
  const face = await loadFace(catalog, avatar, provider);
  const reader = await MotionReader.load(await findReader(modelsDir), { provider });
  const known: FaceRenderer[] = [];
  for (const name of reader.avatars) {
    if (name === avatar) known.push(face);
    else if (catalog.avatars.has(name)) known.push(await loadFace(catalog, name, provider));
  }

  const expected = ((info.durationMs ?? 0) / 1000) * FRAMES_PER_SECOND;
  const { track, likenessDb: likeness } = await readTrack(request.video, reader, known, (frames) =>
    progress.show(expected > 0 ? frames / expected : 0, `${frames} frames read`),
  );
  progress.done();
  if (known.length > 0 && likeness < FAMILIAR_DB) {
    process.stderr.write(
      `The faces here look like none of ${reader.avatars.join(', ')}, whom the reader knows (${likeness.toFixed(1)} dB; ` +
        `at least ${FAMILIAR_DB} expected). What it reads of others is not to be trusted: see docs/imitation.md.\n`,
    );
  }
  const smooth = smoothTrack(track);
  if (extname(request.out).toLowerCase() === '.npz') writeFileSync(request.out, npzOf(smooth));
  else {
    await drawTrack(request, info, smooth, face, (frames) =>
      progress.show(frames / track.length, `${frames} of ${track.length} frames drawn`),
    );
  }
  progress.done();
  process.stdout.write(`${request.out}: ${(track.length / FRAMES_PER_SECOND).toFixed(2)} s\n`);
};

const main = async (): Promise<void> => {
  const request = readRequest();
  if (!request) {
    process.stdout.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const progress = createProgress();
  await imitate(request, progress).finally(() => progress.done());
};

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof VisavisError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
});
