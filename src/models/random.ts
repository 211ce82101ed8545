/**
 * Random numbers that a seed decides. Only integer operations, `Math.log` and `Math.sqrt` are used, so every platform that
 * runs V8 gives the same numbers.
 */
export interface Random {
  /** Uniform in [0, 1), 32 bits of it. */
  uniform(): number;
  /** Standard normal. */
  gaussian(): number;
  /** Fills places `first` to before `end` with what `gaussian` would give one after another, in half the time. */
  fillGaussian(places: Float32Array, first: number, end: number): void;
}

/** Spreads similar seeds over the generator's whole state (splitmix32). */
const createSpreader = (seed: number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  };
};

/**
 * The numbers of one stream of a seed (sfc32; normal ones by Marsaglia's polar method).
 * @param seed - non-negative integer below 2^53
 * @param stream - integer; streams of one seed are independent of each other
 */
export const createRandom = (seed: number, stream = 0): Random => {
  const spread = createSpreader(
    (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x27d4eb2f)) + Math.imul(stream, 0x5851f42d),
  );
  let a = spread();
  let b = spread();
  let c = spread();
  let counter = 1;
  let spare: number | undefined;

  const uniform = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };

  const gaussian = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const square = x * x + y * y;
      if (square < 1 && square > 0) {
        const scale = Math.sqrt((-2 * Math.log(square)) / square);
        spare = y * scale;
        return x * scale;
      }
    }
  };

  const fillGaussian = (places: Float32Array, first: number, end: number): void => {
    let at = first;
    if (at < end && spare !== undefined) places[at++] = gaussian();
    // Copies, which stay in registers.
    let [a1, b1, c1, counter1] = [a, b, c, counter];
    while (at < end) {
      let sum = (((a1 + b1) | 0) + counter1) | 0;
      a1 = b1 ^ (b1 >>> 9);
      b1 = (c1 + (c1 << 3)) | 0;
      c1 = ((c1 << 21) | (c1 >>> 11)) + sum;
      const x = (sum >>> 0) / 2 ** 31 - 1;
      sum = (((a1 + b1) | 0) + counter1 + 1) | 0;
      a1 = b1 ^ (b1 >>> 9);
      b1 = (c1 + (c1 << 3)) | 0;
      c1 = ((c1 << 21) | (c1 >>> 11)) + sum;
      const y = (sum >>> 0) / 2 ** 31 - 1;
      counter1 = (counter1 + 2) | 0;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      places[at++] = x * scale;
      if (at < end) places[at++] = y * scale;
      else spare = y * scale;
    }
    [a, b, c, counter] = [a1, b1, c1, counter1];
  };

  return { uniform, gaussian, fillGaussian };
};

/** `length` independent normal numbers of mean 0 and the given standard deviation. */
export const gaussianNoise = (random: Random, length: number, deviation = 1): Float32Array => {
  const noise = new Float32Array(length);
  random.fillGaussian(noise, 0, length);
  if (deviation !== 1) for (let i = 0; i < length; i++) noise[i]! *= deviation;
  return noise;
};
