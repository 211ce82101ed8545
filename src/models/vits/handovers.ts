/** What the parts of a cut voice hand to each other beside noise and latent. */
import { float32, type Tensor } from '../onnx-session.ts';

/** Tensors by name. */
export type Handovers = Readonly<Record<string, Tensor>>;

/** Columns that a tensor for `frameCount` frames has of each frame; undefined when it does not run with the frames. */
export const columnsPerFrame = ({ dtype, shape }: Tensor, frameCount: number): number | undefined => {
  const step = (shape.at(-1) ?? 1) / frameCount;
  return dtype === 'float32' && shape.length === 3 && frameCount > 1 && Number.isInteger(step) ? step : undefined;
};

/**
 * Of what a part of a voice is handed for `frameCount` frames, the part of frames `from` to before `to`: of
 * tensors that run with the frames, so many columns a frame; of others all. Frames beyond the last begin again.
 */
export const framesOf = (handed: Handovers, frameCount: number, from: number, to: number): Handovers => {
  const cut = (tensor: Tensor): Tensor => {
    const { data, shape } = tensor;
    const step = columnsPerFrame(tensor, frameCount);
    if (step === undefined) return tensor;
    const width = shape.at(-1) ?? 1;
    const rows = data.length / width;
    const length = (to - from) * step;
    const part = new Float32Array(rows * length);
    for (let row = 0; row < rows; row++) {
      for (let at = 0; at < length;) {
        const source = (from * step + at) % width;
        const count = Math.min(length - at, width - source);
        part.set(
          (data as Float32Array).subarray(row * width + source, row * width + source + count),
          row * length + at,
        );
        at += count;
      }
    }
    return float32(part, [...shape.slice(0, -1), length]);
  };
  return Object.fromEntries(Object.entries(handed).map(([name, tensor]) => [name, cut(tensor)]));
};
