/**
 * Pronunciations of words that no dictionary has: a joint n-gram of letters and phones (Bisani & Ney 2008), searched with a beam.
 * The model is learnt by `training/english/letter_to_sound.py`, which describes its file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { VisavisError } from '../../errors.ts';
import type { Phones } from './phones.ts';

const FILE = 'models/english/letter-to-sound.bin';
const BEAM = 8;
const BEGIN = 0;
const STOP = 1;
const ROOT = 0;
const LOG_STEP = 1 / 16;
const WEIGHT_ZERO = 192;
/** Beyond this a word is read in pieces: nothing longer is a word. */
const MAX_LETTERS = 32;

/** The trie of n-grams. Node 0 is the root; the children of a node are contiguous and sorted by pair. */
interface Trie {
  readonly pair: Uint16Array;
  readonly firstChild: Uint32Array;
  readonly logProbability: Float32Array;
  readonly backOff: Float32Array;
}

interface Model {
  readonly trie: Trie;
  readonly order: number;
  /** The phones of each pair. */
  readonly phones: readonly Phones[];
  /** First and last + 1 pair of each letter. */
  readonly pairsOf: ReadonlyMap<string, readonly [number, number]>;
}

interface Hypothesis {
  readonly score: number;
  /** Nodes of the last 0, 1, 2 … pairs; shorter where the model has not seen them together. */
  readonly context: readonly number[];
  readonly pair: number;
  readonly before: Hypothesis | undefined;
}

/** Turns a word of letters a to z into phonemes; always gives at least one. */
export type LetterToSound = (word: string) => Phones;

const findFile = (): string => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, FILE);
    if (existsSync(file)) return file;
  }
  throw new VisavisError('bad_model', `${FILE} is missing: it belongs to the repository`);
};

const parse = (file: string): Model => {
  const bytes = inflateSync(readFileSync(file));
  const headerLength = bytes.readUInt32LE(0);
  const header = JSON.parse(bytes.toString('utf8', 4, 4 + headerLength)) as { pairs: string[]; levels: number[] };
  const size = 1 + header.levels.reduce((sum, n) => sum + n, 0);
  const trie: Trie = {
    pair: new Uint16Array(size),
    firstChild: new Uint32Array(size + 1),
    logProbability: new Float32Array(size),
    backOff: new Float32Array(size),
  };
  let node = 1;
  let child = 1 + (header.levels[0] ?? 0);
  let offset = 4 + headerLength;
  trie.firstChild[ROOT] = 1;
  for (const count of header.levels) {
    for (let i = 0; i < count; i++, node++) {
      trie.pair[node] = bytes.readUInt16LE(offset + 2 * i);
      trie.firstChild[node] = child;
      child += bytes.readUInt16LE(offset + 2 * count + 2 * i);
      trie.logProbability[node] = -bytes.readUInt8(offset + 4 * count + i) * LOG_STEP;
      trie.backOff[node] = (bytes.readUInt8(offset + 5 * count + i) - WEIGHT_ZERO) * LOG_STEP;
    }
    offset += 6 * count;
  }
  trie.firstChild[size] = child;

  const pairsOf = new Map<string, readonly [number, number]>();
  for (const [i, pair] of header.pairs.entries()) {
    const letter = pair.charAt(0);
    pairsOf.set(letter, [pairsOf.get(letter)?.[0] ?? i, i + 1]);
  }
  return { trie, order: header.levels.length, pairsOf, phones: header.pairs.map((pair) => pair.split(' ').slice(1)) };
};

/** The child of a node by its pair, or -1. */
const childOf = (trie: Trie, node: number, pair: number): number => {
  let low = trie.firstChild[node] ?? 0;
  let high = trie.firstChild[node + 1] ?? 0;
  const end = high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((trie.pair[middle] ?? 0) < pair) low = middle + 1;
    else high = middle;
  }
  return low < end && trie.pair[low] === pair ? low : -1;
};

const extend = ({ trie, order }: Model, from: Hypothesis, pair: number): Hypothesis | undefined => {
  const { context } = from;
  const next = [ROOT];
  let probability = Number.NEGATIVE_INFINITY;
  let longest = -1;
  for (let length = 0; length < context.length; length++) {
    const node = childOf(trie, context[length] ?? ROOT, pair);
    if (node < 0) break; // a longer history cannot be there without its suffix having been kept or backed off from
    next.push(node);
    probability = trie.logProbability[node] ?? 0;
    longest = length;
  }
  if (longest < 0) return undefined;
  let score = from.score + probability;
  for (let length = longest + 1; length < context.length; length++) score += trie.backOff[context[length] ?? ROOT] ?? 0;
  return { score, context: next.slice(0, order), pair, before: from };
};

const decode = (model: Model, word: string): Phones => {
  const begin = childOf(model.trie, ROOT, BEGIN);
  let beam: Hypothesis[] = [{ score: 0, context: [ROOT, begin], pair: BEGIN, before: undefined }];
  for (const letter of word) {
    const range = model.pairsOf.get(letter);
    if (range === undefined) continue;
    const grown: Hypothesis[] = [];
    for (const hypothesis of beam) {
      for (let pair = range[0]; pair < range[1]; pair++) {
        const extended = extend(model, hypothesis, pair);
        if (extended !== undefined) grown.push(extended);
      }
    }
    beam = grown.sort((a, b) => b.score - a.score).slice(0, BEAM);
  }
  const ended = beam
    .map((hypothesis) => extend(model, hypothesis, STOP) ?? hypothesis)
    .sort((a, b) => b.score - a.score)
    .map((hypothesis) => phonesOf(model, hypothesis));
  const stressed = ended.find((phones) => phones.filter((phone) => phone.endsWith('1')).length === 1);
  return stressed ?? ended.find((phones) => phones.length > 0) ?? ['AH0'];
};

const phonesOf = (model: Model, last: Hypothesis): Phones => {
  const chunks: Phones[] = [];
  for (let at: Hypothesis | undefined = last; at !== undefined; at = at.before) {
    chunks.push(model.phones[at.pair] ?? []);
  }
  return chunks.toReversed().flat();
};

/**
 * Loads the rules, from the repository's file unless another is named.
 * @throws {VisavisError} `bad_model` when the file is missing.
 */
export const loadLetterToSound = (file: string = findFile()): LetterToSound => {
  const model = parse(file);
  return (word) => {
    const pieces = word.match(new RegExp(`.{1,${MAX_LETTERS}}`, 'g')) ?? [];
    return pieces.flatMap((piece) => decode(model, piece));
  };
};
