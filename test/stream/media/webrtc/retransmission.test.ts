import { describe, expect, it } from 'vitest';
import { Retransmission, rtxPayload, type KeptPacket } from '../../../../src/stream/media/webrtc/retransmission.ts';

const packet = (sequenceNumber: number): KeptPacket => ({
  sequenceNumber,
  timestamp: 0,
  marker: true,
  payload: new Uint8Array([sequenceNumber & 255]),
});

describe('retransmission', () => {
  it('gives what is asked for, once a round trip, while a receiver may still wait for it', () => {
    const retransmission = new Retransmission();
    for (let i = 0; i < 5; i++) retransmission.keep(packet(65_533 + i > 65_535 ? i - 3 : 65_533 + i), i * 40);
    const ask = (nowMs: number) => retransmission.ask([65_535, 0, 77], nowMs, 100).map((kept) => kept.sequenceNumber);

    expect(ask(200)).toEqual([65_535, 0]);
    expect(ask(250)).toEqual([]);
    expect(ask(300)).toEqual([65_535, 0]);
    expect(ask(1100)).toEqual([0]);
    expect(ask(1200)).toEqual([]);
  });

  it('keeps a bounded number of packets', () => {
    const retransmission = new Retransmission();
    for (let i = 0; i < 1000; i++) retransmission.keep(packet(i), 0);

    const all = Array.from({ length: 1000 }, (_, i) => i);
    expect(retransmission.ask(all, 0, 0).map((kept) => kept.sequenceNumber)).toEqual(all.slice(-256));
  });

  it('puts the original sequence number before the original payload', () => {
    expect([...rtxPayload({ ...packet(0x1234), payload: new Uint8Array([9, 8]) })]).toEqual([0x12, 0x34, 9, 8]);
  });
});
