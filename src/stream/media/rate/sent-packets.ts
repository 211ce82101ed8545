/** Remembers what was sent when, until the receiver tells what has become of it. Pure. */
import type { PacketArrival } from './transport-feedback.ts';

/** Packets remembered; about 10 s at 100 packets a second. Of older ones nothing is told. */
const MAX_PACKETS = 1024;

/** A packet that feedback has told about. */
export interface PacketResult {
  /** On the sender's clock, ms. */
  readonly sentMs: number;
  /** On the receiver's clock, ms; null: lost, as far as is known. */
  readonly arrivalMs: number | null;
  readonly bytes: number;
  /** It was told to be lost before. */
  readonly recovered: boolean;
}

interface Sent {
  readonly sentMs: number;
  readonly bytes: number;
  isLost: boolean;
}

export class SentPackets {
  readonly #sent = new Map<number, Sent>();
  #next = 0;

  /** Notes a packet that leaves now. @returns its transport-wide sequence number, 0…65535. */
  add(sentMs: number, bytes: number): number {
    const sequenceNumber = this.#next;
    this.#next = (this.#next + 1) & 0xffff;
    this.#sent.set(sequenceNumber, { sentMs, bytes, isLost: false });
    this.#sent.delete((sequenceNumber - MAX_PACKETS) & 0xffff);
    return sequenceNumber;
  }

  /** What has become of packets: each is told of once when it has arrived, and before that once when it seems lost. */
  resolve(arrivals: readonly PacketArrival[]): readonly PacketResult[] {
    const results: PacketResult[] = [];
    for (const { sequenceNumber, arrivalMs } of arrivals) {
      const sent = this.#sent.get(sequenceNumber);
      if (sent === undefined || (arrivalMs === null && sent.isLost)) continue;
      const { sentMs, bytes, isLost } = sent;
      results.push({ sentMs, bytes, arrivalMs, recovered: isLost });
      if (arrivalMs === null) sent.isLost = true;
      else this.#sent.delete(sequenceNumber);
    }
    return results;
  }
}
