/**
 * ONNX files (github.com/onnx/onnx, onnx.proto) read far enough to follow the tensors from node to node, and to write a part
 * of the graph as a file of its own. Weights stay views into the file that was read.
 */
import {
  bytesField,
  type Field,
  fieldsOf,
  messageOf,
  type Parts,
  sameField,
  textOf,
  varintField,
  varintsOf,
} from './protobuf.ts';

// Field numbers of onnx.proto.
const MODEL = { graph: 7, metadata: 14 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, sparse: 15 } as const;
const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, float: 2, int: 3, text: 4, tensor: 5, graph: 6, ints: 8, graphs: 11, type: 20 } as const;
/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPE = { int: 2, ints: 7 } as const;
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9, external: 13, location: 14 } as const;
const EXTERNAL = 1;

/** Element types by their number in ONNX. */
export const ELEMENT_TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

/** One operation. */
export interface OnnxNode {
  readonly op: string;
  /** Names of tensors; '' for one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Tensors of the graph that only the node's subgraphs read. */
  readonly captured: readonly string[];
  /** Integer attributes and lists of them by name, such as `kernel_shape`. */
  readonly integers: ReadonlyMap<string, readonly number[]>;
  /** Attributes of text by name, such as `auto_pad`. */
  readonly texts: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
}

/** A tensor at the border of a graph; a type or dimension that the file does not tell is missing. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType | undefined;
  /** Names stand for lengths that vary. */
  readonly shape: readonly (number | string)[] | undefined;
  readonly bytes: Uint8Array;
}

/** A weight. */
export interface OnnxWeight {
  readonly name: string;
  readonly shape: readonly number[];
  /** Where the numbers are when they are not in the file. */
  readonly external: ReadonlyMap<string, string> | undefined;
  readonly bytes: Uint8Array;
}

export interface OnnxModel {
  /** Fields beside the graph: versions and operator sets. */
  readonly head: readonly Field[];
  readonly nodes: readonly OnnxNode[];
  readonly weights: ReadonlyMap<string, OnnxWeight>;
  /** Without the weights, which old files list among them. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: ReadonlyMap<string, string>;
}

const texts = (fields: readonly Field[], number: number): string[] =>
  fields.filter((field) => field.number === number).map(({ bytes }) => textOf(bytes));
const bytesOf = (fields: readonly Field[], number: number): Uint8Array[] =>
  fields.filter((field) => field.number === number).map(({ bytes }) => bytes);
/** Repeated integers, packed into one field or not. */
const integers = (fields: readonly Field[], number: number): number[] =>
  fields
    .filter((field) => field.number === number)
    .flatMap(({ wire, varint, bytes }) => (wire === 0 ? [varint] : varintsOf(bytes)));

const entriesOf = (messages: readonly Uint8Array[]): Map<string, string> =>
  new Map(
    messages.map((message) => {
      const fields = fieldsOf(message);
      return [texts(fields, 1)[0] ?? '', texts(fields, 2)[0] ?? ''];
    }),
  );

/** What a subgraph reads from around it. */
const capturedBy = (graph: Uint8Array): string[] => {
  const fields = fieldsOf(graph);
  const own = new Set<string>();
  const read = new Set<string>(bytesOf(fields, GRAPH.output).flatMap((value) => texts(fieldsOf(value), 1)));
  for (const value of bytesOf(fields, GRAPH.input)) for (const name of texts(fieldsOf(value), 1)) own.add(name);
  for (const weight of bytesOf(fields, GRAPH.initializer)) {
    for (const name of texts(fieldsOf(weight), TENSOR.name)) own.add(name);
  }
  for (const node of bytesOf(fields, GRAPH.node).map(readNode)) {
    for (const name of [...node.inputs, ...node.captured]) read.add(name);
    for (const name of node.outputs) own.add(name);
  }
  return [...read].filter((name) => !own.has(name));
};

const readNode = (bytes: Uint8Array): OnnxNode => {
  const fields = fieldsOf(bytes);
  const numbers = new Map<string, readonly number[]>();
  const words = new Map<string, string>();
  const captured: string[] = [];
  for (const attribute of bytesOf(fields, NODE.attribute)) {
    const parts = fieldsOf(attribute);
    for (const word of texts(parts, ATTRIBUTE.text)) words.set(texts(parts, ATTRIBUTE.name)[0] ?? '', word);
    const values = [...integers(parts, ATTRIBUTE.int), ...integers(parts, ATTRIBUTE.ints)];
    if (values.length > 0) numbers.set(texts(parts, ATTRIBUTE.name)[0] ?? '', values);
    for (const graph of [...bytesOf(parts, ATTRIBUTE.graph), ...bytesOf(parts, ATTRIBUTE.graphs)]) {
      captured.push(...capturedBy(graph));
    }
    for (const tensor of bytesOf(parts, ATTRIBUTE.tensor)) {
      if (fieldsOf(tensor).some(({ number, varint }) => number === TENSOR.location && varint === EXTERNAL)) {
        throw new RangeError('a constant inside the graph is kept in another file');
      }
    }
  }
  return {
    op: texts(fields, NODE.op)[0] ?? '',
    inputs: texts(fields, NODE.input),
    outputs: texts(fields, NODE.output),
    captured,
    integers: numbers,
    texts: words,
    bytes,
  };
};

const typeNames = new Map<number, ElementType>(
  Object.entries(ELEMENT_TYPES).map(([name, number]) => [number, name as ElementType]),
);

/** ValueInfoProto.type(2).tensor_type(1): elem_type(1), shape(2).dim(1): dim_value(1) or dim_param(2). */
const readValue = (bytes: Uint8Array): OnnxValue => {
  const fields = fieldsOf(bytes);
  const [type] = bytesOf(fields, 2);
  const [tensor] = type ? bytesOf(fieldsOf(type), 1) : [];
  const parts = tensor ? fieldsOf(tensor) : [];
  const [shape] = bytesOf(parts, 2);
  const dims = shape ? bytesOf(fieldsOf(shape), 1).map(fieldsOf) : undefined;
  return {
    name: texts(fields, 1)[0] ?? '',
    type: typeNames.get(integers(parts, 1)[0] ?? 0),
    shape: dims?.map((dim) => texts(dim, 2)[0] ?? integers(dim, 1)[0] ?? ''),
    bytes,
  };
};

const readWeight = (bytes: Uint8Array): OnnxWeight => {
  const fields = fieldsOf(bytes);
  return {
    name: texts(fields, TENSOR.name)[0] ?? '',
    shape: integers(fields, TENSOR.dims),
    external: integers(fields, TENSOR.location).includes(EXTERNAL)
      ? entriesOf(bytesOf(fields, TENSOR.external))
      : undefined,
    bytes,
  };
};

/**
 * Reads the bytes of a `.onnx` file.
 * @throws {RangeError} when they are cut off or are no ONNX graph
 */
export const readOnnx = (file: Uint8Array): OnnxModel => {
  const model = fieldsOf(file);
  const [graph, ...more] = bytesOf(model, MODEL.graph);
  if (!graph || more.length > 0) throw new RangeError('it holds no graph');
  const fields = fieldsOf(graph);
  const nodes = bytesOf(fields, GRAPH.node).map(readNode);
  if (nodes.length === 0) throw new RangeError('its graph is empty');
  if (fields.some(({ number }) => number === GRAPH.sparse)) throw new RangeError('it has sparse weights');
  const weights = new Map(
    bytesOf(fields, GRAPH.initializer)
      .map(readWeight)
      .map((weight) => [weight.name, weight]),
  );
  return {
    head: model.filter(({ number }) => number !== MODEL.graph && number !== MODEL.metadata),
    nodes,
    weights,
    inputs: bytesOf(fields, GRAPH.input)
      .map(readValue)
      .filter(({ name }) => !weights.has(name)),
    outputs: bytesOf(fields, GRAPH.output).map(readValue),
    metadata: entriesOf(bytesOf(model, MODEL.metadata)),
  };
};

/**
 * Names at the border of the graph and the file's metadata, without a look at nodes and weights.
 * @throws {RangeError} when the bytes are cut off or are no ONNX graph
 */
export const readOnnxBorder = (
  file: Uint8Array,
): { readonly inputs: string[]; readonly outputs: string[]; readonly metadata: Map<string, string> } => {
  const model = fieldsOf(file);
  const [graph] = bytesOf(model, MODEL.graph);
  if (!graph) throw new RangeError('it holds no graph');
  const fields = fieldsOf(graph);
  const names = (number: number) => bytesOf(fields, number).flatMap((value) => texts(fieldsOf(value), 1));
  return {
    inputs: names(GRAPH.input),
    outputs: names(GRAPH.output),
    metadata: entriesOf(bytesOf(model, MODEL.metadata)),
  };
};

/** A weight with the numbers from another file put into it. */
export const withNumbers = (weight: OnnxWeight, raw: Uint8Array): OnnxWeight => ({
  ...weight,
  external: undefined,
  bytes: messageOf([
    ...fieldsOf(weight.bytes)
      .filter(({ number }) => number !== TENSOR.external && number !== TENSOR.location && number !== TENSOR.raw)
      .map(sameField),
    bytesField(TENSOR.raw, raw),
  ]),
});

/** Integer attributes of a node by name. */
export type Attributes = Readonly<Record<string, number | readonly number[]>>;

const attributeField = ([name, value]: readonly [string, number | readonly number[]]): Parts =>
  bytesField(NODE.attribute, [
    bytesField(ATTRIBUTE.name, name),
    ...[value].flat().map((one) => varintField(typeof value === 'number' ? ATTRIBUTE.int : ATTRIBUTE.ints, one)),
    varintField(ATTRIBUTE.type, typeof value === 'number' ? ATTRIBUTE_TYPE.int : ATTRIBUTE_TYPE.ints),
  ]);

const integersOf = (attributes: Attributes): [string, number[]][] =>
  Object.entries(attributes).map(([name, value]) => [name, [value].flat()]);

/** A node of one of ONNX' own operators. */
export const createNode = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
): OnnxNode => ({
  op,
  inputs,
  outputs,
  captured: [],
  integers: new Map(integersOf(attributes)),
  texts: new Map(),
  bytes: messageOf([
    ...inputs.map((name) => bytesField(NODE.input, name)),
    ...outputs.map((name) => bytesField(NODE.output, name)),
    bytesField(NODE.name, `visavis/${outputs[0] ?? op}`),
    bytesField(NODE.op, op),
    ...Object.entries(attributes).map(attributeField),
  ]),
});

/** The same node reading other tensors. */
export const withInputs = (node: OnnxNode, inputs: readonly string[]): OnnxNode => ({
  ...node,
  inputs,
  bytes: messageOf([
    ...inputs.map((name) => bytesField(NODE.input, name)),
    ...fieldsOf(node.bytes)
      .filter(({ number }) => number !== NODE.input)
      .map(sameField),
  ]),
});

/** The same operation once more, on other tensors. */
export const copyNode = (node: OnnxNode, inputs: readonly string[], outputs: readonly string[]): OnnxNode => ({
  ...node,
  inputs,
  outputs,
  bytes: messageOf([
    ...inputs.map((name) => bytesField(NODE.input, name)),
    ...outputs.map((name) => bytesField(NODE.output, name)),
    bytesField(NODE.name, `visavis/${outputs[0] ?? node.op}`),
    ...fieldsOf(node.bytes)
      .filter(({ number }) => number !== NODE.input && number !== NODE.output && number !== NODE.name)
      .map(sameField),
  ]),
});

/** The same node with other integer attributes. */
export const withAttributes = (node: OnnxNode, attributes: Attributes): OnnxNode => ({
  ...node,
  integers: new Map([...node.integers, ...integersOf(attributes)]),
  bytes: messageOf([
    ...fieldsOf(node.bytes)
      .filter(
        ({ number, bytes }) =>
          number !== NODE.attribute || !((texts(fieldsOf(bytes), ATTRIBUTE.name)[0] ?? '') in attributes),
      )
      .map(sameField),
    ...Object.entries(attributes).map(attributeField),
  ]),
});

/** A constant of numbers, row-major. */
export const createWeight = (
  name: string,
  type: 'float32' | 'float64' | 'int64',
  shape: readonly number[],
  numbers: readonly number[],
): OnnxWeight => {
  const raw = { float32: Float32Array, float64: Float64Array };
  const data = type === 'int64' ? BigInt64Array.from(numbers, BigInt) : raw[type].from(numbers);
  return {
    name,
    shape,
    external: undefined,
    bytes: messageOf([
      ...shape.map((size) => varintField(TENSOR.dims, size)),
      varintField(TENSOR.type, ELEMENT_TYPES[type]),
      bytesField(TENSOR.name, name),
      bytesField(TENSOR.raw, new Uint8Array(data.buffer)),
    ]),
  };
};

/** A tensor at a border. Onnxruntime finds the type of outputs itself; inputs need it, with their number of dimensions. */
export const createValue = (name: string, type?: ElementType, shape: readonly (number | string)[] = []): OnnxValue => {
  const dims = shape.map((size) =>
    bytesField(1, [typeof size === 'number' ? varintField(1, size) : bytesField(2, size)]),
  );
  const described: Parts[] =
    type === undefined
      ? []
      : [bytesField(2, [bytesField(1, [varintField(1, ELEMENT_TYPES[type]), bytesField(2, dims)])])];
  return { name, type, shape, bytes: messageOf([bytesField(1, name), ...described]) };
};

/** The bytes of a `.onnx` file with these nodes, and of the weights those that the nodes read. */
export const writeOnnx = ({ head, nodes, weights, inputs, outputs, metadata }: OnnxModel): Uint8Array<ArrayBuffer> => {
  const read = new Set([
    ...nodes.flatMap((node) => [...node.inputs, ...node.captured]),
    ...outputs.map(({ name }) => name),
  ]);
  const graph: Parts[] = [
    ...nodes.map(({ bytes }) => bytesField(GRAPH.node, bytes)),
    bytesField(GRAPH.name, 'visavis'),
    ...[...weights.values()]
      .filter(({ name }) => read.has(name))
      .map(({ bytes }) => bytesField(GRAPH.initializer, bytes)),
    ...inputs.map(({ bytes }) => bytesField(GRAPH.input, bytes)),
    ...outputs.map(({ bytes }) => bytesField(GRAPH.output, bytes)),
  ];
  return messageOf([
    ...head.map(sameField),
    bytesField(MODEL.graph, graph),
    ...[...metadata].map(([key, value]) => bytesField(MODEL.metadata, [bytesField(1, key), bytesField(2, value)])),
  ]);
};
