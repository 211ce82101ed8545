/**
 * Pronunciations of words that no dictionary has: a joint n-gram of letters and phones (Bisani & Ney 2008), searched with a beam.
 * A small recurrent network sees the word from both ends and votes on each letter; the two are added as a log-linear model.
 * The n-gram is learnt by `training/english/letter_to_sound.py`, which describes its file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { VisavisError } from '../../errors.ts';
import { type LetterNetwork, loadLetterNetwork } from './letter-network.ts';
import type { Phones } from './phones.ts';

const NGRAM_FILE = 'models/english/letter-to-sound.bin';
const NETWORK_FILE = 'models/english/letter-network.bin';
/** Weight of the network's log probabilities beside the n-gram's: 0.5 measured worse. */
const NETWORK_WEIGHT = 0.7;
/** What a pair costs that the network has never seen. */
const UNSEEN = -8;
/** Hypotheses kept after each letter: fewer lose accuracy (8: 3 points), more only time. */
const BEAM = 24;
const HURRIED_BEAM = 3;
/** Hypotheses so much less likely than the best one (natural log) are dropped. */
const BEAM_WIDTH = 8;
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
  /** Each pair as the file has it: "a AE1". */
  readonly names: readonly string[];
  /** The phones of each pair. */
  readonly phones: readonly Phones[];
  /** 1 for each pair with a primary stress. */
  readonly stresses: Uint8Array;
  /** For each pair, the last history that has scored it; counts in `round`. Scratch of the search. */
  readonly scored: Uint32Array;
  round: number;
  /** First and last + 1 pair of each letter. */
  readonly pairsOf: ReadonlyMap<string, readonly [number, number]>;
}

/** For each letter of a word, what the network adds to the score of each pair. */
type Votes = (word: string) => readonly Float32Array[];

interface Hypothesis {
  readonly score: number;
  /** Nodes of the last 0, 1, 2 … pairs; shorter where the model has not seen them together. */
  readonly context: readonly number[];
  readonly pair: number;
  /** Whether a vowel has the primary stress already: a word has it once. */
  readonly stressed: boolean;
  readonly before: Hypothesis | undefined;
}

/** Turns a word of letters a to z into phonemes, always at least one; in a hurry several times faster and less well. */
export type LetterToSound = (word: string, hurried?: boolean) => Phones;

const findFile = (name: string): string => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, name);
    if (existsSync(file)) return file;
  }
  throw new VisavisError('bad_model', `${name} is missing: it belongs to the repository`);
};

/** Bytes at an address of their own: an array of numbers must not begin between two. */
const copy = (bytes: Buffer, offset: number, length: number): ArrayBuffer =>
  Uint8Array.from(bytes.subarray(offset, offset + length)).buffer;

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
    const [pairs, children] = [0, 1].map((i) => new Uint16Array(copy(bytes, offset + 2 * count * i, 2 * count)));
    const probabilities = bytes.subarray(offset + 4 * count, offset + 5 * count);
    const weights = bytes.subarray(offset + 5 * count, offset + 6 * count);
    trie.pair.set(pairs ?? [], node);
    for (let i = 0; i < count; i++, node++) {
      trie.firstChild[node] = child;
      child += children?.[i] ?? 0;
      trie.logProbability[node] = -(probabilities[i] ?? 0) * LOG_STEP;
      trie.backOff[node] = ((weights[i] ?? 0) - WEIGHT_ZERO) * LOG_STEP;
    }
    offset += 6 * count;
  }
  trie.firstChild[size] = child;

  const pairsOf = new Map<string, readonly [number, number]>();
  for (const [i, pair] of header.pairs.entries()) {
    const letter = pair.charAt(0);
    pairsOf.set(letter, [pairsOf.get(letter)?.[0] ?? i, i + 1]);
  }
  const phones = header.pairs.map((pair) => pair.split(' ').slice(1));
  const stresses = Uint8Array.from(phones, (chunk) => (chunk.some((phone) => phone.endsWith('1')) ? 1 : 0));
  const scored = new Uint32Array(phones.length);
  return { trie, order: header.levels.length, names: header.pairs, pairsOf, phones, stresses, scored, round: 0 };
};

/** The first child of a node whose pair is `pair` or a later one; the node's end of children when there is none. */
const lowerBound = (trie: Trie, node: number, pair: number): number => {
  let low = trie.firstChild[node] ?? 0;
  let high = trie.firstChild[node + 1] ?? 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((trie.pair[middle] ?? 0) < pair) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The child of a node by its pair, or undefined. */
const childOf = (trie: Trie, node: number, pair: number): number | undefined => {
  const child = lowerBound(trie, node, pair);
  return child < (trie.firstChild[node + 1] ?? 0) && trie.pair[child] === pair ? child : undefined;
};

/** A hypothesis with one more pair, not built yet. */
interface Candidate {
  readonly score: number;
  readonly from: Hypothesis;
  readonly pair: number;
}

/**
 * Adds all ways to go on with a pair of `first` to before `end`, scored by the longest history that has seen the pair, else
 * backed off; those far below the best of `candidates` are left out.
 */
const extend = (
  model: Model,
  from: Hypothesis,
  [first, end]: readonly [number, number],
  votes: Float32Array | undefined,
  candidates: Candidate[],
): void => {
  const { trie, scored, stresses } = model;
  const round = ++model.round;
  let { score } = from;
  let floor = (candidates[0]?.score ?? Number.NEGATIVE_INFINITY) - BEAM_WIDTH;
  for (let length = from.context.length - 1; length >= 0; length--) {
    const node = from.context[length] ?? ROOT;
    const last = trie.firstChild[node + 1] ?? 0;
    for (let child = lowerBound(trie, node, first); child < last; child++) {
      const pair = trie.pair[child] ?? 0;
      if (pair >= end) break;
      const total = score + (trie.logProbability[child] ?? 0) + (votes?.[pair] ?? 0);
      if (scored[pair] === round || total < floor || (from.stressed && stresses[pair] === 1)) continue;
      scored[pair] = round;
      candidates.push({ score: total, from, pair });
      const best = candidates[0];
      // The best one stands first, so that the floor rises with it.
      if (best !== undefined && total > best.score) {
        candidates[0] = candidates[candidates.length - 1] ?? best;
        candidates[candidates.length - 1] = best;
        floor = total - BEAM_WIDTH;
      }
    }
    score += trie.backOff[node] ?? 0;
  }
};

const build = ({ trie, order, stresses }: Model, { score, from, pair }: Candidate): Hypothesis => {
  const context = [ROOT];
  // A history is kept only with all its endings, so the first one missing ends the search.
  for (const node of from.context) {
    const child = context.length < order ? childOf(trie, node, pair) : undefined;
    if (child === undefined) break;
    context.push(child);
  }
  return { score, context, pair, stressed: from.stressed || stresses[pair] === 1, before: from };
};

/** The best hypotheses, one for each history: of two with the same history the likelier stays the likelier. */
const select = (model: Model, candidates: Candidate[], size: number): Hypothesis[] => {
  candidates.sort((a, b) => b.score - a.score);
  const worst = (candidates[0]?.score ?? 0) - BEAM_WIDTH;
  const beam = new Map<number, Hypothesis>();
  for (const candidate of candidates) {
    if (candidate.score < worst || beam.size === size) break;
    const hypothesis = build(model, candidate);
    const history = 2 * (hypothesis.context.at(-1) ?? ROOT) + Number(hypothesis.stressed);
    if (!beam.has(history)) beam.set(history, hypothesis);
  }
  return [...beam.values()];
};

const decode = (model: Model, word: string, size: number, votes?: readonly Float32Array[]): Phones => {
  const begin = childOf(model.trie, ROOT, BEGIN) ?? ROOT;
  let beam: Hypothesis[] = [{ score: 0, context: [ROOT, begin], pair: BEGIN, stressed: false, before: undefined }];
  const follow = (pairs: readonly [number, number], place?: number) => {
    const candidates: Candidate[] = [];
    const voted = place === undefined ? undefined : votes?.[place];
    for (const hypothesis of beam) extend(model, hypothesis, pairs, voted, candidates);
    return candidates;
  };
  for (const [place, letter] of Array.from(word).entries()) {
    const pairs = model.pairsOf.get(letter);
    if (pairs !== undefined) beam = select(model, follow(pairs, place), size);
  }
  const ended = follow([STOP, STOP + 1]).sort((a, b) => b.score - a.score);
  const best = ended.find(({ from }) => from.stressed) ?? ended[0];
  const phones = best === undefined ? [] : phonesOf(model, best.from);
  return phones.length > 0 ? phones : ['AH0'];
};

const phonesOf = (model: Model, last: Hypothesis): Phones => {
  const chunks: Phones[] = [];
  for (let at: Hypothesis | undefined = last; at !== undefined; at = at.before) {
    chunks.push(model.phones[at.pair] ?? []);
  }
  return chunks.toReversed().flat();
};

/** Turns the network's pairs into the n-gram's. */
const createVotes = (model: Model, { pairs, logProbabilities }: LetterNetwork): Votes => {
  const indexOf = new Map(pairs.map((pair, i) => [pair, i]));
  const networkPair = model.names.map((name) => indexOf.get(name) ?? -1);
  return (word) =>
    logProbabilities(word).map((scores) =>
      Float32Array.from(networkPair, (pair) => NETWORK_WEIGHT * Math.max(UNSEEN, scores[pair] ?? UNSEEN)),
    );
};

/** Files of the two models; the repository's unless others are named. */
export interface LetterToSoundFiles {
  readonly ngram?: string;
  readonly network?: string;
}

/**
 * Loads the rules.
 * @throws {VisavisError} `bad_model` when a file is missing.
 */
export const loadLetterToSound = (files: LetterToSoundFiles = {}): LetterToSound => {
  const model = parse(files.ngram ?? findFile(NGRAM_FILE));
  const votes = createVotes(model, loadLetterNetwork(files.network ?? findFile(NETWORK_FILE)));
  return (word, hurried = false) => {
    const pieces = word.match(new RegExp(`[a-z]{1,${MAX_LETTERS}}`, 'g')) ?? [];
    return pieces.flatMap((piece) =>
      hurried ? decode(model, piece, HURRIED_BEAM) : decode(model, piece, BEAM, votes(piece)),
    );
  };
};
