/** Motion as a file of NumPy's: for programs that draw their own face, and for looking at it. */
import { zipSync } from 'fflate';
import { FRAMES_PER_SECOND, MOTION_SIZE } from './media.ts';

/** float32[T, 59] as an .npz archive with one array, `motion`, and the frame rate, `fps`. */
export const npzOf = (descriptors: readonly Float32Array[]): Uint8Array => {
  const motion = new Uint8Array(descriptors.length * MOTION_SIZE * 4);
  for (const [i, descriptor] of descriptors.entries()) {
    motion.set(new Uint8Array(descriptor.buffer, descriptor.byteOffset, MOTION_SIZE * 4), i * MOTION_SIZE * 4);
  }
  const fps = new Uint8Array(Int32Array.of(FRAMES_PER_SECOND).buffer);
  return zipSync(
    { 'motion.npy': npy('<f4', `(${descriptors.length}, ${MOTION_SIZE})`, motion), 'fps.npy': npy('<i4', '()', fps) },
    { level: 0 },
  );
};

/** The .npy format, version 1.0: magic, header length, a Python literal padded to 64 bytes, the data. */
const npy = (dtype: string, shape: string, data: Uint8Array): Uint8Array => {
  const literal = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${shape}, }`;
  const length = Math.ceil((10 + literal.length + 1) / 64) * 64 - 10;
  const header = Buffer.from(`\x93NUMPY\x01\x00__${literal.padEnd(length - 1)}\n`, 'latin1');
  header.writeUInt16LE(length, 8);
  return Buffer.concat([header, data]);
};
