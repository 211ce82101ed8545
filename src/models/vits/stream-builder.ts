/**
 * Puts a graph together that is run piece by piece: constants, columns that are remembered from one piece to the next, and
 * numbers that differ in the first and the last piece.
 */
import type { AnyDtype } from '../onnx-session.ts';
import { createNode, createWeight, type OnnxNode, type OnnxWeight } from './onnx-file.ts';

/** Beyond the end of any piece. */
export const END = 2 ** 31 - 1;

/** What a layer remembers: an input of the graph, and the output that goes into it with the next piece. */
export interface Memory {
  readonly input: string;
  readonly output: string;
  readonly dtype: AnyDtype;
  /** Of the zeros that stand before the first piece. */
  readonly shape: readonly number[];
}

/** A number that is `here` in the first, or in the last piece, and `elsewhere` in others. */
export interface Switch {
  readonly piece: 'first' | 'last';
  readonly here: number;
  readonly elsewhere: number;
}

/** Name of the input int64[n] with the values of all switches. */
export const SWITCHES = 'visavis.switches';

/** A graph in the making. */
export class StreamBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly weights = new Map<string, OnnxWeight>();
  readonly memory: Memory[] = [];
  readonly switches: Switch[] = [];
  readonly #named = new Map<string, string>();
  #count = 0;

  /** A name that no tensor has. */
  name(): string {
    return `visavis.stream.${this.#count++}`;
  }

  add(node: OnnxNode): void {
    this.nodes.push(node);
  }

  /** Integers int64[n]. */
  integers(values: readonly number[]): string {
    return this.#once(`integers ${values.join(' ')}`, (name) =>
      this.weights.set(name, createWeight(name, 'int64', [values.length], values)),
    );
  }

  /** A tensor of one number. */
  filled(dtype: 'float32' | 'float64', shape: readonly number[], value: number): string {
    const count = shape.reduce((product, size) => product * size, 1);
    return this.#once(`filled ${dtype} ${shape.join(' ')} ${value}`, (name) =>
      this.weights.set(
        name,
        createWeight(
          name,
          dtype,
          shape,
          Array.from({ length: count }, () => value),
        ),
      ),
    );
  }

  /** A number int64[1] that depends on where the piece is. */
  switched(piece: Switch['piece'], here: number, elsewhere: number): string {
    if (here === elsewhere) return this.integers([here]);
    return this.#once(`${piece} ${here} ${elsewhere}`, (name) => {
      this.add(createNode('Gather', [SWITCHES, this.integers([this.switches.length])], [name]));
      this.switches.push({ piece, here, elsewhere });
    });
  }

  /** Columns `start` to before `end`, both int64[1]. */
  slice(from: string, start: string, end: string, axis: number, to = this.name()): string {
    this.add(createNode('Slice', [from, start, end, this.integers([axis])], [to]));
    return to;
  }

  /** `columns` of zeros in the last piece, else none; undefined when they are none at all. */
  zerosAtEnd(dtype: 'float32' | 'float64', shape: readonly number[], axis: number): string | undefined {
    if (shape[axis] === 0) return undefined;
    return this.#once(`end ${dtype} ${axis} ${shape.join(' ')}`, (name) => {
      const end = this.switched('last', END, 0);
      this.slice(this.filled(dtype, shape, 0), this.integers([0]), end, axis, name);
    });
  }

  concat(parts: readonly (string | undefined)[], axis: number): string {
    const some = parts.filter((part) => part !== undefined);
    const [only] = some;
    if (only !== undefined && some.length === 1) return only;
    const to = this.name();
    this.add(createNode('Concat', some, [to], { axis }));
    return to;
  }

  /** A tensor that is remembered; `remember` says what of it the next piece needs. */
  recall(dtype: AnyDtype, shape: readonly number[]): { readonly recalled: string; readonly remember: string } {
    const number = this.memory.length;
    const memory = { input: `visavis.recalled.${number}`, output: `visavis.remembered.${number}`, dtype, shape };
    this.memory.push(memory);
    return { recalled: memory.input, remember: memory.output };
  }

  #once(key: string, make: (name: string) => void): string {
    let name = this.#named.get(key);
    if (name === undefined) {
      name = this.name();
      this.#named.set(key, name);
      make(name);
    }
    return name;
  }
}
