import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTransportFeedback } from '../../../../src/stream/media/rate/transport-feedback.ts';
import { SentPackets } from '../../../../src/stream/media/rate/sent-packets.ts';

/** Writes feedback as a receiver may: `vector` says how many bits a symbol of the status vectors has, 0: runs. */
const write = (
  base: number,
  referenceTicks: number,
  deltas: readonly (number | null)[],
  vector: 0 | 1 | 2,
): Uint8Array => {
  const statuses = deltas.map((delta) => (delta === null ? 0 : delta >= 0 && delta <= 255 ? 1 : 2));
  const chunks: number[] = [];
  const perVector = vector === 1 ? 14 : 7;
  for (let at = 0; at < statuses.length;) {
    const part = statuses.slice(at, at + perVector);
    if (vector !== 0 && !(vector === 1 && part.includes(2))) {
      const symbols = part.reduce<number>((bits, status, i) => bits | (status << (14 - vector * (i + 1))), 0);
      chunks.push(0x8000 | (vector === 2 ? 0x4000 : 0) | symbols);
      at += part.length;
      continue;
    }
    let run = 1;
    while (statuses[at + run] === statuses[at]) run += 1;
    chunks.push(((statuses[at] ?? 0) << 13) | run);
    at += run;
  }
  const body = deltas.flatMap((delta) => {
    if (delta === null) return [];
    return delta >= 0 && delta <= 255 ? [delta] : [(delta >> 8) & 255, delta & 255];
  });
  const bytes = new Uint8Array(16 + 2 * chunks.length + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(8, base);
  view.setUint16(10, deltas.length);
  view.setInt32(12, referenceTicks << 8);
  for (const [i, chunk] of chunks.entries()) view.setUint16(16 + 2 * i, chunk);
  bytes.set(body, 16 + 2 * chunks.length);
  return bytes;
};

describe('transport-wide feedback', () => {
  it('gives every packet its arrival, whatever form the receiver chose', () => {
    const delta = fc.oneof(
      fc.constant(null),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: -32768, max: 32767 }),
    );
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }),
        fc.array(delta, { minLength: 1, maxLength: 100 }),
        fc.constantFrom(0 as const, 1 as const, 2 as const),
        (base, ticks, deltas, vector) => {
          let timeMs = ticks * 64;
          const expected = deltas.map((delta, i) => {
            if (delta !== null) timeMs += delta / 4;
            return { sequenceNumber: (base + i) % 65536, arrivalMs: delta === null ? null : timeMs };
          });

          expect(readTransportFeedback(write(base, ticks, deltas, vector))).toEqual(expected);
        },
      ),
    );
  });

  it('is refused when it is not whole, and whatever comes is read in no time', () => {
    const whole = write(7, 1, [1, 300, null, 2], 0);

    for (let length = 0; length < whole.length; length++)
      expect(readTransportFeedback(whole.subarray(0, length))).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
        const arrivals = readTransportFeedback(bytes);
        expect(arrivals === null || arrivals.length <= 65_535).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('sent packets', () => {
  it('tells of a loss once, of an arrival once, and of a packet that came after all', () => {
    const sent = new SentPackets();
    const numbers = [10, 20, 30].map((sentMs) => sent.add(sentMs, 100));
    const lost = numbers.map((sequenceNumber) => ({ sequenceNumber, arrivalMs: null }));
    const arrived = numbers.map((sequenceNumber) => ({ sequenceNumber, arrivalMs: 5 }));

    expect(sent.resolve(lost.slice(0, 2)).map(({ sentMs, arrivalMs }) => [sentMs, arrivalMs])).toEqual([
      [10, null],
      [20, null],
    ]);
    expect(sent.resolve(lost.slice(0, 2))).toEqual([]);
    expect(sent.resolve(arrived).map(({ recovered }) => recovered)).toEqual([true, true, false]);
    expect(sent.resolve(arrived)).toEqual([]);
  });

  it('numbers on past 65535, and forgets what is old', () => {
    const sent = new SentPackets();
    const numbers = Array.from({ length: 70_000 }, () => sent.add(0, 1));

    expect(numbers.at(-1)).toBe((70_000 - 1) % 65_536);
    const all = Array.from({ length: 65_536 }, (_, sequenceNumber) => ({ sequenceNumber, arrivalMs: 1 }));
    expect(sent.resolve(all)).toHaveLength(1024);
  });
});
