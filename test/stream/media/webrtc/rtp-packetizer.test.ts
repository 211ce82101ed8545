import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_PAYLOAD_BYTES,
  nextSequenceNumber,
  packetizeVp8,
  rtpTimestamp,
} from '../../../../src/stream/media/webrtc/rtp-packetizer.ts';

describe('VP8 packetizer', () => {
  it('cuts a frame into payloads that join to it again, marked as RFC 7741 says', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 9000 }),
        fc.nat(),
        fc.integer({ min: 10, max: 1200 }),
        (frame, pictureId, maxBytes) => {
          const payloads = packetizeVp8(frame, pictureId, maxBytes);

          expect(Buffer.concat(payloads.map((payload) => payload.subarray(4)))).toEqual(Buffer.from(frame));
          for (const [index, payload] of payloads.entries()) {
            expect(payload.length).toBeLessThanOrEqual(maxBytes);
            expect(payload[0]).toBe(index === 0 ? 0x90 : 0x80);
            expect(payload[1]).toBe(0x80);
            expect(new DataView(payload.buffer).getUint16(2)).toBe(0x8000 | (pictureId & 0x7fff));
          }
        },
      ),
    );
  });

  it('uses as few packets as fit, of nearly equal size', () => {
    const sizes = packetizeVp8(new Uint8Array(3000), 0).map(({ length }) => length);

    expect(sizes).toEqual([1004, 1004, 1004]);
    expect(packetizeVp8(new Uint8Array(MAX_PAYLOAD_BYTES - 4), 0)).toHaveLength(1);
  });
});

describe('RTP numbers', () => {
  it('wrap at 16 and 32 bits', () => {
    expect(nextSequenceNumber(0xffff)).toBe(0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 2 ** 28 }), (base, index) => {
        const timestamp = rtpTimestamp(base, index, 3600);

        expect(timestamp).toBe(Number((BigInt(base) + BigInt(index) * 3600n) & 0xffff_ffffn));
      }),
    );
  });
});
