/** Pictures that users bring as portraits: what they are, what can be told of the face in them, and the square that a renderer takes. */
import { readFile, stat } from 'node:fs/promises';
import { VisavisError } from './errors.ts';
import type { FaceRenderer } from './models/face-renderer.ts';
import type { MotionReader } from './models/motion-reader.ts';
import { type PictureHeader, readPictureHeader } from './models/picture-header.ts';
import { likenessDb, windowOf } from './pipeline/imitation.ts';
import { type Square, readSquare } from './stream/media/codecs/media-source.ts';

/** Photographs have a few megabytes; more is a mistake, or an attack on memory. */
const MAX_BYTES = 20_000_000;
const MAX_SIDE = 4096;
/** Drawn again, faces that the reader knows are at 27 dB or more, other pictures at 24 or less (docs/imitation.md). */
export const FAMILIAR_DB = 25;

/** What a picture says of itself. */
export interface PictureFile extends PictureHeader {
  readonly path: string;
  readonly bytes: number;
}

const wrong = (path: string, got: string, way: string): VisavisError =>
  new VisavisError('unsupported_media', `${path}: expected a portrait, a PNG, JPEG or WebP, got ${got}. ${way}`);

/**
 * Looks at a file before anything of it is decoded.
 * @param size - Pixels a side that a renderer takes; a smaller picture is refused
 * @throws {VisavisError} `unsupported_media` for what is no picture, too large or too small
 */
export const inspectPicture = async (path: string, size: number): Promise<PictureFile> => {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) throw wrong(path, found ? 'a folder' : 'no file', 'Name a picture.');
  if (found.size > MAX_BYTES) {
    throw wrong(
      path,
      `${(found.size / 1e6).toFixed(0)} MB`,
      `At most ${MAX_BYTES / 1e6} MB are read: compress it more.`,
    );
  }
  const header = readPictureHeader(await readFile(path));
  if (!header) throw wrong(path, 'something else', 'Save the picture again in one of these formats.');
  const { width, height } = header;
  if (width > MAX_SIDE || height > MAX_SIDE) {
    throw wrong(path, `${width} × ${height} pixels`, `At most ${MAX_SIDE} a side are read: scale it down.`);
  }
  if (width < size || height < size) {
    throw wrong(
      path,
      `${width} × ${height} pixels`,
      `At least ${size} a side are needed: a larger picture, not a larger copy.`,
    );
  }
  return { ...header, path, bytes: found.size };
};

/** A reader of faces, and the avatars that it has learnt, to draw what it reads. */
export interface FaceSight {
  readonly reader: MotionReader;
  readonly known: readonly FaceRenderer[];
}

/** A face that the reader knows, in a part of a picture. */
export interface SeenFace {
  readonly square: Square;
  /** float32[59], what it does. */
  readonly descriptor: Float32Array;
  /** How like the picture it is when it is drawn again. */
  readonly likenessDb: number;
}

/** The middle square, and of a picture that is not one, those at its ends. */
const squaresOf = ({ width, height }: PictureHeader): Square[] => {
  const side = Math.min(width, height);
  const [spareX, spareY] = [width - side, height - side];
  const at = (part: number): Square => ({ left: Math.floor(spareX * part), top: Math.floor(spareY * part), side });
  return [...new Map([0.5, 0, 1].map((part) => [`${at(part).left} ${at(part).top}`, at(part)])).values()];
};

/** Reads a square of a picture and draws what was read: the likeness tells whether the reader knows what is there. */
const look = async ({ reader, known }: FaceSight, { path }: PictureFile, square: Square): Promise<SeenFace> => {
  const rgb = await readSquare(path, reader.size, square);
  const descriptor = await reader.read(rgb);
  const likeness: number[] = [];
  for (const face of known) {
    likeness.push(likenessDb(rgb, await face.render(windowOf([descriptor], 0, face.motionFrames, 0))));
  }
  return { square, descriptor, likenessDb: Math.max(...likeness) };
};

const overlap = (a: Square, b: Square): boolean =>
  Math.abs(a.left - b.left) < a.side / 2 && Math.abs(a.top - b.top) < a.side / 2;

/**
 * Looks for faces that the reader knows, in the middle of a picture and at its ends.
 * @returns the middle, whatever is in it, and the known faces, each once, the most alike first
 */
export const findFaces = async (
  sight: FaceSight,
  picture: PictureFile,
): Promise<{ readonly middle: SeenFace; readonly known: readonly SeenFace[] }> => {
  const seen: SeenFace[] = [];
  for (const square of squaresOf(picture)) seen.push(await look(sight, picture, square));
  const known: SeenFace[] = [];
  for (const face of seen.toSorted((a, b) => b.likenessDb - a.likenessDb)) {
    if (face.likenessDb < FAMILIAR_DB || known.some(({ square }) => overlap(square, face.square))) continue;
    known.push(face);
  }
  return { middle: seen[0]!, known };
};
