/**
 * Stands between a browser's data channels and werift (0.24.4), which takes as many channels, streams and unfinished messages as a
 * browser sends, and puts a thousand packets in order again for each one that comes. What is over a bound is dropped: SCTP sends it
 * again, later, or its sender gives up.
 */
import type { RTCSctpTransport } from 'werift';
import type { Clock } from '../../../clock.ts';
import { MessageBudget } from '../../../message-budget.ts';
import { readSctp } from './sctp-guard.ts';

/** What a browser's data channels may make the server hold. */
export interface DataLimits {
  /** Channels that are opened in the life of a session. */
  readonly dataChannels: number;
  /** Parts of messages that are not complete, bytes. */
  readonly dataBytes: number;
  /** Chunks of data, acknowledgements and the like; twice as many may come at once. */
  readonly messagesPerSecond: number;
}

/** Both sides of a connection number the channels that they open in steps of two (RFC 8832 §6). */
const STREAMS_A_CHANNEL = 2;
/** Parts that may wait for others of their message: of 100 bytes at least, on the average of the largest message. */
const MAX_WAITING_PARTS = 512;
/** Chunks that may wait for one that was lost before them. Werift sorts them for each that comes. */
const MAX_MISORDERED = 128;

/** Payload protocols and messages of data channels (RFC 8831 §8, RFC 8832 §5). */
const DCEP = 50;
const TEXT_OR_BINARY: ReadonlySet<unknown> = new Set([51, 53, 56, 57]);
const OPEN = 3;
const OPEN_BYTES = 12;

/** @throws {TypeError} when the library's insides are not those expected. */
export const guardData = (transport: RTCSctpTransport, limits: DataLimits, clock: Clock): void => {
  const { sctp: association } = transport;
  const streams = STREAMS_A_CHANNEL * limits.dataChannels;
  const budget = new MessageBudget(limits.messagesPerSecond, clock.nowMs());
  let restUntilMs = -Infinity;
  let opened = 0;

  const handle = methodOf(association, 'handleData');
  Reflect.set(association, 'handleData', async (packet: Uint8Array): Promise<void> => {
    const nowMs = clock.nowMs();
    const read = readSctp(packet, streams);
    if (read === null || nowMs < restUntilMs) return;
    if (read.tsn !== null && isFull(association, read.tsn)) return;
    restUntilMs = nowMs + budget.take(nowMs, read.chunks);
    try {
      await handle(packet);
    } catch {
      // What a browser sends and werift cannot read is that browser's own loss: others share the thread.
    }
  });

  /** The channel exists before werift is told of it only when the browser opens it twice, which nobody needs to answer. */
  const mayOpen = (stream: unknown, data: Uint8Array): boolean => {
    const isNew =
      data[0] === OPEN && data.length >= OPEN_BYTES && !Object.hasOwn(transport.dataChannels, String(stream));
    if (!isNew || opened >= limits.dataChannels) return false;
    opened += 1;
    return true;
  };
  const receive = methodOf(association, 'receive');
  Reflect.set(association, 'receive', (stream: unknown, protocol: unknown, data: Uint8Array): void => {
    if (protocol === DCEP ? mayOpen(stream, data) : TEXT_OR_BINARY.has(protocol)) receive(stream, protocol, data);
  });

  // What the browser is told when the association begins (RFC 9260 §3.3.3).
  Reflect.set(association, '_inboundStreamsMax', streams);
  Reflect.set(association, 'advertisedRwnd', limits.dataBytes);
};

/** Whether there is no room for a chunk of data. What was lost, and others wait for, is always welcome. */
const isFull = (association: RTCSctpTransport['sctp'], tsn: number): boolean => {
  const window: unknown = Reflect.get(association, 'advertisedRwnd');
  const misordered: unknown = Reflect.get(association, 'sackMisOrdered');
  const streams: unknown = Reflect.get(association, 'inboundStreams');
  if (typeof window !== 'number' || !(misordered instanceof Set) || typeof streams !== 'object' || streams === null)
    throw new TypeError('werift has another form than expected');
  const isNext = tsn === (Number(Reflect.get(association, 'lastReceivedTsn')) + 1) % 2 ** 32;
  return window <= 0 || (misordered.size >= MAX_MISORDERED && !isNext) || waitingParts(streams) >= MAX_WAITING_PARTS;
};

const waitingParts = (streams: object): number => {
  let parts = 0;
  for (const stream of Object.values(streams) as object[]) {
    const reassembly: unknown = Reflect.get(stream, 'reassembly');
    if (Array.isArray(reassembly)) parts += reassembly.length;
  }
  return parts;
};

const methodOf = (object: object, name: string): ((...given: readonly unknown[]) => unknown) => {
  const found: unknown = Reflect.get(object, name);
  if (typeof found !== 'function') throw new TypeError('werift has another form than expected');
  return (...given) => Reflect.apply(found, object, given);
};
