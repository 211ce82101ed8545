/** How far a decoder sees, worked out from its graph. */
import type { OnnxModel, OnnxNode } from './onnx-file.ts';

/** Operations whose output at a place depends on their inputs at the same place only. */
const POINTWISE = new Set(
  (
    'Add Sub Mul Div Pow Neg Abs Exp Log Sqrt Sin Cos Tanh Sigmoid Relu LeakyRelu Elu Erf Softplus Clip Min Max Where Cast ' +
    'Identity Squeeze Unsqueeze Dropout PRelu Floor Reciprocal'
  ).split(' '),
);

/** Places `first` to `last`, both inside. */
interface Reach {
  readonly first: number;
  readonly last: number;
}

/** What the decoder's output is made of. */
export interface ReceptiveField {
  /** Samples a latent frame becomes. */
  readonly hopSamples: number;
  /** Latent frames to each side that a frame's samples depend on. */
  readonly contextFrames: number;
}

const union = (a: Reach | undefined, b: Reach): Reach =>
  a === undefined ? b : { first: Math.min(a.first, b.first), last: Math.max(a.last, b.last) };

/**
 * Follows one frame's samples back to the latent, interval by interval, through convolutions and pointwise operations.
 * @param nodes - of the decoder, in order
 * @returns undefined when there is an operation among them whose reach is not known: then it has to be measured
 */
export const receptiveField = (
  nodes: readonly OnnxNode[],
  weights: OnnxModel['weights'],
  latent: string,
  sound: string,
): ReceptiveField | undefined => {
  const varying = new Set([latent]);
  const path = nodes.filter((node) => {
    if (!node.inputs.some((name) => varying.has(name))) return false;
    for (const name of node.outputs) varying.add(name);
    return true;
  });
  const widthOf = (node: OnnxNode): number | undefined =>
    node.integers.get('kernel_shape')?.[0] ?? weights.get(node.inputs[1] ?? '')?.shape[2];

  let hopSamples = 1;
  for (const node of path) {
    if (node.op === 'ConvTranspose') {
      // Branches side by side would be counted twice; measuring finds that out.
      hopSamples *= node.integers.get('strides')?.[0] ?? 1;
    }
  }
  // Far from the beginning, so that no interval begins before the latent does.
  const frame = 1_000_000;
  const wanted = new Map<string, Reach>([[sound, { first: frame * hopSamples, last: (frame + 1) * hopSamples - 1 }]]);
  for (const node of path.toReversed()) {
    const out = node.outputs.map((name) => wanted.get(name)).find((reach) => reach !== undefined);
    if (!out) continue;
    let reach: Reach;
    if (POINTWISE.has(node.op)) reach = out;
    else {
      const width = widthOf(node);
      const stride = node.integers.get('strides')?.[0] ?? 1;
      const dilation = node.integers.get('dilations')?.[0] ?? 1;
      const pads = node.integers.get('pads');
      if (width === undefined || !pads || pads.length !== 2) return undefined;
      const left = pads[0] ?? 0;
      const span = dilation * (width - 1);
      if (node.op === 'Conv' && stride === 1) reach = { first: out.first - left, last: out.last - left + span };
      else if (node.op === 'ConvTranspose' && dilation === 1) {
        reach = { first: Math.ceil((out.first + left - span) / stride), last: Math.floor((out.last + left) / stride) };
      } else return undefined;
    }
    for (const [i, name] of node.inputs.entries()) {
      const hasPlaces = varying.has(name) && (POINTWISE.has(node.op) || i === 0);
      if (hasPlaces) wanted.set(name, union(wanted.get(name), reach));
    }
  }
  const reach = wanted.get(latent);
  return reach && { hopSamples, contextFrames: Math.max(frame - reach.first, reach.last - frame) };
};
