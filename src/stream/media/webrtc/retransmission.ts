/** Video packets kept to be sent again when the receiver misses them (RFC 4585 §6.2.1, RFC 4588). Pure: time comes in. */

/** Longer than this a receiver does not wait for a packet. */
const KEPT_MS = 1000;
/** About 3 s at 500 kbit/s. */
const MAX_PACKETS = 256;
/** Asked for again before this, a packet that was sent again is still on its way. */
const LEAST_INTERVAL_MS = 20;

/** An RTP packet as it was sent first. */
export interface KeptPacket {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array<ArrayBuffer>;
}

export class Retransmission {
  readonly #kept = new Map<number, { readonly packet: KeptPacket; readonly sentMs: number; againMs: number }>();

  /** Notes a packet that leaves now. */
  keep(packet: KeptPacket, nowMs: number): void {
    this.#kept.delete(packet.sequenceNumber);
    this.#kept.set(packet.sequenceNumber, { packet, sentMs: nowMs, againMs: -Infinity });
    for (const [oldest, { sentMs }] of this.#kept) {
      if (this.#kept.size <= MAX_PACKETS && nowMs - sentMs <= KEPT_MS) break;
      this.#kept.delete(oldest);
    }
  }

  /** The packets among those asked for that are worth sending again now. */
  ask(sequenceNumbers: readonly number[], nowMs: number, roundTripMs: number): readonly KeptPacket[] {
    const again: KeptPacket[] = [];
    for (const sequenceNumber of sequenceNumbers) {
      const kept = this.#kept.get(sequenceNumber);
      if (kept === undefined || nowMs - kept.sentMs > KEPT_MS) continue;
      if (nowMs - kept.againMs < Math.max(LEAST_INTERVAL_MS, 0.9 * roundTripMs)) continue;
      kept.againMs = nowMs;
      again.push(kept.packet);
    }
    return again;
  }
}

/** RTX payload: the original sequence number, then the original payload (RFC 4588 §4). */
export const rtxPayload = ({ sequenceNumber, payload }: KeptPacket): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(2 + payload.length);
  new DataView(bytes.buffer).setUint16(0, sequenceNumber);
  bytes.set(payload, 2);
  return bytes;
};
