/**
 * What letters of a word stand for, seen from both of its ends: two bidirectional GRU layers (Cho et al. 2014), on the thread
 * that calls. Learnt by `training/english/letter_network.py`, which describes the file.
 */
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { createMatrixMemory, type MatrixMemory, type Numbers } from './matrix-product.ts';

/** The longest word that the network takes at once. */
const MAX_LETTERS = 64;
const FIRST_LETTER = 0x61;

export interface LetterNetwork {
  /** "a AE1": a letter, then the 0 to 2 phones that it may stand for. */
  readonly pairs: readonly string[];
  /**
   * For each letter of a word the log probability (natural) of each pair; -Infinity for other letters' pairs.
   * @param word 1 to 64 lower-case letters a to z
   * @throws {RangeError} for a longer word
   */
  readonly logProbabilities: (word: string) => readonly Float32Array[];
}

interface Tensors {
  readonly pairs: readonly string[];
  readonly memory: MatrixMemory;
  readonly tensor: (name: string) => Numbers;
  /** Units of a layer in one direction. */
  readonly width: number;
}

const parse = (file: string): Tensors => {
  const bytes = inflateSync(readFileSync(file));
  const headerLength = bytes.readUInt32LE(0);
  const header = JSON.parse(bytes.toString('utf8', 4, 4 + headerLength)) as {
    pairs: string[];
    tensors: { name: string; shape: [number, number] }[];
  };
  const width = (header.tensors.find(({ name }) => name === 'out.weight')?.shape[1] ?? 0) / 2;
  const weights = header.tensors.reduce((sum, { shape: [rows, columns] }) => sum + rows * columns, 0);
  const memory = createMatrixMemory(weights + (4 * MAX_LETTERS + 8) * width + header.pairs.length);
  const tensors = new Map<string, Numbers>();
  let at = 4 + headerLength;
  for (const { name, shape } of header.tensors) {
    const [rows, columns] = shape;
    const numbers = memory.take(rows * columns);
    const whole = at + 4 * rows;
    for (let row = 0; row < rows; row++) {
      const scale = bytes.readFloatLE(at + 4 * row);
      for (let i = row * columns; i < (row + 1) * columns; i++) numbers.values[i] = bytes.readInt8(whole + i) * scale;
    }
    tensors.set(name, numbers);
    at = whole + rows * columns + ((4 - ((rows * columns) % 4)) % 4);
  }
  const tensor = (name: string): Numbers => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`${file} has no tensor ${name}`);
    return found;
  };
  return { pairs: header.pairs, memory, tensor, width };
};

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** One direction of a layer. */
interface Direction {
  readonly backwards: boolean;
  /** Puts what the input adds to the gates r, z and n at a place into `entering`. */
  readonly enter: (place: number, entering: Numbers) => void;
  readonly recurrent: Numbers;
  readonly recurrentBias: Numbers;
}

/** Loads the network. */
export const loadLetterNetwork = (file: string): LetterNetwork => {
  const { pairs, memory, tensor, width } = parse(file);
  const [lower, upper] = [0, 1].map(() => Array.from({ length: MAX_LETTERS }, () => memory.take(2 * width)));
  const [entering, gates, state] = [memory.take(3 * width), memory.take(3 * width), memory.take(width)];
  const scores = memory.take(pairs.length);
  const [out, outBias] = [tensor('out.weight'), tensor('out.bias')];
  // The pairs of a letter stand together.
  const pairsOf = new Map<number, { first: number; end: number }>();
  for (const [i, pair] of pairs.entries()) {
    const letter = pair.charCodeAt(0) - FIRST_LETTER;
    pairsOf.set(letter, { first: pairsOf.get(letter)?.first ?? i, end: i + 1 });
  }

  /** Runs one direction; the states of all places go to `states` from column `offset` on. */
  const run = (direction: Direction, count: number, states: readonly Numbers[], offset: number) => {
    const now = state.values.fill(0);
    for (let step = 0; step < count; step++) {
      const place = direction.backwards ? count - 1 - step : step;
      direction.enter(place, entering);
      gates.values.set(direction.recurrentBias.values);
      memory.addProduct(direction.recurrent, width, state, gates, 0, 3 * width);
      const [input, own] = [entering.values, gates.values];
      for (let i = 0; i < width; i++) {
        const reset = sigmoid(input[i]! + own[i]!);
        const keep = sigmoid(input[width + i]! + own[width + i]!);
        const fresh = Math.tanh(input[2 * width + i]! + reset * own[2 * width + i]!);
        now[i] = (1 - keep) * fresh + keep * now[i]!;
      }
      states[place]!.values.set(now, offset);
    }
  };

  const directions = ['', '_reverse'].map((side) => {
    const layer = (name: string) => ({
      backwards: side !== '',
      recurrent: tensor(`${name}.weight_hh_l0${side}`),
      recurrentBias: tensor(`${name}.bias_hh_l0${side}`),
      inputBias: tensor(`${name}.bias_ih_l0${side}`).values,
    });
    return {
      lower: { ...layer('lower'), letters: tensor(`lower.letters${side}`).values },
      upper: { ...layer('upper'), input: tensor(`upper.weight_ih_l0${side}`) },
    };
  });

  const logProbabilities = (word: string): readonly Float32Array[] => {
    if (word.length > MAX_LETTERS) throw new RangeError(`a word of at most ${MAX_LETTERS} letters, got ${word.length}`);
    const letters = Array.from(word, (letter) => letter.charCodeAt(0) - FIRST_LETTER);
    for (const [side, { lower: layer }] of directions.entries()) {
      const enter = (place: number, { values }: Numbers) => {
        const row = letters[place]! * 3 * width;
        for (let i = 0; i < 3 * width; i++) values[i] = layer.inputBias[i]! + layer.letters[row + i]!;
      };
      run({ ...layer, enter }, letters.length, lower!, side * width);
    }
    for (const [side, { upper: layer }] of directions.entries()) {
      const enter = (place: number, sum: Numbers) => {
        sum.values.set(layer.inputBias);
        memory.addProduct(layer.input, 2 * width, lower![place]!, sum, 0, 3 * width);
      };
      run({ ...layer, enter }, letters.length, upper!, side * width);
    }
    return letters.map((letter, place) => {
      const { first, end } = pairsOf.get(letter) ?? { first: 0, end: 0 };
      const values = scores.values.fill(Number.NEGATIVE_INFINITY);
      values.set(outBias.values.subarray(first, end), first);
      memory.addProduct(out, 2 * width, upper![place]!, scores, first, end);
      let [largest, sum] = [Number.NEGATIVE_INFINITY, 0];
      for (let i = first; i < end; i++) largest = Math.max(largest, values[i]!);
      for (let i = first; i < end; i++) sum += Math.exp(values[i]! - largest);
      for (let i = first; i < end; i++) values[i] = values[i]! - largest - Math.log(sum);
      return values.slice();
    });
  };
  return { pairs, logProbabilities };
};
