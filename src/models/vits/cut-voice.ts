/**
 * Cuts the graph of a whole VITS (Kim et al. 2021, §2) into the parts that streaming needs, by following its tensors:
 *
 *     symbols ─► text encoder, durations ─► Ceil ─► prior of every frame ─┐ noise ─► flow ─► z ─► decoder ─► sound
 *               └─────────────── encoder ────────────────────────────────┘└──── flow ───┘   └── decoder ──┘
 *
 * A prior that is convolved over the frames (Period VITS, arXiv 2210.15964) is a part of its own, and a source that is made
 * of the frames' pitch belongs to the decoder, so that neither is computed for the whole text before the first sound.
 *
 * The parts compute what the whole computes, to the bit. Random numbers become inputs, so that a seed decides them; the
 * durations become an output, for the times of words; their scale becomes an input, so that every voice can speak faster.
 */
import {
  createNode,
  createValue,
  type ElementType,
  type OnnxModel,
  type OnnxNode,
  type OnnxValue,
  type OnnxWeight,
  withInputs,
  writeOnnx,
} from './onnx-file.ts';
import { ancestors, descendants, readBy } from './graph-walk.ts';

/** Inputs that the cut adds. */
export const ADDED = {
  /** float32[1, 2, P], standard normal: what the stochastic duration predictor starts from. */
  durationNoise: 'visavis.duration_noise',
  /** float32[1]: factor on all durations. */
  lengthScale: 'visavis.length_scale',
  /** float32[1]: no symbol lasts more frames. */
  longest: 'visavis.longest',
  /** float32[1, C, T], standard normal. */
  noise: 'visavis.noise',
} as const;

const RANDOM = new Set(['RandomNormalLike', 'RandomNormal']);
/** Convolutions that a decoder may have before its first transposed one. */
const MAX_CANDIDATES = 32;
const OTHER_RANDOM = new Set(['RandomUniform', 'RandomUniformLike', 'Multinomial', 'Bernoulli']);

/** A tensor that one part hands to another; the file does not tell its type, a run does. */
export interface Handed {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** A part with other nodes, which take and give more. */
export interface Rewritten {
  readonly nodes: readonly OnnxNode[];
  readonly weights?: ReadonlyMap<string, OnnxWeight>;
  readonly inputs?: readonly OnnxValue[];
  /** Beside the sound. */
  readonly outputs: readonly string[];
}

/** The part between encoder and noise. */
export interface PriorCut {
  /** Encoder outputs that it takes. */
  readonly takes: readonly string[];
  /** Its outputs, which run with the frames. */
  readonly gives: readonly string[];
  readonly file: (handed: readonly Handed[]) => Uint8Array<ArrayBuffer>;
}

/** What may be left to the encoder. */
export interface CutOptions {
  /** Whether prior and source are cut off the encoder. */
  readonly apart: boolean;
}

export interface CutVoice {
  /** Symbols → `durations`, and what the other parts are handed. */
  readonly encoder: Uint8Array<ArrayBuffer>;
  /** Its outputs. */
  readonly encoderGives: readonly string[];
  /** Inputs of the encoder; those of the file that it uses, and those that the cut added. */
  readonly encoderInputs: readonly OnnxValue[];
  /** Whether durations are drawn (§2.2.2 of the paper) and take `ADDED.durationNoise`. */
  readonly drawsDurations: boolean;
  /** Encoder output: frames of every symbol, float32, in order. */
  readonly durations: string;
  /** Output of the encoder, or of the prior, of the shape of the flow's noise, float32[1, C, T]. */
  readonly noiseLike: string;
  /** Whether there is a prior or a source that was cut off the encoder. */
  readonly isApart: boolean;
  /** A prior of its own; undefined when it is made by the encoder. */
  readonly prior: PriorCut | undefined;
  /** Outputs of encoder and prior that the flow takes. */
  readonly toFlow: readonly string[];
  /** Those that the decoder takes: nothing, the speaker's embedding, the pitch of frames. */
  readonly toDecoder: readonly string[];
  /** The flow as a file, once the types of what it is handed are known. */
  readonly flow: (handed: readonly Handed[]) => Uint8Array<ArrayBuffer>;
  /** Flow output, decoder input: the latent, float32[1, C, T]. */
  readonly latent: string;
  readonly decoder: (handed: readonly Handed[], rewritten?: Rewritten) => Uint8Array<ArrayBuffer>;
  /** The decoder's nodes in order. */
  readonly decoderNodes: readonly OnnxNode[];
  /** The first output of the file: the sound. */
  readonly sound: string;
}

/** Why a graph cannot be cut; the message completes "this file …". */
export class NotVits extends Error {}

const only = <T>(found: readonly T[], what: string): T => {
  const [one, ...more] = found;
  if (one === undefined) throw new NotVits(`has no ${what}`);
  if (more.length > 0) throw new NotVits(`has ${found.length} times ${what}, not once`);
  return one;
};

/**
 * Inputs of convolutions that lead to the first transposed convolution and hear the noise, the nearest first: the first of them
 * that all of the noise passes is the decoder's.
 */
const latentCandidates = (nodes: readonly OnnxNode[], hearsNoise: ReadonlySet<string>): readonly string[] => {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const up = nodes.find(({ op, inputs }) => op === 'ConvTranspose' && hearsNoise.has(inputs[0] ?? ''));
  if (!up) throw new NotVits('has no transposed convolutions after its noise, so no HiFi-GAN decoder');
  const candidates: string[] = [];
  const seen = new Set([up.inputs[0] ?? '']);
  // A Set that grows is walked to its end: nearest first.
  for (const name of seen) {
    const node = producers.get(name);
    if (!node) continue;
    const [first] = node.inputs;
    if (node.op === 'Conv' && first !== undefined && hearsNoise.has(first)) candidates.push(first);
    if (candidates.length >= MAX_CANDIDATES) break;
    for (const input of node.inputs) if (hearsNoise.has(input)) seen.add(input);
  }
  if (candidates.length === 0) throw new NotVits('has no convolution before its transposed ones');
  return candidates;
};

/** Whether `sound` depends on the noise through `latent` only. */
const passesAll = (
  nodes: readonly OnnxNode[],
  latent: string,
  sound: string,
  hearsNoise: ReadonlySet<string>,
): boolean => {
  const hearsLatent = descendants(nodes, [latent]);
  if (!hearsLatent.has(sound)) return false;
  return ancestors(nodes, [sound], new Set([latent])).every(
    ({ inputs, outputs }) =>
      !outputs.some((name) => hearsLatent.has(name)) ||
      inputs.every((name) => name === latent || hearsLatent.has(name) || !hearsNoise.has(name)),
  );
};

/** Operations on the way from the frames to a source that leave the number of frames, or add some at the ends. */
const BEFORE_SOURCE = new Set(
  'Pad Unsqueeze Squeeze Gather Cast Add Sub Mul Div Exp Greater GreaterOrEqual Less LessOrEqual Clip Identity'.split(
    ' ',
  ),
);
const MAKES_LONGER = new Set(['ConvTranspose', 'Resize', 'Upsample']);

/** The tensors of frames that a source is made longer from: `targets` are what the decoder takes of it. */
const sourceOf = (
  nodes: readonly OnnxNode[],
  targets: readonly string[],
  ofFrames: ReadonlySet<string>,
): readonly string[] => {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const found = new Set<string>();
  for (const { op, inputs } of ancestors(nodes, targets)) {
    let [name = ''] = inputs;
    if (!MAKES_LONGER.has(op) || !ofFrames.has(name)) continue;
    for (let node = producers.get(name); node && BEFORE_SOURCE.has(node.op); node = producers.get(name)) {
      const [next, ...more] = node.inputs.filter((input) => ofFrames.has(input));
      if (next === undefined || more.length > 0) break;
      name = next;
    }
    found.add(name);
  }
  return [...found];
};

/** Inputs of the first convolutions over frames on the way to `targets`. */
const convolvedFirst = (
  nodes: readonly OnnxNode[],
  targets: readonly string[],
  ofFrames: ReadonlySet<string>,
): readonly string[] => {
  const way = ancestors(nodes, targets);
  const isConvolution = ({ op, inputs }: OnnxNode) => op === 'Conv' && ofFrames.has(inputs[0] ?? '');
  const after = descendants(
    way,
    way.filter(isConvolution).flatMap(({ outputs }) => outputs),
  );
  return [...new Set(way.filter(isConvolution).map(({ inputs }) => inputs[0] ?? ''))].filter(
    (name) => !after.has(name),
  );
};

/**
 * Cuts a graph.
 * @throws {NotVits} when it is not built like a VITS
 */
export const cutVoice = (model: OnnxModel, { apart }: CutOptions = { apart: false }): CutVoice => {
  const sound = model.outputs[0]?.name;
  if (sound === undefined) throw new NotVits('has no outputs');
  const used = ancestors(model.nodes, [sound]);
  if (used.some(({ op }) => OTHER_RANDOM.has(op))) throw new NotVits('draws random numbers that are not normal');

  const random = used.filter(({ op }) => RANDOM.has(op));
  const ceils = used.filter(({ op }) => op === 'Ceil');
  const lengths = only(
    ceils.filter(({ outputs }) => {
      const after = descendants(used, outputs);
      return random.some((node) => readBy(node).some((name) => after.has(name)));
    }),
    'rounding up of durations before the noise (Ceil)',
  );
  const durations = lengths.outputs[0] ?? '';
  const afterLengths = descendants(used, [durations]);
  const forFrames = random.filter((node) => readBy(node).some((name) => afterLengths.has(name)));
  // A decoder may have a source of its own with breath in it: that noise goes a shorter way.
  const [noiseNode, ...inSource] = forFrames.toSorted(
    (a, b) => descendants(used, b.outputs).size - descendants(used, a.outputs).size,
  );
  if (!noiseNode) throw new NotVits('has no noise drawn for the frames (RandomNormalLike)');
  const durationNoise = random.filter((node) => !forFrames.includes(node));
  if (durationNoise.length > 1) throw new NotVits(`draws noise for its durations ${durationNoise.length} times`);
  const noise = noiseNode.outputs[0] ?? '';
  const noiseLike = noiseNode.inputs[0];
  if (noiseLike === undefined) throw new NotVits('draws noise whose size does not come from the text');

  const hearsNoise = descendants(used, [noise]);
  const latent = latentCandidates(used, hearsNoise).find((name) => passesAll(used, name, sound, hearsNoise));
  if (latent === undefined) throw new NotVits('makes its sound beside its decoder');

  // Renamed, so that inputs of the parts say what they are.
  const rename = new Map([
    [noise, ADDED.noise],
    ...durationNoise.map((node) => [node.outputs[0] ?? '', ADDED.durationNoise] as const),
  ]);
  const scaled = 'visavis.scaled_durations';
  const limited = 'visavis.limited_durations';
  const scaling = [
    createNode('Mul', [lengths.inputs[0] ?? '', ADDED.lengthScale], [scaled]),
    createNode('Min', [scaled, ADDED.longest], [limited]),
  ];
  const nodes: OnnxNode[] = [];
  for (const node of used) {
    if (random.includes(node) && !inSource.includes(node)) continue;
    const inputs = node === lengths ? [limited] : node.inputs.map((name) => rename.get(name) ?? name);
    if (node === lengths) nodes.push(...scaling);
    nodes.push(inputs.some((name, i) => name !== node.inputs[i]) ? withInputs(node, inputs) : node);
  }
  const graphInputs = new Map(
    [
      ...model.inputs,
      createValue(ADDED.durationNoise, 'float32', [1, 2, 'P']),
      createValue(ADDED.lengthScale, 'float32', [1]),
      createValue(ADDED.longest, 'float32', [1]),
    ].map((value) => [value.name, value]),
  );
  const fromInputs = descendants(nodes, [...graphInputs.keys(), ADDED.noise]);
  const afterNoise = descendants(nodes, [ADDED.noise]);
  const ofFrames = descendants(nodes, [durations]);

  /** Nodes between `given` and `targets`, with the constants that they read, and the tensors that cross into them. */
  const between = (given: readonly string[], targets: readonly string[]) => {
    const after = descendants(nodes, given);
    const known = new Set(given);
    const inside = ancestors(nodes, targets, known);
    const part = inside.filter(({ outputs }) => outputs.some((name) => after.has(name) || !fromInputs.has(name)));
    const made = new Set(part.flatMap(({ outputs }) => outputs));
    const varying = part.filter(({ outputs }) => outputs.some((name) => after.has(name)));
    const crossing = new Set(
      varying.flatMap(readBy).filter((name) => !known.has(name) && fromInputs.has(name) && !made.has(name)),
    );
    return { part: ancestors(part, targets, new Set([...given, ...crossing])), crossing: [...crossing] };
  };
  const flow = between([ADDED.noise], [latent]);
  const alone = between([latent], [sound]);
  const late = alone.crossing.find((name) => afterNoise.has(name));
  if (late !== undefined) throw new NotVits(`hands its decoder a second latent, ${late}`);
  const pitch = apart ? sourceOf(nodes, alone.crossing, ofFrames) : [];
  const decoder = pitch.length > 0 ? between([latent, ...pitch], [sound]) : alone;
  const toDecoder = [...new Set([...pitch, ...decoder.crossing])];

  const handed = [...new Set([...flow.crossing, ...toDecoder, noiseLike])];
  const convolved = apart ? convolvedFirst(nodes, handed, ofFrames) : [];
  const ofPrior = descendants(nodes, convolved);
  const gives = handed.filter((name) => ofPrior.has(name) && !convolved.includes(name));
  const prior = gives.length > 0 ? between(convolved, gives) : undefined;
  const toPrior = prior ? [...new Set([...convolved, ...prior.crossing])] : [];

  const ofEncoder = handed.filter((name) => !gives.includes(name));
  const out = [...new Set([durations, ...ofEncoder, ...toPrior])];
  const encoderNodes = ancestors(nodes, out);
  const reads = new Set(encoderNodes.flatMap(readBy));
  const encoderInputs = [...graphInputs.values()].filter(({ name }) => reads.has(name));
  const { head, weights } = model;
  const part = (
    members: readonly OnnxNode[],
    inputs: readonly OnnxValue[],
    outputs: readonly string[],
    more: ReadonlyMap<string, OnnxWeight> = new Map(),
  ) =>
    writeOnnx({
      head,
      nodes: members,
      weights: more.size > 0 ? new Map([...weights, ...more]) : weights,
      inputs,
      outputs: outputs.map((name) => createValue(name)),
      metadata: new Map(),
    });
  const valuesOf = (names: readonly string[], handed: readonly Handed[]): OnnxValue[] =>
    names.map((name) => {
      const value = handed.find((tensor) => tensor.name === name);
      return createValue(name, value?.type ?? 'float32', value?.shape.map((_, i) => `${name}.${i}`) ?? []);
    });
  const frames = (name: string) => createValue(name, 'float32', [1, 'C', 'T']);
  // A tensor of the file that goes straight to another part needs no encoder.
  const inFile = new Set(model.inputs.map(({ name }) => name));
  const handedOn = out.filter((name) => !inFile.has(name));

  return {
    encoder: part(encoderNodes, encoderInputs, handedOn),
    encoderGives: handedOn,
    encoderInputs,
    drawsDurations: durationNoise.length > 0,
    durations,
    noiseLike,
    isApart: prior !== undefined || pitch.length > 0,
    prior: prior && {
      takes: toPrior,
      gives,
      file: (tensors) => part(prior.part, valuesOf(toPrior, tensors), gives),
    },
    toFlow: flow.crossing,
    toDecoder,
    flow: (tensors) => part(flow.part, [frames(ADDED.noise), ...valuesOf(flow.crossing, tensors)], [latent]),
    latent,
    decoder: (
      tensors,
      { nodes: members, weights: more, inputs = [], outputs } = { nodes: decoder.part, outputs: [] },
    ) => part(members, [frames(latent), ...valuesOf(toDecoder, tensors), ...inputs], [sound, ...outputs], more),
    decoderNodes: decoder.part,
    sound,
  };
};
