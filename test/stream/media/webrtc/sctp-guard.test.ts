import { describe, expect, it } from 'vitest';
import { readSctp } from '../../../../src/stream/media/webrtc/sctp-guard.ts';

const HEADER = [0x13, 0x88, 0x13, 0x88, 0, 0, 0, 1, 0, 0, 0, 0];
const packet = (...chunks: readonly (readonly number[])[]) => Uint8Array.from([...HEADER, ...chunks.flat()]);
const isSoundSctp = (packet: Uint8Array) => readSctp(packet, 8) !== null;
const words = (...values: readonly number[]) => values.flatMap((value) => [value >> 8, value & 255]);

const times = (count: number, chunk: readonly number[]) => Array.from({ length: count }, () => chunk);

const data = [0, 3, 0, 17, 0, 0, 0, 9, 0, 3, 0, 0, 0, 0, 0, 51, 42, 0, 0, 0];
const heartbeat = [4, 0, 0, 12, 0, 1, 0, 8, 1, 2, 3, 4];
const sack = (gaps: readonly (readonly [number, number])[], count = gaps.length) => [
  3,
  0,
  ...words(16 + 4 * gaps.length),
  0,
  0,
  0,
  9,
  0,
  1,
  0,
  0,
  ...words(count, 0),
  ...gaps.flatMap((gap) => words(...gap)),
];

describe('the guard of data channels', () => {
  it('lets sound packets pass, of several chunks too', () => {
    expect(isSoundSctp(packet())).toBe(true);
    expect(isSoundSctp(packet(data))).toBe(true);
    expect(isSoundSctp(packet(sack([[2, 3]]), heartbeat, data))).toBe(true);
    // Padding of the last chunk may be missing.
    expect(isSoundSctp(packet(data).slice(0, -3))).toBe(true);
  });

  it('stops lengths that lead nowhere, or beyond the end', () => {
    for (const length of [0, 1, 3, 16, 100])
      expect(isSoundSctp(packet([0, 3, ...words(length), 1, 2, 3, 4]))).toBe(false);
    for (const length of [0, 3, 9, 0xffff]) {
      expect(isSoundSctp(packet([4, 0, 0, 12, 0, 1, ...words(length), 1, 2, 3, 4]))).toBe(false);
    }
    expect(isSoundSctp(packet(data).slice(0, 11))).toBe(false);
    expect(isSoundSctp(packet([77, 0, 0, 4]))).toBe(false);
  });

  it('stops acknowledgements whose gaps are longer than any window, or not there', () => {
    expect(isSoundSctp(packet(sack([[1, 1024]])))).toBe(true);
    expect(isSoundSctp(packet(sack([[0, 65_535]])))).toBe(false);
    expect(isSoundSctp(packet(sack(Array.from({ length: 3 }, () => [1, 400]))))).toBe(false);
    expect(isSoundSctp(packet(sack([[5, 4]])))).toBe(false);
    expect(isSoundSctp(packet(sack([], 9)))).toBe(false);
  });

  it('stops streams beyond those that channels may have', () => {
    const on = (stream: number) => [...data.slice(0, 9), stream, ...data.slice(10)];
    expect(readSctp(packet(on(7)), 8)).toEqual({ chunks: 1, tsn: 9 });
    expect(readSctp(packet(on(8)), 8)).toBeNull();
    const skipTo = (stream: number) => [192, 0, 0, 12, 0, 0, 0, 9, 0, stream, 0, 1];
    expect(readSctp(packet(skipTo(7)), 8)).toEqual({ chunks: 1, tsn: null });
    expect(readSctp(packet(skipTo(8)), 8)).toBeNull();
  });

  it('stops packets of many chunks that would be answered one by one, and of many parameters', () => {
    expect(isSoundSctp(packet(...times(4, heartbeat)))).toBe(true);
    expect(isSoundSctp(packet(...times(5, heartbeat)))).toBe(false);
    const params = (count: number) => [130, 0, ...words(4 + 4 * count), ...times(count, [0, 13, 0, 4]).flat()];
    expect(isSoundSctp(packet(params(16)))).toBe(true);
    expect(isSoundSctp(packet(params(17)))).toBe(false);
  });
});
