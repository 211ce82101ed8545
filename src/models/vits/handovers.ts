/** What the parts of a cut voice hand to each other beside noise and latent. */
import { float32, type Tensor } from '../onnx-session.ts';

/** Tensors by name. */
export type Handovers = Readonly<Record<string, Tensor>>;

/**
 * Of what a part of a voice is handed for `frameCount` frames, the part of frames `from` to before `to`: of
 * tensors that run with the frames, so many columns a frame; of others all. Frames beyond the last begin again.
 */
export const framesOf = (handed: Handovers, frameCount: number, from: number, to: number): Handovers => {
  const cut = ({ dtype, data, shape }: Tensor): Tensor => {
    const width = shape.at(-1) ?? 1;
    const step = width / frameCount;
    if (dtype !== 'float32' || shape.length !== 3 || frameCount < 2 || !Number.isInteger(step)) {
      return { dtype, data, shape };
    }
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
