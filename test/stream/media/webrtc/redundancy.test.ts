import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redundantPayload } from '../../../../src/stream/media/webrtc/redundancy.ts';

/** Reads RFC 2198 §3. */
const blocksOf = (packet: Uint8Array, timestamp: number) => {
  const view = new DataView(packet.buffer, packet.byteOffset);
  const heads: { payloadType: number; timestamp: number; length: number | null }[] = [];
  let at = 0;
  while ((packet[at] ?? 0) & 0x80) {
    const head = view.getUint32(at);
    heads.push({
      payloadType: (head >>> 24) & 0x7f,
      timestamp: (timestamp - ((head >>> 10) & 0x3fff)) >>> 0,
      length: head & 0x3ff,
    });
    at += 4;
  }
  heads.push({ payloadType: packet[at] ?? 0, timestamp, length: null });
  at += 1;
  return heads.map(({ length, ...head }) => {
    const payload = packet.slice(at, length === null ? undefined : at + length);
    at += payload.length;
    return { ...head, payload };
  });
};

const payload = fc.uint8Array({ minLength: 1, maxLength: 400 });

describe('a packet with copies of earlier sound', () => {
  it('holds every payload with its time, also where the clock of 32 bits begins anew', () => {
    fc.assert(
      fc.property(
        fc.nat(127),
        fc.nat(2 ** 32 - 1),
        payload,
        fc.array(payload, { maxLength: 3 }),
        (payloadType, timestamp, primary, before) => {
          const earlier = before.map((bytes, i) => ({
            timestamp: (timestamp - 960 * (before.length - i)) >>> 0,
            payload: bytes,
          }));

          const packet = redundantPayload(payloadType, { timestamp, payload: primary }, earlier);

          expect(blocksOf(packet, timestamp)).toEqual(
            [...earlier, { timestamp, payload: primary }].map((block) => ({ payloadType, ...block })),
          );
        },
      ),
    );
  });

  it('leaves out what its header cannot say: too long, too old, of the same time, or nothing', () => {
    const primary = { timestamp: 50_000, payload: Uint8Array.from([9]) };
    const earlier = [
      { timestamp: 50_000 - 0x4000, payload: Uint8Array.from([1]) },
      { timestamp: 49_040, payload: new Uint8Array(1024) },
      { timestamp: 49_040, payload: new Uint8Array(0) },
      { timestamp: 50_000, payload: Uint8Array.from([2]) },
    ];

    expect([...redundantPayload(111, primary, earlier)]).toEqual([111, 9]);
  });
});
