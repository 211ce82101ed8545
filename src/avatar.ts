/** `npm run avatar`: which avatars there are, what a picture, avatar or renderer is, and portraits of the user's own. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { VisavisError } from './errors.ts';
import { MOTION_SIZE } from './media.ts';
import { type Catalog, find, readCatalog } from './models/catalog.ts';
import { FaceRenderer } from './models/face-renderer.ts';
import type { AvatarManifest, Described, RendererManifest } from './models/manifest.ts';
import { readManifest, verifyFiles } from './models/manifest.ts';
import { MotionReader, readReader } from './models/motion-reader.ts';
import { encodePng } from './models/png.ts';
import { packageRoot } from './package-root.ts';
import { likenessDb } from './pipeline/imitation.ts';
import { EXPRESSION_NAMES } from './pipeline/motion-control.ts';
import { FAMILIAR_DB, type FaceSight, findFaces, inspectPicture, type PictureFile, type SeenFace } from './portrait.ts';
import { readSquare } from './stream/media/codecs/media-source.ts';

const USAGE = `Avatars: which there are, what a picture is, and portraits of your own.

  npm run avatar -- list                     what is installed
  npm run avatar -- check FILE|NAME|FOLDER   what a picture, an installed avatar or a renderer's folder is
  npm run avatar -- add FILE                 makes an avatar of a picture: PNG, JPEG or WebP

  --name        of the avatar; the file's without
  --renderer    that draws it; without, the one that draws the picture best
  --voice       that fits it; without, that of another avatar of the renderer
  --as-it-is    takes a picture whose face nobody here can check: you have seen that it shows one face, framed as docs/avatars.md says
  --config      JSON file, described by config/schema.json

The renderers that come with visavis have each learnt one drawn face and draw no other well. A renderer of the paper's size with weights of
many people, which you bring, draws the face of a photograph: docs/avatars.md.
`;

const CPU = { provider: 'cpu' };
/** A renderer draws the portrait of a face that it has learnt 37 dB or more from it, that of another, or an empty picture, at 28. */
const DRAWS_DB = 33;
/** A weight that shows, and an angle in degrees. */
const SHOWS = 0.25;
const TURNED_DEG = 8;

const say = (line: string) => process.stdout.write(`${line}\n`);

/** A face at rest. */
const restOf = (face: FaceRenderer): Float32Array => new Float32Array(face.motionFrames * MOTION_SIZE);

/** What a face does that is not at rest, in words; null: nothing. */
const unrest = (descriptor: Float32Array): string | null => {
  const shapes = EXPRESSION_NAMES.flatMap((name, i) =>
    descriptor[i]! > SHOWS ? [`${name} ${descriptor[i]!.toFixed(2)}`] : [],
  );
  const angles = ['yaw', 'pitch', 'roll'].flatMap((name, i) => {
    const degrees = descriptor[EXPRESSION_NAMES.length + i]!;
    return Math.abs(degrees) > TURNED_DEG ? [`${name} ${degrees.toFixed(0)}°`] : [];
  });
  return shapes.length + angles.length > 0 ? [...angles, ...shapes].join(', ') : null;
};

/** The reader of the models, with the avatars that it knows; null: there is none. */
const openSight = async (modelsDir: string, catalog: Catalog): Promise<FaceSight | null> => {
  const found = await readReader(modelsDir);
  if (!found) return null;
  const reader = await MotionReader.load(found, CPU);
  const known: FaceRenderer[] = [];
  for (const name of reader.avatars) {
    const avatar = catalog.avatars.get(name);
    if (avatar) known.push(await loadFace(catalog, avatar));
  }
  return known.length > 0 ? { reader, known } : null;
};

const loadFace = (catalog: Catalog, avatar: Described<AvatarManifest>): Promise<FaceRenderer> =>
  FaceRenderer.load(avatar, find(catalog.renderers, avatar.manifest.renderer, 'bad_model', 'renderer'), CPU);

const placeOf = ({ square: { left, top, side } }: SeenFace): string => `${side} × ${side} pixels at ${left}, ${top}`;

/**
 * What can be told of the face in a picture.
 * @throws {VisavisError} `unsupported_media` when there are several, it is not in the middle, or nobody can tell whether there is one
 */
const checkFace = async (picture: PictureFile, sight: FaceSight | null, asItIs: boolean): Promise<string> => {
  const way =
    'Look at it yourself: one face, from the front, at rest, framed as docs/avatars.md says. If so, add it with --as-it-is.';
  const refuse = (got: string, out: string) =>
    new VisavisError('unsupported_media', `${picture.path}: expected a portrait of one face, got ${got}. ${out}`);
  if (!sight) {
    if (asItIs) return 'face: not checked, there is no reader of faces';
    throw refuse('a picture that nobody can check: there is no reader of faces among the models', way);
  }
  const { middle, known } = await findFaces(sight, picture);
  const [first, ...others] = known;
  if (first && others.length > 0) {
    throw refuse(`${known.length} faces: ${known.map(placeOf).join('; ')}`, 'Crop it to one of them.');
  }
  const names = sight.reader.avatars.join(', ');
  if (first && first.square !== middle.square) {
    throw refuse(`one whose face is not in the middle (${placeOf(first)})`, 'Crop it to that square.');
  }
  if (first) {
    const doing = unrest(first.descriptor);
    const rest = doing === null ? 'at rest' : `not at rest: ${doing}. Portraits are drawn best from a face at rest`;
    return `face: one that the reader knows (${names}), ${first.likenessDb.toFixed(1)} dB when it is drawn again; ${rest}`;
  }
  const told = `the reader knows ${names} alone, and sees none of them (${middle.likenessDb.toFixed(1)} dB when it is drawn again, at least ${FAMILIAR_DB} expected)`;
  if (asItIs) return `face: not checked; ${told}`;
  throw refuse(`a picture with no face that can be told: ${told}`, way);
};

/** How like a portrait it is what a renderer makes of it at rest, in dB. */
const drawnLikeness = async (
  folder: string,
  rgb: Uint8Array,
  avatar: AvatarManifest,
  renderer: Described<RendererManifest>,
): Promise<number> => {
  const face = await FaceRenderer.load({ folder, manifest: avatar }, renderer, CPU);
  const drawn = await face.render(restOf(face));
  await face.release();
  return likenessDb(rgb, drawn);
};

const list = ({ avatars }: Catalog): void => {
  for (const { manifest } of avatars.values()) {
    say(`${manifest.name}: renderer ${manifest.renderer}, voice ${manifest.voice}. ${manifest.description}`.trim());
  }
};

const checkAvatar = async (catalog: Catalog, name: string): Promise<void> => {
  const avatar = find(catalog.avatars, name, 'unknown_avatar', 'avatar');
  const renderer = find(catalog.renderers, avatar.manifest.renderer, 'bad_model', 'renderer');
  await verifyFiles(renderer);
  const face = await loadFace(catalog, avatar);
  await face.render(restOf(face));
  await face.release();
  say(
    `${name}: ${face.size} × ${face.size} pixels, drawn by ${renderer.manifest.name}, voice ${avatar.manifest.voice}`,
  );
  say(renderer.manifest.description);
};

/** Loads a renderer from its folder with whatever portrait fits, and draws with it. */
const checkRenderer = async (folder: string): Promise<void> => {
  const { manifest } = await readManifest(folder);
  if (manifest.kind !== 'renderer') {
    throw new VisavisError('bad_model', `${folder}: expected a renderer, got a model of kind ${manifest.kind}.`);
  }
  const described = { folder, manifest };
  await verifyFiles(described);
  const { size, layout, motionFrames } = manifest.renderer;
  const face = await FaceRenderer.loadWith(new Float32Array(3 * size * size).fill(0.5), described, CPU);
  await face.render(restOf(face));
  await face.release();
  const numbers = typeof layout === 'string' ? layout : `${layout.name}, ${layout.size} numbers by ${layout.file}`;
  say(`${manifest.name}: a renderer of ${size} × ${size} pixels from ${motionFrames} descriptors (${numbers})`);
  say(manifest.description);
};

const check = async (what: string, modelsDir: string, catalog: Catalog): Promise<void> => {
  const found = await stat(what).catch(() => null);
  if (!found && catalog.avatars.has(what)) {
    await checkAvatar(catalog, what);
    return;
  }
  if (found?.isDirectory()) {
    await checkRenderer(what);
    return;
  }
  if (!found && extname(what) === '') find(catalog.avatars, what, 'unknown_avatar', 'avatar');
  const sizes = [...catalog.renderers.values()].map(({ manifest }) => manifest.renderer.size);
  const picture = await inspectPicture(what, Math.min(...sizes));
  say(`${picture.path}: ${picture.format}, ${picture.width} × ${picture.height} pixels, ${picture.bytes} bytes`);
  say(await checkFace(picture, await openSight(modelsDir, catalog), false));
};

interface Wishes {
  readonly name: string | undefined;
  readonly renderer: string | undefined;
  readonly voice: string | undefined;
  readonly asItIs: boolean;
}

const nameOf = (path: string, wished: string | undefined): string => {
  const name = wished ?? basename(path, extname(path));
  if (/^\w[\w.-]{0,127}$/.test(name)) return name;
  throw new VisavisError(
    'bad_config',
    `expected a name of letters, digits, _ . and -, got "${name}". Give one with --name.`,
  );
};

const add = async (path: string, wishes: Wishes, modelsDir: string, catalog: Catalog): Promise<void> => {
  const name = nameOf(path, wishes.name);
  const folder = join(modelsDir, 'avatars', name);
  if (existsSync(folder) || catalog.avatars.has(name)) {
    throw new VisavisError(
      'bad_config',
      `${folder} is there already. Remove it first, or give another name with --name.`,
    );
  }
  const wanted = wishes.renderer;
  const candidates =
    wanted === undefined ? [...catalog.renderers.values()] : [find(catalog.renderers, wanted, 'bad_model', 'renderer')];
  const smallest = Math.min(...candidates.map(({ manifest }) => manifest.renderer.size));
  const picture = await inspectPicture(path, smallest);
  say(await checkFace(picture, await openSight(modelsDir, catalog), wishes.asItIs));

  // Hidden until it is whole: the catalog does not look into such folders.
  const unfinished = join(modelsDir, 'avatars', `.${name}.part`);
  await mkdir(unfinished, { recursive: true });
  try {
    const side = Math.min(picture.width, picture.height);
    const square = { left: (picture.width - side) >> 1, top: (picture.height - side) >> 1, side };
    let best: { readonly manifest: AvatarManifest; readonly db: number; readonly png: Uint8Array } | null = null;
    for (const renderer of candidates) {
      const { size } = renderer.manifest.renderer;
      if (side < size) continue;
      const rgb = await readSquare(path, size, square);
      const png = encodePng({ width: size, height: size, rgb });
      await writeFile(join(unfinished, 'portrait.png'), png);
      const manifest: AvatarManifest = {
        format: 'visavis-avatar/1',
        name,
        description: `Made of ${basename(path)}.`,
        portrait: 'portrait.png',
        renderer: renderer.manifest.name,
        voice: voiceOf(catalog, renderer.manifest.name, wishes.voice),
        licence: 'brought by the user',
      };
      const db = await drawnLikeness(unfinished, rgb, manifest, renderer);
      if (best === null || db > best.db) best = { manifest, db, png };
    }
    if (best === null) throw new VisavisError('bad_model', 'There is no renderer to draw it.');
    await writeFile(join(unfinished, 'portrait.png'), best.png);
    await writeFile(join(unfinished, 'avatar.json'), `${JSON.stringify(best.manifest, null, 2)}\n`);
    await rename(unfinished, folder);
    say(`${name} is in ${folder}: drawn by ${best.manifest.renderer}, voice ${best.manifest.voice}.`);
    const likeness = `At rest it is drawn ${best.db.toFixed(1)} dB from the portrait`;
    if (best.db >= DRAWS_DB) say(`${likeness}.`);
    else {
      say(
        `${likeness}: ${best.manifest.renderer} has not learnt this face and does not draw it well. A renderer that knows faces in general ` +
          'does: docs/avatars.md tells how to bring one.',
      );
    }
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
};

/** The voice that was wished, or that of another avatar of the renderer, or the first. */
const voiceOf = ({ avatars, voices, foreignVoices }: Catalog, renderer: string, wished: string | undefined): string => {
  const names = new Map([...voices.keys(), ...foreignVoices.keys()].map((name) => [name, name]));
  if (wished !== undefined) return find(names, wished, 'unknown_voice', 'voice');
  const alike = [...avatars.values()].find(({ manifest }) => manifest.renderer === renderer);
  return alike?.manifest.voice ?? names.keys().next().value ?? '';
};

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      renderer: { type: 'string' },
      voice: { type: 'string' },
      'as-it-is': { type: 'boolean' },
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [command, argument, ...more] = positionals;
  const isKnown = command === 'list' || ((command === 'check' || command === 'add') && argument !== undefined);
  if (values.help || !isKnown || more.length > 0) {
    process.stdout.write(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const config = loadConfig(values.config);
  const modelsDir = config.models ?? join(packageRoot, 'models');
  const catalog = await readCatalog(modelsDir, config.voices);
  const { name, renderer, voice, 'as-it-is': asItIs = false } = values;
  if (command === 'list') list(catalog);
  else if (command === 'check') await check(argument ?? '', modelsDir, catalog);
  else await add(argument ?? '', { name, renderer, voice, asItIs }, modelsDir, catalog);
};

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof VisavisError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
});
