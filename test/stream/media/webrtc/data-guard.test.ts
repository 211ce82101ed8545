import { expect, test } from 'vitest';
import { RTCSctpTransport } from 'werift';
import { guardData } from '../../../../src/stream/media/webrtc/data-guard.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { crc32c } from '../../../support/sctp.ts';

const DATA_CHANNELS = 4;
const [DCEP, TEXT] = [50, 51];
const [FIRST, LAST] = [2, 1];
const WHOLE = FIRST | LAST;
/** Sequence number before the first. Werift orders them as text, which takes numbers of one length. */
const BEFORE = 0x7000_0000;
const int32 = (value: number): number[] => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];

/** A guarded association, as the browser's side sees it: sends chunks of data, and gets packets. */
const connect = () => {
  const clock = new FakeClock();
  const sent: Buffer[] = [];
  const dtls = {
    id: 'dtls',
    iceTransport: { role: 'controlled' },
    onStateChange: { subscribe: () => ({ unSubscribe: () => undefined }) },
    sendData: async (packet: Buffer) => void sent.push(packet),
    dataReceiver: (_packet: Buffer) => undefined,
  };
  const transport = new RTCSctpTransport();
  transport.setDtlsTransport(dtls as never);
  guardData(transport, { dataChannels: DATA_CHANNELS, dataBytes: 65_536, messagesPerSecond: 1000 }, clock);
  const { sctp } = transport;
  sctp.setRemotePort(5000);
  const received: string[] = [];
  transport.onDataChannel.subscribe((channel) => channel.onMessage.subscribe((text) => received.push(String(text))));
  const inside = (name: string): unknown => Reflect.get(sctp, name);

  const send = async (chunks: readonly (readonly number[])[], tag = Number(inside('localVerificationTag'))) => {
    const packet = Buffer.from([0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, ...chunks.flat()]);
    packet.writeUInt32BE(tag, 4);
    packet.writeUInt32LE(crc32c(packet), 8);
    await (inside('handleData') as (packet: Buffer) => Promise<void>)(packet);
  };
  const initiate = [1, 0, 0, 20, 0, 0, 0, 7, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, ...int32(BEFORE + 1)];
  return { clock, sent, transport, received, inside, send, begin: () => send([initiate], 0) };
};

/** `tsn` counts from 1. */
interface Data {
  readonly tsn: number;
  readonly stream?: number;
  readonly flags?: number;
  readonly protocol?: number;
  readonly ssn?: number;
}

const data = (bytes: readonly number[], { tsn, stream = 0, flags = WHOLE, protocol = TEXT, ssn = 0 }: Data) => {
  const length = 16 + bytes.length;
  const head = [0, flags, length >> 8, length & 255, ...int32(BEFORE + tsn), 0, stream, ssn >> 8, ssn & 255];
  return [...head, 0, 0, 0, protocol, ...bytes, ...Array<number>((4 - (length % 4)) % 4).fill(0)];
};
const open = (tsn: number, stream: number) =>
  data([3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0x61], { tsn, stream, protocol: DCEP });
const text = [...Buffer.from('hello')];

test('tells the browser how many streams it may use, and how much it may send ahead', async () => {
  const { sent, begin } = connect();

  await begin();

  const answer = sent[0]!.subarray(12);
  expect([answer[0], answer.readUInt32BE(8), answer.readUInt16BE(14)]).toEqual([2, 65_536, 2 * DATA_CHANNELS]);
});

test('opens as many channels as allowed, each once, and reads what comes over them', async () => {
  const { transport, received, begin, send } = connect();
  await begin();

  for (let stream = 0; stream < 8; stream += 1) await send([open(stream + 1, stream)]);
  await send([open(9, 0)]);
  await send([data(text, { tsn: 10, stream: 3, ssn: 1 }), data(text, { tsn: 11, stream: 5, ssn: 1 })]);
  await send([
    data([2], { tsn: 12, stream: 6, protocol: DCEP, ssn: 1 }),
    data(text, { tsn: 13, protocol: 99, ssn: 2 }),
  ]);

  expect(Object.keys(transport.dataChannels)).toEqual(['0', '1', '2', '3']);
  expect(received).toEqual(['hello']);
});

test('keeps a few hundred parts of messages that never end, and no further ones', async () => {
  const { clock, inside, begin, send } = connect();
  await begin();

  for (let tsn = 1; tsn < 3000; tsn += 1) {
    await send([data([1], { tsn, flags: tsn === 1 ? FIRST : 0 })]);
    clock.advance(10);
  }

  const [stream] = Object.values(inside('inboundStreams') as Record<string, { reassembly: unknown[] }>);
  expect(stream?.reassembly).toHaveLength(512);
});

test('keeps a hundred chunks that wait for a lost one, which is welcome whenever it comes', async () => {
  const { clock, received, inside, begin, send } = connect();
  await begin();
  await send([open(1, 0)]);

  for (let tsn = 3; tsn < 1000; tsn += 1) {
    await send([data(text, { tsn, flags: WHOLE | 4 })]);
    clock.advance(10);
  }
  expect((inside('sackMisOrdered') as Set<number>).size).toBe(128);
  const before = received.length;
  await send([data(text, { tsn: 2, flags: WHOLE | 4 })]);

  expect(received).toHaveLength(before + 1);
  expect((inside('sackMisOrdered') as Set<number>).size).toBe(0);
});

test('leaves unread what comes faster than messages may, until they may again', async () => {
  const { clock, received, begin, send } = connect();
  await begin();
  await send([open(1, 0)]);
  const messages = (from: number) =>
    Array.from({ length: 40 }, (_, i) => data(text, { tsn: from + i, flags: WHOLE | 4 }));

  for (let packet = 0; packet < 200; packet += 1) await send(messages(2 + 40 * packet));
  expect(received.length).toBeGreaterThanOrEqual(1990);
  expect(received.length).toBeLessThan(2100);
  const before = received.length;
  clock.advance(1000);
  await send(messages(2 + before));

  expect(received).toHaveLength(before + 40);
});
