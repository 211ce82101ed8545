/** How the tensors of a graph grow with the latent frames that it is given, found by running it with two lengths. */
import type { Tensor } from '../onnx-session.ts';

/** All tensors of a run, by name. */
export interface Trial {
  readonly frames: number;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** A tensor one of whose axes is time: `rate × frames + extra` columns. */
export interface Lane {
  readonly axis: number;
  /** Columns a latent frame. */
  readonly rate: number;
  readonly extra: number;
  /** In the first trial. */
  readonly shape: readonly number[];
  readonly dtype: Tensor['dtype'];
}

/** The lane of a tensor of two trials; undefined when no axis grows, or more than one, or not by whole columns a frame. */
export const laneOf = (name: string, one: Trial, other: Trial): Lane | undefined => {
  const [a, b] = [one.tensors.get(name), other.tensors.get(name)];
  if (!a || a.shape.length !== b?.shape.length) return undefined;
  const growing = [...a.shape.keys()].filter((axis) => a.shape[axis] !== b.shape[axis]);
  const [axis] = growing;
  if (axis === undefined || growing.length > 1) return undefined;
  const rate = (b.shape[axis]! - a.shape[axis]!) / (other.frames - one.frames);
  if (!Number.isInteger(rate) || rate < 1) return undefined;
  return { axis, rate, extra: a.shape[axis]! - rate * one.frames, shape: a.shape, dtype: a.dtype };
};
