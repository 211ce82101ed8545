/** The only file that knows onnxruntime. A run blocks the thread that calls it: use it in worker threads. */
import { stat } from 'node:fs/promises';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { VisavisError } from '../errors.ts';

interface TensorData {
  float32: Float32Array;
  int64: BigInt64Array;
  uint8: Uint8Array<ArrayBuffer>;
  bool: Uint8Array<ArrayBuffer>;
  int32: Int32Array;
  float64: Float64Array;
}

const DTYPES: ReadonlySet<string> = new Set(['float32', 'int64', 'uint8', 'bool', 'int32', 'float64']);

/** Element types that our own models use. */
export type TensorDtype = 'float32' | 'int64' | 'int32' | 'uint8';
/** Those that parts of other projects' models may hand to each other. */
export type AnyDtype = keyof TensorData;

/** What a graph says of one input or output; a dimension that varies has a name. */
export interface TensorSpec {
  readonly dtype: TensorDtype;
  readonly shape: readonly (number | string)[];
}

/** One ONNX file as the manifest describes it. */
export interface GraphSpec {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly outputs: Readonly<Record<string, TensorSpec>>;
}

/** Numbers with their shape, row-major. */
export interface Tensor<T extends AnyDtype = AnyDtype> {
  readonly dtype: T;
  readonly data: TensorData[T];
  readonly shape: readonly number[];
}

export const float32 = (data: Float32Array, shape: readonly number[]): Tensor<'float32'> => ({
  dtype: 'float32',
  data,
  shape,
});

export const int64 = (values: readonly number[], shape: readonly number[]): Tensor<'int64'> => ({
  dtype: 'int64',
  data: BigInt64Array.from(values, BigInt),
  shape,
});

export const uint8 = (data: Uint8Array<ArrayBuffer>, shape: readonly number[]): Tensor<'uint8'> => ({
  dtype: 'uint8',
  data,
  shape,
});

/** The outputs of a run by name. */
export class Outputs {
  readonly #tensors: InferenceSession.OnnxValueMapType;
  readonly #file: string;

  constructor(tensors: InferenceSession.OnnxValueMapType, file: string) {
    this.#tensors = tensors;
    this.#file = file;
  }

  /** @throws {VisavisError} `bad_model` when there is no such output of that type. */
  get<T extends TensorDtype>(name: string, dtype: T): Tensor<T> {
    const tensor = this.#tensors[name];
    if (!tensor || tensor.type !== dtype) {
      throw new VisavisError('bad_model', `${this.#file}: expected an output ${name} of ${dtype}, got ${tensor?.type}`);
    }
    return { dtype, data: tensor.data as TensorData[T], shape: tensor.dims };
  }

  /** An output of whatever type. @throws {VisavisError} `bad_model` when there is none, or of no type that is used here. */
  any(name: string): Tensor {
    const tensor = this.#tensors[name];
    if (!tensor || !DTYPES.has(tensor.type)) {
      throw new VisavisError(
        'bad_model',
        `${this.#file}: expected an output ${name} of ${[...DTYPES].join(', ')}, got ${tensor?.type}`,
      );
    }
    return { dtype: tensor.type as AnyDtype, data: tensor.data as TensorData[AnyDtype], shape: tensor.dims };
  }
}

export interface SessionOptions {
  /** Execution provider of onnxruntime: `cpu`, or another such as `cuda`, with the CPU for what it cannot do. */
  readonly provider: string;
}

const describe = ({ dtype, shape }: TensorSpec): string => `${dtype}[${shape.join(',')}]`;

const fits = (declared: TensorSpec, actual: TensorSpec): boolean =>
  declared.dtype === actual.dtype &&
  declared.shape.length === actual.shape.length &&
  declared.shape.every(
    (size, i) => typeof size === 'string' || typeof actual.shape[i] === 'string' || size === actual.shape[i],
  );

/** Compares what a file declares with what is found in it. */
const check = (
  path: string,
  side: 'input' | 'output',
  declared: GraphSpec['inputs'],
  found: readonly InferenceSession.ValueMetadata[],
): void => {
  const actual = new Map(
    found.map((value) => [
      value.name,
      value.isTensor ? { dtype: value.type as TensorDtype, shape: value.shape } : undefined,
    ]),
  );
  const wayOut = 'Export the model again, so that manifest.json and the file belong together.';
  for (const [name, spec] of Object.entries(declared)) {
    const got = actual.get(name);
    if (!got || !fits(spec, got)) {
      const what = got ? describe(got) : `only ${[...actual.keys()].join(', ')}`;
      throw new VisavisError(
        'bad_model',
        `${path}: expected ${side} ${name} ${describe(spec)}, got ${what}. ${wayOut}`,
      );
    }
    actual.delete(name);
  }
  // onnxruntime refuses to run without an input; an output more does no harm.
  if (side === 'input' && actual.size > 0) {
    throw new VisavisError(
      'bad_model',
      `${path}: the manifest lacks the inputs ${[...actual.keys()].join(', ')}. ${wayOut}`,
    );
  }
};

/** How onnxruntime begins to say that a provider's own libraries, or its device, are missing. */
const NO_PROVIDER = /AppendExecutionProvider|shared library|CUDA|no CUDA-capable device/i;
const CUDA_WAY =
  'Its libraries are not in the npm package: ' +
  '"ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node --ignore-scripts=false" fetches them, and a driver, CUDA 12 and ' +
  'cuDNN 9 have to be on the system (docs/operations.md). Or set inference.provider to "cpu".';

/** Why a session was not made, and the way out. */
const refusal = (name: string, provider: string, cause: unknown): VisavisError => {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const lacksProvider = provider !== 'cpu' && NO_PROVIDER.test(reason);
  const wayOut =
    lacksProvider && provider === 'cuda'
      ? CUDA_WAY
      : lacksProvider
        ? 'Try the provider "cpu".'
        : 'Fetch the file again.';
  return new VisavisError(
    lacksProvider ? 'bad_config' : 'bad_model',
    `${name}: onnxruntime cannot load it with the provider "${provider}": ${reason}. ${wayOut}`,
    { cause },
  );
};

const create = async (
  source: string | Uint8Array<ArrayBuffer>,
  name: string,
  provider: string,
): Promise<InferenceSession> => {
  const options: InferenceSession.SessionOptions = {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    // One thread a worker: sessions that share cores slow each other more than threads help.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    // Lengths vary from run to run: patterns and arenas made for the longest one would stay in memory.
    enableMemPattern: false,
    enableCpuMemArena: false,
    logSeverityLevel: 3,
  };
  try {
    return await (typeof source === 'string'
      ? InferenceSession.create(source, options)
      : InferenceSession.create(source, options));
  } catch (cause) {
    throw refusal(name, provider, cause);
  }
};

/** A loaded ONNX graph. */
export class OnnxSession {
  readonly #session: InferenceSession;
  readonly #file: string;

  private constructor(session: InferenceSession, file: string) {
    this.#session = session;
    this.#file = file;
  }

  /**
   * Loads a file and checks names, types and shapes of its inputs and outputs.
   * @throws {VisavisError} `bad_model` when it is missing, damaged, or not what `spec` says; `bad_config` when the provider is not there.
   */
  static async load(path: string, spec: GraphSpec, { provider }: SessionOptions): Promise<OnnxSession> {
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size !== spec.bytes) {
      throw new VisavisError(
        'bad_model',
        `${path}: expected ${spec.bytes} bytes, got ${size ?? 'no file'}. Fetch the file again, or export the model again.`,
      );
    }
    const session = await create(path, path, provider);
    try {
      check(path, 'input', spec.inputs, session.inputMetadata);
      check(path, 'output', spec.outputs, session.outputMetadata);
    } catch (error) {
      await session.release();
      throw error;
    }
    return new OnnxSession(session, spec.file);
  }

  /**
   * Loads a graph that was made in memory.
   * @param name - of the graph in messages
   * @throws {VisavisError} `bad_model` when onnxruntime cannot load it
   */
  static async fromBytes(
    bytes: Uint8Array<ArrayBuffer>,
    name: string,
    { provider }: SessionOptions,
  ): Promise<OnnxSession> {
    return new OnnxSession(await create(bytes, name, provider), name);
  }

  /** @throws {VisavisError} `inference_failed` when onnxruntime refuses the inputs. */
  async run(inputs: Readonly<Record<string, Tensor>>): Promise<Outputs> {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { dtype, data, shape }]) => [name, new OrtTensor(dtype, data, shape)]),
    );
    try {
      return new Outputs(await this.#session.run(feeds), this.#file);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new VisavisError('inference_failed', `${this.#file}: ${reason}`, { cause });
    }
  }

  /** Frees the native memory; the session cannot run afterwards. */
  release(): Promise<void> {
    return this.#session.release();
  }
}
