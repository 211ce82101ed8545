/**
 * Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding), as little of it as editing an ONNX file takes:
 * fields are views into the file, so that a hundred megabytes of weights are neither decoded nor copied until they are written.
 */

/** One field of a message; `value` of a number is itself, of anything else its bytes. */
export interface Field {
  readonly number: number;
  readonly wire: Wire;
  /** A varint, signed, exact below 2^53; other wire types have `bytes`. */
  readonly varint: number;
  readonly bytes: Uint8Array;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
type Wire = typeof VARINT | typeof FIXED64 | typeof BYTES | typeof FIXED32;

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Text of a field. @throws {TypeError} when it is not UTF-8. */
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Bytes of a varint that fit a number exactly: 7 × 7 bits. */
const EXACT_BYTES = 7;

const readVarint = (message: Uint8Array, at: number): readonly [value: number, next: number] => {
  let value = 0;
  for (let i = 0; i < EXACT_BYTES; i++) {
    const byte = message[at + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, at + i + 1];
  }
  // Negative numbers take ten bytes.
  let long = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = message[at + i];
    if (byte === undefined) break;
    long |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return [Number(BigInt.asIntN(64, long)), at + i + 1];
  }
  throw new RangeError(`a number at byte ${at} does not end`);
};

/** Numbers packed into one field. @throws {RangeError} when the last one is cut off */
export const varintsOf = (bytes: Uint8Array): number[] => {
  const values: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const [value, next] = readVarint(bytes, at);
    values.push(value);
    at = next;
  }
  return values;
};

/**
 * The fields of a message in order.
 * @throws {RangeError} when the bytes end inside a field or are not a message
 */
export const fieldsOf = (message: Uint8Array): Field[] => {
  const fields: Field[] = [];
  for (let at = 0; at < message.length;) {
    const [tag, start] = readVarint(message, at);
    const number = Math.floor(tag / 8);
    const wire = (tag % 8) as Wire;
    if (number <= 0) throw new RangeError(`byte ${at} begins no field`);
    if (wire === VARINT) {
      const [varint, next] = readVarint(message, start);
      fields.push({ number, wire, varint, bytes: NO_BYTES });
      at = next;
      continue;
    }
    let from = start;
    let length = wire === FIXED64 ? 8 : 4;
    if (wire === BYTES) [length, from] = readVarint(message, start);
    else if (wire !== FIXED64 && wire !== FIXED32)
      throw new RangeError(`byte ${at} has the unknown wire type ${tag % 8}`);
    if (from + length > message.length) {
      throw new RangeError(`a field at byte ${at} has ${length} bytes, only ${message.length - from} are left`);
    }
    fields.push({ number, wire, varint: 0, bytes: message.subarray(from, from + length) });
    at = from + length;
  }
  return fields;
};

/** Bytes to be written one after another, and how many they are. */
export interface Parts {
  readonly chunks: readonly Uint8Array[];
  readonly length: number;
}

const varintBytes = (value: number): Uint8Array => {
  if (value >= 0 && value < 0x80) return Uint8Array.of(value);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
};

const sumOf = (parts: readonly Parts[]): Parts => ({
  chunks: parts.flatMap(({ chunks }) => chunks),
  length: parts.reduce((sum, { length }) => sum + length, 0),
});

/** A field whose value is an integer. */
export const varintField = (number: number, value: number): Parts => {
  const bytes = Buffer.concat([varintBytes(number * 8 + VARINT), varintBytes(value)]);
  return { chunks: [bytes], length: bytes.length };
};

/** A field of bytes, text, or a message made of other fields. */
export const bytesField = (number: number, value: Uint8Array | string | readonly Parts[]): Parts => {
  const content = Array.isArray(value)
    ? sumOf(value as readonly Parts[])
    : typeof value === 'string'
      ? { chunks: [encoder.encode(value)], length: Buffer.byteLength(value) }
      : { chunks: [value as Uint8Array], length: (value as Uint8Array).length };
  const head = Buffer.concat([varintBytes(number * 8 + BYTES), varintBytes(content.length)]);
  return { chunks: [head, ...content.chunks], length: head.length + content.length };
};

/** A field as it was read. */
export const sameField = ({ number, wire, varint, bytes }: Field): Parts => {
  if (wire === VARINT) return varintField(number, varint);
  if (wire === BYTES) return bytesField(number, bytes);
  const tag = varintBytes(number * 8 + wire);
  return { chunks: [tag, bytes], length: tag.length + bytes.length };
};

/** The bytes of a message. */
export const messageOf = (parts: readonly Parts[]): Uint8Array<ArrayBuffer> => {
  const { chunks, length } = sumOf(parts);
  const message = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    message.set(chunk, at);
    at += chunk.length;
  }
  return message;
};
