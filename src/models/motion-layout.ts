/**
 * Renderers that were trained on another descriptor than ours, such as the 73 coefficients of PIRenderer's own data (64 of
 * expression, 3 angles, 3 of translation, 3 of the crop): their manifest names a matrix that makes it of `visavis-59`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { VisavisError } from '../errors.ts';
import { MOTION_SIZE } from '../media.ts';

/** How a manifest names such a layout. */
export interface LayoutSpec {
  readonly name: string;
  /** Values of a descriptor. */
  readonly size: number;
  /** JSON beside the manifest: `{ "matrix": size rows of 59, "offset": size }`. */
  readonly file: string;
}

/** Brings rows of `visavis-59` into the layout of a renderer. */
export interface MotionLayout {
  /** Values of a descriptor as the renderer takes it. */
  readonly size: number;
  /** @param rows - float32[frames × 59]; gives float32[frames × size] */
  readonly convert: (rows: Float32Array) => Float32Array;
}

/** The project's own layout: nothing to convert. */
export const OWN_LAYOUT: MotionLayout = { size: MOTION_SIZE, convert: (rows) => rows };

const linear = (matrix: readonly (readonly number[])[], offset: readonly number[]): MotionLayout => {
  const size = offset.length;
  const weights = Float32Array.from(matrix.flat());
  return {
    size,
    convert: (rows) => {
      const converted = new Float32Array((rows.length / MOTION_SIZE) * size);
      for (let i = 0; i < converted.length; i++) {
        const from = Math.floor(i / size) * MOTION_SIZE;
        const row = (i % size) * MOTION_SIZE;
        let sum = offset[i % size]!;
        for (let k = 0; k < MOTION_SIZE; k++) sum += weights[row + k]! * rows[from + k]!;
        converted[i] = sum;
      }
      return converted;
    },
  };
};

/**
 * Reads the matrix of a layout.
 * @throws {VisavisError} `bad_model` when the file is missing or its sizes are not those of the layout
 */
export const readLayout = async (folder: string, { name, size, file }: LayoutSpec): Promise<MotionLayout> => {
  const path = join(folder, file);
  const schema = z.object({
    matrix: z.array(z.array(z.number()).length(MOTION_SIZE)).length(size),
    offset: z.array(z.number()).length(size),
  });
  const expected = `expected JSON of the layout ${name}: "matrix" of ${size} rows of ${MOTION_SIZE} and "offset" of ${size}`;
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new VisavisError('bad_model', `${path}: ${expected}, got no file that can be read.`, { cause });
  });
  try {
    const { matrix, offset } = schema.parse(JSON.parse(text));
    return linear(matrix, offset);
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new VisavisError('bad_model', `${path}: ${expected}, got: ${reason}`, { cause });
  }
};
