/**
 * Rewrites a decoder so that it takes its latent piece by piece: each layer remembers the columns that it still needs, so
 * that nothing is computed twice and the pieces join to what the whole gives, whatever their lengths.
 *
 * A tensor's piece has as many columns as can be told so far. A layer that sees `n` columns ahead gives its own `n` columns
 * late; where branches of different lag meet, those that are ahead wait. Zeros pad the very beginning and the very end only.
 */
import { ancestors, descendants } from './graph-walk.ts';
import { copyNode, createNode, type OnnxNode, type OnnxWeight, withAttributes, withInputs } from './onnx-file.ts';
import { END, type Memory, StreamBuilder, type Switch } from './stream-builder.ts';
import { type Lane, laneOf, type Trial } from './tensor-lanes.ts';

/** Operations whose output at a column depends on their inputs at the same column only, all of the same shape or spread. */
const POINTWISE = new Set(
  (
    'Add Sub Mul Div Pow Neg Abs Exp Log Sqrt Sin Cos Tan Atan Tanh Sigmoid Relu LeakyRelu Elu Selu Erf Softplus Clip Min ' +
    'Max Where Cast Identity Dropout PRelu Floor Ceil Round Sign Mod Reciprocal Greater GreaterOrEqual Less LessOrEqual Equal And ' +
    'Or Not Xor'
  ).split(' '),
);
/** Of one input; 0 becomes 0. */
const KEEPS_ZERO = new Set(['LeakyRelu', 'Relu', 'Tanh', 'Elu', 'Identity', 'Erf']);
/** Operations that only move axes. */
const MOVES = new Set(['Unsqueeze', 'Squeeze', 'Transpose']);
/** Operations along an axis, which is not time, and the input that names it where no attribute does. */
const ALONG = new Map([
  ['Concat', -1],
  ['Split', -1],
  ['Gather', -1],
  ['Softmax', -1],
  ['LogSoftmax', -1],
  ['ReduceSum', 1],
  ['ReduceMean', 1],
  ['ReduceMax', 1],
  ['CumSum', 1],
]);
const DEFAULT_AXIS = new Map([
  ['Split', 0],
  ['Gather', 0],
  ['Softmax', -1],
  ['LogSoftmax', -1],
]);
const RANDOM = new Set(['RandomNormalLike']);

/** Why a graph cannot be rewritten. */
export class NotStreamable extends Error {}

/** Normal noise that the graph takes with every piece. */
export interface StreamNoise {
  readonly name: string;
  /** Without the last axis, which is time. */
  readonly shape: readonly number[];
  /** Columns a frame. */
  readonly rate: number;
}

export interface StreamedGraph {
  readonly nodes: readonly OnnxNode[];
  /** Constants beside the weights of the graph. */
  readonly weights: ReadonlyMap<string, OnnxWeight>;
  readonly memory: readonly Memory[];
  readonly switches: readonly Switch[];
  readonly noise: readonly StreamNoise[];
  /** Samples that a latent frame becomes. */
  readonly hopSamples: number;
  /** Samples that are still missing when a piece that is not the last has been taken. */
  readonly lagSamples: number;
  /** Inputs other than the first, and noise, come so many frames later: they would only wait for what is made of the first one. */
  readonly delayFrames: number;
  /** The first piece has at least as many frames, if it is not the last. */
  readonly leastFrames: number;
}

/** What is rewritten. */
export interface StreamSource {
  readonly nodes: readonly OnnxNode[];
  readonly weights: ReadonlyMap<string, OnnxWeight>;
  /** Inputs that come in pieces, the latent first. */
  readonly inputs: readonly string[];
  readonly output: string;
  /** Two runs at different lengths, with all tensors that nodes write, all inputs, and integers among the weights. */
  readonly trials: readonly [Trial, Trial];
}

/** A convolution's window over its input. */
interface Window {
  readonly left: number;
  readonly right: number;
  /** Columns from the first to the last that it sees. */
  readonly span: number;
  readonly stride: number;
}

/** A tensor behind the columns that are remembered of it, with zeros at both ends of the sequence. */
interface Widened {
  readonly name: string;
  readonly left: number;
  readonly right: number;
}

const modulo = (a: number, b: number): number => ((a % b) + b) % b;

class Rewriter {
  readonly #source: StreamSource;
  readonly #build = new StreamBuilder();
  readonly #lags = new Map<string, number>();
  readonly #producers = new Map<string, OnnxNode>();
  readonly #widened = new Map<string, Widened>();
  readonly #delayed = new Map<string, string>();
  readonly #noise: StreamNoise[] = [];
  readonly #ofLatent: ReadonlySet<string>;
  readonly #delayFrames: number;
  #leastFrames = 1;
  #spareFrames = Number.POSITIVE_INFINITY;

  constructor(source: StreamSource, delayFrames: number) {
    this.#source = source;
    this.#ofLatent = descendants(source.nodes, source.inputs.slice(0, 1));
    this.#delayFrames = delayFrames;
  }

  /** Frames that all that is not made of the latent waits for it, wherever they meet. */
  get spareFrames(): number {
    return Number.isFinite(this.#spareFrames) ? this.#spareFrames : 0;
  }

  rewrite(): StreamedGraph {
    const { inputs, nodes, output } = this.#source;
    for (const [i, name] of inputs.entries()) this.#has(name, i === 0 ? 0 : this.#delayFrames * this.#lane(name).rate);
    for (const node of nodes) {
      if (node.inputs.some((name) => this.#lags.has(name))) this.#rule(node);
      else if (node.captured.some((name) => this.#lags.has(name)))
        throw new NotStreamable(`has a ${node.op} in pieces`);
      else this.#build.add(node);
    }
    const lane = this.#lane(output);
    const lagSamples = this.#lags.get(output);
    if (lagSamples === undefined) throw new NotStreamable('does not depend on its latent');
    const others = lane.shape.filter((size, axis) => axis !== lane.axis && size !== 1);
    if (lane.extra !== 0 || others.length > 0) throw new NotStreamable('gives no whole number of samples a frame');
    const { memory, switches, weights } = this.#build;
    return {
      nodes: ancestors(this.#build.nodes, [output, ...memory.map((one) => one.output)]),
      weights,
      memory,
      switches,
      noise: this.#noise,
      hopSamples: lane.rate,
      lagSamples,
      delayFrames: this.#delayFrames,
      leastFrames: this.#leastFrames,
    };
  }

  #rule(node: OnnxNode): void {
    if (POINTWISE.has(node.op)) this.#pointwise(node);
    else if (MOVES.has(node.op)) this.#pass(node, node.inputs, this.#lagOf(node));
    else if (node.op === 'Conv') this.#convolve(node);
    else if (node.op === 'ConvTranspose') this.#convolveBack(node);
    else if (node.op === 'Slice') this.#slice(node);
    else if (node.op === 'Pad') this.#pad(node);
    else if (node.op === 'MatMul') this.#multiply(node);
    else if (node.op === 'Resize') this.#repeat(node);
    else if (RANDOM.has(node.op)) this.#draw(node);
    else if (ALONG.has(node.op)) this.#along(node);
    else throw new NotStreamable(`has a ${node.op}`);
  }

  #lane(name: string): Lane {
    const lane = laneOf(name, ...this.#source.trials);
    if (!lane) throw new NotStreamable(`has a tensor "${name}" that does not run with the frames`);
    return lane;
  }

  /** Integers that do not depend on the latent. */
  #values(name: string | undefined): number[] | undefined {
    if (name === undefined || name === '') return undefined;
    const [one] = this.#source.trials;
    const tensor = one.tensors.get(name);
    if (!tensor || this.#lags.has(name)) throw new NotStreamable(`computes "${name}" from its latent`);
    return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  }

  /** The lag of a node's first input, which has to be the only one in pieces. */
  #lagOf(node: OnnxNode): number {
    const [lag, ...others] = node.inputs.map((name) => this.#lags.get(name));
    if (lag === undefined || others.some((other) => other !== undefined)) {
      throw new NotStreamable(`has a ${node.op} of other inputs than its first`);
    }
    return lag;
  }

  /** Adds a node that gives pieces. */
  #pass(node: OnnxNode, inputs: readonly string[], lag: number): void {
    this.#build.add(inputs.every((name, i) => name === node.inputs[i]) ? node : withInputs(node, inputs));
    for (const name of node.outputs) this.#has(name, lag);
    for (const name of node.outputs) this.#producers.set(name, node);
  }

  #has(name: string, lag: number): void {
    this.#lags.set(name, lag);
    this.#leastFrames = Math.max(this.#leastFrames, Math.ceil((lag + 1) / this.#lane(name).rate));
  }

  /** Inputs that wait for the one that comes last. */
  #together(names: readonly string[]): { readonly inputs: readonly string[]; readonly lag: number } {
    const lags = names.map((name) => this.#lags.get(name));
    const lag = Math.max(...lags.filter((each) => each !== undefined));
    if (names.some((name) => this.#ofLatent.has(name))) {
      for (const [i, name] of names.entries()) {
        const [own, ofLatent] = [lags[i], this.#ofLatent.has(name)];
        if (own === undefined || ofLatent) continue;
        const spare = Math.floor((lag - own) / this.#lane(name).rate);
        this.#spareFrames = Math.min(this.#spareFrames, spare);
      }
    }
    return { inputs: names.map((name, i) => (lags[i] === undefined ? name : this.#wait(name, lag - lags[i]))), lag };
  }

  #pointwise(node: OnnxNode): void {
    const [out = ''] = node.outputs;
    const { rate, shape, axis } = this.#lane(out);
    const fromEnd = shape.length - axis;
    for (const name of node.inputs) {
      if (name === '') continue;
      if (this.#lags.has(name)) {
        const lane = this.#lane(name);
        if (lane.rate !== rate || lane.shape.length - lane.axis !== fromEnd) {
          throw new NotStreamable(`has a ${node.op} of inputs that do not run together`);
        }
      } else if ((this.#shape(name)?.at(-fromEnd) ?? 1) !== 1) {
        throw new NotStreamable(`has a ${node.op} with "${name}", whose length is fixed`);
      }
    }
    const { inputs, lag } = this.#together(node.inputs);
    this.#pass(node, inputs, lag);
  }

  #shape(name: string): readonly number[] | undefined {
    return this.#source.weights.get(name)?.shape ?? this.#source.trials[0].tensors.get(name)?.shape;
  }

  #along(node: OnnxNode): void {
    const first = node.inputs.find((name) => this.#lags.has(name)) ?? '';
    const { shape, axis: time } = this.#lane(first);
    const named = this.#values(node.inputs[ALONG.get(node.op) ?? -1]);
    const given = node.integers.get('axis') ??
      node.integers.get('axes') ??
      named ?? [DEFAULT_AXIS.get(node.op) ?? time];
    const isOverTime = given.some((axis) => modulo(axis, shape.length) === time);
    if (node.op === 'CumSum' && isOverTime) return this.#accumulate(node, time);
    if (isOverTime) throw new NotStreamable(`has a ${node.op} over time`);
    if (node.op !== 'Concat') return this.#pass(node, node.inputs, this.#lagOf(node));
    if (node.inputs.some((name) => !this.#lags.has(name))) throw new NotStreamable('has a Concat with what is fixed');
    const { inputs, lag } = this.#together(node.inputs);
    return this.#pass(node, inputs, lag);
  }

  /** A product with a fixed matrix, whose columns are time. */
  #multiply(node: OnnxNode): void {
    const [left = '', right = ''] = node.inputs;
    const lag = this.#lags.get(right);
    const { shape, axis } = this.#lane(node.outputs[0] ?? '');
    if (lag === undefined || this.#lags.has(left) || axis !== shape.length - 1) {
      throw new NotStreamable('has a MatMul over time');
    }
    this.#pass(node, node.inputs, lag);
  }

  /** Each column repeated. */
  #repeat(node: OnnxNode): void {
    const lag = this.#lagOf(node);
    const [before, after] = [this.#lane(node.inputs[0] ?? ''), this.#lane(node.outputs[0] ?? '')];
    if (node.texts.get('mode') !== 'nearest' || node.inputs[3] || before.extra !== 0 || after.extra !== 0) {
      throw new NotStreamable('has a Resize that is no repetition');
    }
    this.#pass(node, node.inputs, (lag * after.rate) / before.rate);
  }

  /** Noise becomes an input. */
  #draw(node: OnnxNode): void {
    const [name = ''] = node.outputs;
    const { shape, axis, rate, extra, dtype } = this.#lane(name);
    if (extra !== 0 || dtype !== 'float32' || axis !== shape.length - 1)
      throw new NotStreamable('draws noise of another length than its latent');
    this.#noise.push({ name, shape: shape.slice(0, -1), rate });
    this.#has(name, this.#delayFrames * rate);
  }

  /** A running sum goes on from the last column. */
  #accumulate(node: OnnxNode, axis: number): void {
    const [from = ''] = node.inputs;
    const [to = ''] = node.outputs;
    const { shape, dtype } = this.#lane(from);
    if (node.integers.get('exclusive')?.[0] || node.integers.get('reverse')?.[0]) {
      throw new NotStreamable('has a CumSum that is exclusive or goes backwards');
    }
    const build = this.#build;
    const { recalled, remember } = build.recall(dtype, shape.with(axis, 1));
    const sum = build.name();
    build.add(copyNode(node, node.inputs, [sum]));
    build.add(createNode('Add', [sum, recalled], [to]));
    build.slice(to, build.integers([-1]), build.integers([END]), axis, remember);
    this.#has(to, this.#lagOf(node));
  }

  #slice(node: OnnxNode): void {
    const [from = '', ...numbers] = node.inputs;
    const [starts = [], ends = [], axes, steps] = numbers.map((name) => this.#values(name));
    const lag = this.#lagOf(node);
    if (numbers.length < 2) throw new NotStreamable('has a Slice of an old form');
    const { shape, axis } = this.#lane(from);
    const over = (axes ?? [...starts.keys()]).findIndex((each) => modulo(each, shape.length) === axis);
    if (over < 0) return this.#pass(node, node.inputs, lag);
    const [start = 0, end = END, step = 1] = [starts[over], ends[over], steps?.[over]];
    const isOpen = end >= END || end < 0;
    if (starts.length > 1 || step !== 1 || start < 0 || !isOpen) throw new NotStreamable('has a Slice of fixed length');
    const build = this.#build;
    const [to = ''] = node.outputs;
    let kept = from;
    if (end < 0) {
      // What may turn out to be the end is held back.
      const { recalled, remember } = build.recall(this.#lane(from).dtype, shape.with(axis, 0));
      const all = build.concat([recalled, from], axis);
      kept = build.slice(all, build.integers([0]), build.integers([end]), axis);
      build.slice(all, build.integers([end]), build.integers([END]), axis, remember);
    }
    build.slice(kept, build.switched('first', start, 0), build.integers([END]), axis, to);
    this.#has(to, lag + start + (end < 0 ? -end : 0));
  }

  #pad(node: OnnxNode): void {
    const [from = '', ...numbers] = node.inputs;
    const lag = this.#lagOf(node);
    const { shape, axis, dtype } = this.#lane(from);
    const [pads = [], value = [0], axes] = numbers.map((name) => this.#values(name));
    const mode = node.texts.get('mode') ?? 'constant';
    if (!node.inputs[1]) throw new NotStreamable('has a Pad of an old form');
    const [left = 0, right = 0] = [pads[axis], pads[axis + shape.length]];
    const others = pads.filter((pad, i) => i % shape.length !== axis && pad !== 0);
    if (axes || others.length > 0 || left < 0 || right < 0 || (dtype !== 'float32' && dtype !== 'float64')) {
      throw new NotStreamable('has a Pad of another form');
    }
    const build = this.#build;
    const none = build.integers([0]);
    let ends: readonly (string | undefined)[];
    if (mode === 'edge' && left <= 1 && right <= 1) {
      const head = left === 1 ? build.slice(from, none, build.switched('first', 1, 0), axis) : undefined;
      const tail =
        right === 1 ? build.slice(from, build.switched('last', -1, END), build.integers([END]), axis) : undefined;
      ends = [head, tail];
    } else if (mode === 'constant') {
      const filled = (columns: number) => build.filled(dtype, shape.with(axis, columns), value[0] ?? 0);
      const head = left > 0 ? build.slice(filled(left), none, build.switched('first', END, 0), axis) : undefined;
      const tail = right > 0 ? build.slice(filled(right), none, build.switched('last', END, 0), axis) : undefined;
      ends = [head, tail];
    } else throw new NotStreamable(`has a Pad in the mode "${mode}"`);
    const [to = ''] = node.outputs;
    const parts = [ends[0], from, ends[1]].filter((part) => part !== undefined);
    build.add(createNode('Concat', parts, [to], { axis }));
    this.#has(to, lag - left);
  }

  #windowOf(node: OnnxNode): Window & { readonly kernel: number } {
    const { shape, axis } = this.#lane(node.inputs[0] ?? '');
    const kernel = node.integers.get('kernel_shape')?.[0] ?? this.#shape(node.inputs[1] ?? '')?.[2];
    const [left = 0, right = 0] = node.integers.get('pads') ?? [];
    const automatic = node.texts.get('auto_pad') ?? 'NOTSET';
    if (shape.length !== 3 || axis !== 2 || kernel === undefined || automatic !== 'NOTSET' || left < 0 || right < 0) {
      throw new NotStreamable(`has a ${node.op} of another form`);
    }
    const span = (node.integers.get('dilations')?.[0] ?? 1) * (kernel - 1);
    return { left, right, span, kernel, stride: node.integers.get('strides')?.[0] ?? 1 };
  }

  #convolve(node: OnnxNode): void {
    const lag = this.#lagOf(node);
    const [from = '', ...others] = node.inputs;
    const [to = ''] = node.outputs;
    const window = this.#windowOf(node);
    const { left, right, span, stride } = window;
    if (span + left + right === 0 && stride === 1) return this.#pass(node, node.inputs, lag);
    // Widened before the activation, what is remembered serves the shortcut around the convolution too.
    const producer = this.#producers.get(from);
    const activation = producer && KEEPS_ZERO.has(producer.op) ? producer : undefined;
    const source = activation?.inputs[0] ?? from;
    let { name } = this.#widen(source, lag, window);
    if (activation) {
      const activated = this.#build.name();
      this.#build.add(copyNode(activation, [name, ...activation.inputs.slice(1)], [activated]));
      name = activated;
    }
    this.#build.add(withAttributes(withInputs(node, [name, ...others]), { pads: [0, 0] }));
    const rest = modulo(left - lag - span - 1, stride);
    this.#has(to, -(left - lag - span - 1 - rest) / stride - 1);
  }

  #widen(name: string, lag: number, { left, right, span, stride }: Window): Widened {
    const key = `${name} ${left} ${right} ${span} ${stride}`;
    const known = this.#widened.get(key);
    if (known) return known;
    const { rate, shape, axis, dtype } = this.#lane(name);
    const kept = span + 1 + modulo(left - lag - span - 1, stride) - stride;
    if (rate % stride !== 0 || kept < 0 || dtype !== 'float32') {
      throw new NotStreamable('has a Conv whose steps are not in step with the frames');
    }
    const build = this.#build;
    const { recalled, remember } = build.recall(dtype, shape.with(axis, left));
    const after = build.zerosAtEnd(dtype, shape.with(axis, right), axis);
    const joined = build.concat([recalled, name, after], axis);
    build.slice(joined, build.integers([kept === 0 ? END : -kept]), build.integers([END]), axis, remember);
    const widened = { name: joined, left, right };
    this.#widened.set(key, widened);
    // Of a convolution that keeps the length, the columns between the ends come as late as what it gives.
    if (stride === 1 && span === left + right && left > 0 && right > 0) this.#widened.set(`${name} ${right}`, widened);
    return widened;
  }

  /** The same columns, `columns` later. */
  #wait(name: string, columns: number): string {
    if (columns === 0) return name;
    const key = `${name} ${columns}`;
    const known = this.#delayed.get(key);
    if (known !== undefined) return known;
    const build = this.#build;
    const { shape, axis, dtype } = this.#lane(name);
    const widened = this.#widened.get(key);
    let delayed: string;
    if (widened) {
      delayed = build.slice(widened.name, build.integers([widened.left]), build.integers([-widened.right]), axis);
    } else {
      const { recalled, remember } = build.recall(dtype, shape.with(axis, 0));
      const all = build.concat([recalled, name], axis);
      delayed = build.slice(all, build.integers([0]), build.switched('last', END, -columns), axis);
      build.slice(all, build.integers([-columns]), build.integers([END]), axis, remember);
    }
    this.#delayed.set(key, delayed);
    return delayed;
  }

  #convolveBack(node: OnnxNode): void {
    const lag = this.#lagOf(node);
    const [from = '', ...others] = node.inputs;
    const [to = ''] = node.outputs;
    const { left, right, span, stride } = this.#windowOf(node);
    const more = node.integers.get('output_padding')?.[0] ?? 0;
    const overlap = span + 1 - stride;
    if (overlap < 0 || more > right || node.integers.has('output_shape')) {
      throw new NotStreamable('has a ConvTranspose of another form');
    }
    const { shape, axis, dtype } = this.#lane(from);
    const build = this.#build;
    // Columns that a further input adds to wait for it; those of the padding are cut off at the ends.
    const end = build.switched('last', right > more ? more - right : END, overlap > 0 ? -overlap : END);
    const before = Math.ceil((span + 1) / stride) - 1;
    const given = this.#lane(to).shape;
    if (overlap > 0 && !others[1] && given[1]! * overlap < shape[1]! * before && dtype === 'float32') {
      // What overlaps is less than what it is made of, and without an offset it adds up.
      const { recalled, remember } = build.recall(dtype, given.with(axis, overlap));
      const [alone, sum] = [build.name(), build.name()];
      build.add(withAttributes(copyNode(node, [from, ...others], [alone]), { pads: [0, 0], output_padding: [0] }));
      const rest = build.slice(alone, build.integers([overlap]), build.integers([END]), axis);
      const zeros = build.name();
      build.add(createNode('Sub', [rest, rest], [zeros]));
      build.add(createNode('Add', [alone, build.concat([recalled, zeros], axis)], [sum]));
      build.slice(sum, build.integers([-overlap]), build.integers([END]), axis, remember);
      build.slice(sum, build.switched('first', left, 0), end, axis, to);
      return this.#has(to, lag * stride + left);
    }
    let name = from;
    if (before > 0) {
      const { recalled, remember } = build.recall(dtype, shape.with(axis, before));
      name = build.concat([recalled, from], axis);
      build.slice(name, build.integers([-before]), build.integers([END]), axis, remember);
    }
    const whole = build.name();
    build.add(withAttributes(copyNode(node, [name, ...others], [whole]), { pads: [0, 0], output_padding: [0] }));
    const start = build.switched('first', before * stride + left, before * stride);
    build.slice(whole, start, end, axis, to);
    return this.#has(to, lag * stride + left);
  }
}

/**
 * Rewrites a graph.
 * @throws {NotStreamable} when there is something in it that no rule is known for
 */
export const streamGraph = (source: StreamSource): StreamedGraph => {
  const first = new Rewriter(source, 0);
  const graph = first.rewrite();
  return first.spareFrames > 0 ? new Rewriter(source, first.spareFrames).rewrite() : graph;
};
