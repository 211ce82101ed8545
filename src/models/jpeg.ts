/**
 * Reading of pictures that a browser takes of its camera: baseline JPEG (ITU-T T.81) in the colours of JFIF. It reads what strangers
 * send, so it is no native decoder: whatever comes, it can only refuse.
 */
import { VisavisError } from '../errors.ts';

const BLOCK = 64;
/** Markers (T.81 table B.1), without their 0xff. */
const MARKER = { sof0: 0xc0, sof1: 0xc1, sof2: 0xc2, dht: 0xc4, soi: 0xd8, eoi: 0xd9, sos: 0xda, dqt: 0xdb, dri: 0xdd };
const RESTART_0 = 0xd0;
/** Other kinds of coding: arithmetic, lossless, hierarchical. */
const OTHER_FRAMES = new Set([0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);
/** A code of the longest kind. */
const MAX_CODE_BITS = 16;
/** Bits of a difference of DC coefficients, and of an AC coefficient, of 8-bit samples (T.81 tables F.1 and F.2). */
const MAX_DC_BITS = 11;
const MAX_AC_BITS = 10;

/** Where the k-th coefficient that comes belongs in a block (T.81 figure 5). */
const ZIGZAG = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
]);
/** Row u holds what coefficient u adds to each of eight samples (T.81 §A.3.3). */
const COSINES = Float32Array.from({ length: BLOCK }, (_, i) => {
  const [u, x] = [i >> 3, i & 7];
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
});

interface HuffmanTable {
  /** Codes of each length, 1…16 bits. */
  readonly counts: Uint8Array;
  readonly values: Uint8Array;
}

/** A colour of the picture. */
interface Component {
  readonly id: number;
  /** Blocks of it in a unit of the scan, across and down. */
  readonly across: number;
  readonly down: number;
  readonly quantization: number;
  /** Samples of it, row by row, in whole units. */
  readonly samples: Uint8Array;
  readonly stride: number;
}

interface Block {
  readonly coefficients: Float32Array;
  /** All but the first are zero. */
  isFlat: boolean;
}

/** Refuses a picture; `got` says what it is instead. */
type Refuse = (got: string) => VisavisError;

/** Bits of the coded data, which end at the next marker. */
class BitReader {
  readonly #bytes: Uint8Array;
  readonly #refuse: Refuse;
  #at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, at: number, refuse: Refuse) {
    this.#bytes = bytes;
    this.#at = at;
    this.#refuse = refuse;
  }

  bit(): number {
    if (this.#count === 0) {
      const byte = this.#bytes[this.#at];
      // 0xff stands for itself before a zero, and begins a marker else (T.81 §B.1.1.5).
      if (byte === undefined || (byte === 0xff && this.#bytes[this.#at + 1] !== 0)) {
        throw this.#refuse('one that ends early');
      }
      this.#at += byte === 0xff ? 2 : 1;
      this.#held = byte;
      this.#count = 8;
    }
    this.#count -= 1;
    return (this.#held >> this.#count) & 1;
  }

  /** A number of that many bits, whose first bit tells its sign (T.81 §F.2.2.1). */
  signed(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) value = (value << 1) | this.bit();
    return bits > 0 && value < 1 << (bits - 1) ? value - (1 << bits) + 1 : value;
  }

  /** The value of the code that comes (T.81 §F.2.2.3). */
  coded({ counts, values }: HuffmanTable): number {
    let [code, first, index] = [0, 0, 0];
    for (let bits = 0; bits < MAX_CODE_BITS; bits++) {
      code |= this.bit();
      const count = counts[bits]!;
      if (code - first < count) {
        const value = values[index + code - first];
        if (value !== undefined) return value;
        break;
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw this.#refuse('one with a code that is not in its table');
  }

  /** Goes on behind the restart marker that has to be here (T.81 §F.2.1.3.1). */
  restart(number: number): void {
    this.#count = 0;
    if (this.#bytes[this.#at] !== 0xff || this.#bytes[this.#at + 1] !== RESTART_0 + (number & 7)) {
      throw this.#refuse('one whose restart markers are not in their places');
    }
    this.#at += 2;
  }
}

/** Samples of a block out of its coefficients, 8 × 8 from `at` on. */
const transform = (
  { coefficients, isFlat }: Block,
  columns: Float32Array,
  { samples, stride }: Component,
  at: number,
): void => {
  if (isFlat) {
    const sample = Math.min(255, Math.max(0, coefficients[0]! / 8 + 128.5));
    for (let y = 0; y < 8; y++) samples.fill(sample, at + y * stride, at + y * stride + 8);
    return;
  }
  columns.fill(0);
  for (let k = 0; k < BLOCK; k++) {
    const coefficient = coefficients[k]!;
    if (coefficient === 0) continue;
    const [row, column] = [k & 0x38, k & 7];
    for (let y = 0; y < 8; y++) columns[y * 8 + column]! += coefficient * COSINES[row + y]!;
  }
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      let sum = 128.5;
      for (let u = 0; u < 8; u++) sum += columns[y * 8 + u]! * COSINES[u * 8 + x]!;
      samples[at + y * stride + x] = sum < 0 ? 0 : sum > 255 ? 255 : sum;
    }
  }
};

/** One file being read. */
class JpegReader {
  readonly #bytes: Uint8Array;
  readonly #size: number;
  readonly #refuse: Refuse;
  readonly #quantizations = new Map<number, Float32Array>();
  readonly #huffman = new Map<number, HuffmanTable>();
  #components: readonly Component[] = [];
  #restartInterval = 0;

  constructor(bytes: Uint8Array, size: number, refuse: Refuse) {
    this.#bytes = bytes;
    this.#size = size;
    this.#refuse = refuse;
  }

  /** The picture's colours, as they are in the file. */
  read(): readonly Component[] {
    const bytes = this.#bytes;
    if (bytes[0] !== 0xff || bytes[1] !== MARKER.soi) throw this.#refuse('something else');
    for (let at = 2; ;) {
      if (bytes[at] !== 0xff) throw this.#refuse('a damaged one');
      const marker = bytes[at + 1];
      // Any number of 0xff may stand before a marker (T.81 §B.1.1.2).
      if (marker === 0xff) {
        at += 1;
        continue;
      }
      const length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
      const end = at + 2 + length;
      if (marker === undefined || length < 2 || end > bytes.length) throw this.#refuse('one that ends early');
      const segment = bytes.subarray(at + 4, end);
      at = end;
      if (marker === MARKER.sof0 || marker === MARKER.sof1) this.#takeFrame(segment);
      else if (marker === MARKER.sof2) throw this.#refuse('a progressive one');
      else if (OTHER_FRAMES.has(marker)) throw this.#refuse('one of another coding');
      else if (marker === MARKER.dqt) this.#takeQuantizations(segment);
      else if (marker === MARKER.dht) this.#takeHuffmanTables(segment);
      else if (marker === MARKER.dri) this.#restartInterval = ((segment[0] ?? 0) << 8) | (segment[1] ?? 0);
      else if (marker === MARKER.eoi) throw this.#refuse('one without a picture');
      else if (marker === MARKER.sos) {
        this.#takeScan(segment, at);
        return this.#components;
      }
    }
  }

  /** T.81 §B.2.2. */
  #takeFrame(segment: Uint8Array): void {
    const size = this.#size;
    const [depth, highHeight = 0, lowHeight = 0, highWidth = 0, lowWidth = 0, count = 0] = segment;
    const [width, height] = [(highWidth << 8) | lowWidth, (highHeight << 8) | lowHeight];
    if (width !== size || height !== size) throw this.#refuse(`one of ${width} × ${height}`);
    if (depth !== 8 || (count !== 1 && count !== 3) || segment.length < 6 + 3 * count || this.#components.length > 0) {
      throw this.#refuse('one with other colours');
    }
    const described = Array.from({ length: count }, (_, i) => {
      const [id = 0, sampling = 0, quantization = 0] = segment.subarray(6 + 3 * i);
      // A single colour comes block by block, whatever it says (T.81 §A.2.2).
      return { id, across: count === 1 ? 1 : sampling >> 4, down: count === 1 ? 1 : sampling & 15, quantization };
    });
    const known = (blocks: number) => blocks === 1 || blocks === 2;
    if (!described.every(({ across, down }) => known(across) && known(down))) {
      throw this.#refuse('one with colours of other sizes');
    }
    const { columns, rows } = unitsOf(size, described);
    this.#components = described.map((component) => {
      const stride = 8 * component.across * columns;
      return Object.assign(component, { stride, samples: new Uint8Array(stride * 8 * component.down * rows) });
    });
  }

  /** T.81 §B.2.4.1. */
  #takeQuantizations(segment: Uint8Array): void {
    for (let at = 0; at < segment.length;) {
      const [wide, table] = [segment[at]! >> 4, segment[at]! & 15];
      const step = wide > 0 ? 2 : 1;
      const numbers = segment.subarray(at + 1, at + 1 + BLOCK * step);
      if (wide > 1 || table > 3 || numbers.length < BLOCK * step) throw this.#refuse('a damaged one');
      this.#quantizations.set(
        table,
        Float32Array.from({ length: BLOCK }, (_, i) =>
          wide > 0 ? (numbers[2 * i]! << 8) | numbers[2 * i + 1]! : numbers[i]!,
        ),
      );
      at += 1 + BLOCK * step;
    }
  }

  /** T.81 §B.2.4.2. */
  #takeHuffmanTables(segment: Uint8Array): void {
    for (let at = 0; at < segment.length;) {
      const key = segment[at]!;
      const counts = segment.subarray(at + 1, at + 1 + MAX_CODE_BITS);
      const length = counts.reduce((sum, count) => sum + count, 0);
      const values = segment.subarray(at + 1 + MAX_CODE_BITS, at + 1 + MAX_CODE_BITS + length);
      if ((key & 0xec) !== 0 || counts.length < MAX_CODE_BITS || values.length < length) {
        throw this.#refuse('a damaged one');
      }
      this.#huffman.set(key, { counts, values });
      at += 1 + MAX_CODE_BITS + length;
    }
  }

  /** All colours in one scan (T.81 §B.2.3), whose coded data begin at `at`. */
  #takeScan(segment: Uint8Array, at: number): void {
    const refuse = this.#refuse;
    const components = this.#components;
    if (components.length === 0) throw refuse('one without a size');
    if (segment[0] !== components.length || segment.length < 1 + 2 * components.length) {
      throw refuse('one whose colours come one after another');
    }
    const coded = components.map((component, i) => {
      const [id, tables = 0] = segment.subarray(1 + 2 * i);
      const [dc, ac] = [this.#huffman.get(tables >> 4), this.#huffman.get(0x10 | (tables & 15))];
      const quantization = this.#quantizations.get(component.quantization);
      if (id !== component.id || !dc || !ac || !quantization) throw refuse('one that lacks a table');
      return { component, dc, ac, quantization, last: 0 };
    });
    const { columns, rows } = unitsOf(this.#size, components);
    const bits = new BitReader(this.#bytes, at, refuse);
    const read: Block = { coefficients: new Float32Array(BLOCK), isFlat: true };
    const scratch = new Float32Array(BLOCK);
    for (let unit = 0; unit < columns * rows; unit++) {
      if (this.#restartInterval > 0 && unit > 0 && unit % this.#restartInterval === 0) {
        bits.restart(unit / this.#restartInterval - 1);
        for (const colour of coded) colour.last = 0;
      }
      const [column, row] = [unit % columns, Math.floor(unit / columns)];
      for (const colour of coded) {
        const { across, down, stride } = colour.component;
        for (let block = 0; block < across * down; block++) {
          const x = column * across + (block % across);
          const y = row * down + Math.floor(block / across);
          this.#readBlock(bits, colour, read);
          transform(read, scratch, colour.component, 8 * (y * stride + x));
        }
      }
    }
  }

  /** The coefficients of the next block of a colour (T.81 §F.2.2). */
  #readBlock(
    bits: BitReader,
    colour: { last: number; readonly dc: HuffmanTable; readonly ac: HuffmanTable; readonly quantization: Float32Array },
    block: Block,
  ): void {
    const { coefficients } = block;
    coefficients.fill(0);
    block.isFlat = true;
    const size = bits.coded(colour.dc);
    if (size > MAX_DC_BITS) throw this.#refuse('a damaged one');
    colour.last += bits.signed(size);
    coefficients[0] = colour.last * colour.quantization[0]!;
    for (let k = 1; k < BLOCK; k++) {
      const symbol = bits.coded(colour.ac);
      const [zeros, length] = [symbol >> 4, symbol & 15];
      if (length === 0) {
        // Sixteen zeros, or nothing but zeros.
        if (zeros !== 15) return;
        k += 15;
        continue;
      }
      k += zeros;
      if (k >= BLOCK || length > MAX_AC_BITS) throw this.#refuse('a damaged one');
      block.isFlat = false;
      coefficients[ZIGZAG[k]!] = bits.signed(length) * colour.quantization[k]!;
    }
  }
}

/** How many units of the scan a picture has: each holds the blocks of all colours for the same place (T.81 §A.2.3). */
const unitsOf = (
  size: number,
  components: readonly Pick<Component, 'across' | 'down'>[],
): { readonly columns: number; readonly rows: number } => ({
  columns: Math.ceil(size / (8 * Math.max(...components.map(({ across }) => across)))),
  rows: Math.ceil(size / (8 * Math.max(...components.map(({ down }) => down)))),
});

/**
 * Decodes a baseline JPEG of a known size.
 * @param size - pixels a side that it has to have
 * @returns RGB, row by row from the top, `size`² × 3 bytes
 * @throws {VisavisError} `bad_message` for anything but a whole, 8-bit, baseline, grey or YCbCr JPEG of that size in one scan
 */
export const decodeJpeg = (file: Uint8Array, size: number): Uint8Array<ArrayBuffer> => {
  const expected = `expected a baseline JPEG of ${size} × ${size} pixels`;
  const refuse = (got: string) => new VisavisError('bad_message', `${expected}, got ${got}`);
  const components = new JpegReader(file, size, refuse).read();
  const [across, down] = [
    Math.max(...components.map((component) => component.across)),
    Math.max(...components.map((component) => component.down)),
  ];
  const [luma, blue, red] = components;
  const rgb = new Uint8Array(size * size * 3);
  if (!luma) return rgb;
  const sampleOf = (component: Component, x: number, y: number): number =>
    component.samples[
      (component.down === down ? y : y >> 1) * component.stride + (component.across === across ? x : x >> 1)
    ]!;
  const clamped = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++, at += 3) {
      const light = sampleOf(luma, x, y);
      const cb = blue ? sampleOf(blue, x, y) - 128 : 0;
      const cr = red ? sampleOf(red, x, y) - 128 : 0;
      // JFIF 1.02, page 3.
      rgb[at] = clamped(light + 1.402 * cr);
      rgb[at + 1] = clamped(light - 0.344_14 * cb - 0.714_14 * cr);
      rgb[at + 2] = clamped(light + 1.772 * cb);
    }
  }
  return rgb;
};
