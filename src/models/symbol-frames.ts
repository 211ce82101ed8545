/**
 * From symbols to latent frames. VITS repeats what the encoder says of a symbol for each of its frames; a frame prior
 * network (Period VITS, Shirahata et al. 2023, arXiv 2210.15964, §3.1) is told besides where in its symbol the frame lies.
 * The same numbers as `training/voice/frame_prior.py`.
 */

/** Share of the symbol that has passed, and ln(1 + frames) since its beginning and until its end. */
export const PLACE_CHANNELS = 3;

/** Where each of T frames lies in its symbol: float32[3 × T], at the frames' middles. */
export const placesOf = (frames: Int32Array): Float32Array => {
  const total = frames.reduce((sum, count) => sum + count, 0);
  const places = new Float32Array(PLACE_CHANNELS * total);
  let at = 0;
  for (const count of frames) {
    for (let i = 0; i < count; i++, at++) {
      places[at] = (i + 0.5) / count;
      places[total + at] = Math.log1p(i + 0.5);
      places[2 * total + at] = Math.log1p(count - i - 0.5);
    }
  }
  return places;
};

/** Repeats column p of a row-major matrix with a column for each symbol `frames[p]` times. */
export const repeatColumns = (matrix: Float32Array, frames: Int32Array): Float32Array => {
  const symbols = frames.length;
  const rows = matrix.length / symbols;
  const total = frames.reduce((sum, count) => sum + count, 0);
  const repeated = new Float32Array(rows * total);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let symbol = 0; symbol < symbols; symbol++) {
      repeated.fill(matrix[row * symbols + symbol]!, at, (at += frames[symbol]!));
    }
  }
  return repeated;
};
