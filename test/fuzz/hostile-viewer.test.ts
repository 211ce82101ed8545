import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { RTCDtlsTransport } from 'werift';
import type { MediaChannel, MediaEvent } from '../../src/stream/media/media-channel.ts';
import { createMediaServer } from '../../src/stream/media/media-client.ts';
import { feed } from '../support/media-feed.ts';
import { crc32c } from '../support/sctp.ts';
import { createWeriftViewer, type WeriftViewer } from '../support/werift-viewer.ts';
import { casesOf } from './cases.ts';

const SEED = 1;
/** Datagrams sent before it is waited until the media thread has read them. */
const BURST = 50;
/** After so many attacks comes another session, whose data channels have not been closed by one of them. */
const LIFE = 500;
const RTCP_TYPES = [192, 200, 201, 202, 203, 204, 205, 206, 207, 223];

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
/** What begins as an RTCP packet (RFC 3550 §6.4), of a length that it has or has not. */
const rtcp = fc
  .tuple(fc.nat(31), fc.constantFrom(...RTCP_TYPES), fc.option(fc.nat(0xffff)), bytes(400))
  .map(([count, type, length, body]) => {
    const words = length ?? Math.floor(body.length / 4);
    return Uint8Array.from([0x80 | count, type, words >> 8, words & 0xff, ...body]);
  });
/** Transport-wide feedback, whose chunks say anything (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1). */
const feedback = fc.tuple(bytes(8), fc.nat(0xffff), fc.nat(0xffff), bytes(300)).map(([ssrcs, base, count, chunks]) => {
  const body = [...ssrcs, ...Array<number>(8 - ssrcs.length).fill(0)];
  const all = [...body, base >> 8, base & 255, count >> 8, count & 255, 0, 0, 0, 1, ...chunks];
  const padded = [...all, ...Array<number>((4 - (all.length % 4)) % 4).fill(0)];
  return Uint8Array.from([0x8f, 205, 0, padded.length / 4, ...padded]);
});
/** A packet of the association, with its tag and a checksum that is right. */
const sealed = (packet: Uint8Array, tag: number): Uint8Array => {
  if (packet.length < 12) return packet;
  const view = new DataView(packet.buffer, packet.byteOffset);
  view.setUint32(4, tag);
  view.setUint32(8, 0);
  view.setUint32(8, crc32c(packet), true);
  return packet;
};

/** SCTP that is sound but for what it says: any chunks, any parameters, gaps that never end. */
const chunk = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 14, 130, 192),
    fc.nat(7),
    fc.option(fc.nat(40)),
    fc.oneof(
      bytes(80),
      fc.nat(0xffff).map((gap) => Uint8Array.from([0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, gap >> 8, gap & 255])),
    ),
  )
  .map(([type, flags, length, body]) => {
    const all = length ?? body.length + 4;
    return [type, flags, all >> 8, all & 255, ...body, ...Array<number>((4 - (body.length % 4)) % 4).fill(0)];
  });
const soundSctp = fc
  .array(chunk, { maxLength: 4 })
  .map((chunks) => Uint8Array.from([0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, ...chunks.flat()]));
/** What begins as SCTP (RFC 9260 §3) to the ports of data channels. */
const sctp = fc
  .tuple(fc.constantFrom(0, 1, 2, 3, 6, 7, 9, 10, 130, 192), bytes(4), bytes(300))
  .map(([type, tag, body]) =>
    Uint8Array.from([
      0x13,
      0x88,
      0x13,
      0x88,
      ...tag,
      0,
      0,
      0,
      0,
      type,
      0,
      body.length >> 8,
      body.length & 255,
      ...body,
    ]),
  );

/** Data that is new to the association, in any order, on any stream; messages that never end, and channels by the dozen. */
const dataChunk = fc
  .record({
    tsn: fc.oneof(fc.nat(8), fc.nat(3000)),
    stream: fc.oneof(fc.nat(40), fc.nat(0xffff)),
    flags: fc.nat(7),
    ssn: fc.oneof(fc.constant(0), fc.nat(0xffff)),
    protocol: fc.constantFrom(50, 50, 51, 52, 53, 54, 56, 57, 99),
    body: fc.oneof(
      bytes(30),
      fc.constant(Uint8Array.of()),
      fc.constant(Uint8Array.of(2)),
      fc.tuple(fc.nat(255), fc.nat(40), fc.nat(40), bytes(20)).map(([type, label, name, rest]) => {
        return Uint8Array.from([3, type, 0, 0, 0, 0, 0, 0, 0, label, 0, name, ...rest]);
      }),
    ),
  })
  .map(({ tsn, stream, flags, ssn, protocol, body }) => {
    const length = 16 + body.length;
    const head = [0, flags, length >> 8, length & 255, 0, 0, tsn >> 8, tsn & 255, stream >> 8, stream & 255];
    const padding = Array<number>((4 - (length % 4)) % 4).fill(0);
    return [...head, ssn >> 8, ssn & 255, 0, 0, 0, protocol, ...body, ...padding];
  });
/** A jump ahead of what was never sent (RFC 3758 §3.2), and streams that begin anew (RFC 6525 §4.1). */
const skip = fc.tuple(fc.nat(50), fc.array(fc.tuple(fc.nat(50), fc.nat(9)), { maxLength: 5 })).map(([tsn, streams]) => {
  return [192, 0, 0, 8 + 4 * streams.length, 0, 0, 0, tsn, ...streams.flatMap(([id, ssn]) => [0, id, 0, ssn])];
});
const reset = fc.array(fc.nat(40), { maxLength: 8 }).map((streams) => {
  const length = 16 + 2 * streams.length;
  const padding = Array<number>((4 - (length % 4)) % 4).fill(0);
  const param = [0, 13, 0, length, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, ...streams.flatMap((id) => [0, id])];
  return [130, 0, 0, 4 + length, ...param, ...padding];
});
const newData = fc
  .oneof(
    { weight: 8, arbitrary: fc.array(dataChunk, { minLength: 1, maxLength: 20 }) },
    { weight: 1, arbitrary: skip.map((chunk) => [chunk]) },
    { weight: 1, arbitrary: reset.map((chunk) => [chunk]) },
  )
  .map((chunks) => Uint8Array.from([0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, ...chunks.flat()]));
const SKIP = 192;
const DATA = 0;

/** The packet with sequence numbers that count from the next one that the server expects. */
const upToDate = (packet: Uint8Array, nextTsn: number): Uint8Array => {
  const copy = Uint8Array.from(packet);
  const view = new DataView(copy.buffer);
  for (let at = 12; at < copy.length; at += view.getUint16(at + 2) + ((4 - (view.getUint16(at + 2) % 4)) % 4)) {
    if (view.getUint8(at) !== DATA && view.getUint8(at) !== SKIP) continue;
    view.setUint32(at + 4, (nextTsn + view.getUint32(at + 4)) % 2 ** 32);
  }
  return copy;
};

const associationOf = ({ pc }: WeriftViewer): object => Reflect.get(pc.sctpTransport ?? {}, 'sctp') ?? {};
/** Lets a viewer answer nothing of what comes over its data channels: it does not know what it has sent in its own name. */
const deafen = (viewer: WeriftViewer): boolean => Reflect.set(associationOf(viewer), 'receive', () => undefined);
/** The tag by which the server knows packets of its association. */
const tagOf = (viewer: WeriftViewer): number =>
  Number(Reflect.get(associationOf(viewer), 'remoteVerificationTag') ?? 0);
/** What it would send next, had it sent nothing of its own since. */
const nextTsnOf = (viewer: WeriftViewer): number => Number(Reflect.get(associationOf(viewer), 'localTsn') ?? 0);

/** As the association would have it, but for what it says. */
const dressed = (packet: Uint8Array, how: string, viewer: WeriftViewer): Uint8Array => {
  if (how === 'sealed') return sealed(packet, tagOf(viewer));
  return how === 'new data' ? sealed(upToDate(packet, nextTsnOf(viewer)), tagOf(viewer)) : packet;
};

/** Sends bytes as they are, from the address of a viewer. */
const rawSender = (transport: RTCDtlsTransport): ((datagram: Uint8Array) => Promise<void>) => {
  const { connection } = transport.iceTransport;
  return (datagram) => connection.send(Buffer.from(datagram));
};

test('a viewer that sends anything at all, encrypted or not, ends no session but its own', async () => {
  // No pace: what comes too fast would not be read.
  const dataLimits = { dataChannels: 16, dataBytes: 262_144, messagesPerSecond: 1_000_000 };
  const server = await createMediaServer({ dataLimits });
  const opened: { readonly viewer: WeriftViewer; readonly channel: MediaChannel; readonly events: MediaEvent[] }[] = [];
  const open = async (): Promise<(typeof opened)[number]> => {
    const viewer = createWeriftViewer();
    const text = viewer.pc.createDataChannel('visavis.v1');
    const channel = await server.open({
      transport: { kind: 'webrtc' },
      sampleRateHz: 16_000,
      video: { size: 64, bitrateBps: 60_000 },
      fillIdle: true,
    });
    const { events } = feed(channel, { sampleRateHz: 16_000, size: 64 });
    await viewer.connect((sdp) => channel.offer(sdp));
    try {
      await vi.waitFor(() => expect([viewer.rtp.audio.length > 3, text.readyState]).toEqual([true, 'open']), {
        timeout: 10_000,
      });
    } catch {
      // Two ends of werift now and then fail their handshake on a busy machine.
      await Promise.all([channel.close(), viewer[Symbol.asyncDispose]()]);
      return open();
    }
    const session = { viewer, channel, events };
    opened.push(session);
    return session;
  };
  const good = await open();
  const openHostile = async () => {
    const session = await open();
    deafen(session.viewer);
    return session;
  };
  let hostile = await openHostile();
  const transportOf = ({ viewer }: { readonly viewer: WeriftViewer }) =>
    viewer.pc.dtlsTransports[0] as RTCDtlsTransport;
  const isDead = () => hostile.events.some((event) => event.type === 'state' && event.state === 'failed');

  const attack = fc.oneof(
    rtcp.map((packet) => ({ how: 'rtcp', packets: [packet] })),
    fc.array(rtcp, { maxLength: 3 }).map((packets) => ({ how: 'rtcp', packets })),
    feedback.map((packet) => ({ how: 'rtcp', packets: [packet] })),
    sctp.map((packet) => ({ how: 'data', packets: [packet] })),
    soundSctp.map((packet) => ({ how: 'sealed', packets: [packet] })),
    soundSctp.map((packet) => ({ how: 'sealed', packets: [packet] })),
    { weight: 2, arbitrary: newData.map((packet) => ({ how: 'new data', packets: [packet] })) },
    bytes(300).map((packet) => ({ how: 'data', packets: [packet] })),
    bytes(1200).map((packet) => ({ how: 'plain', packets: [packet] })),
    fc
      .tuple(fc.constantFrom(0, 1, 20, 22, 23, 64, 128, 129, 144, 200), bytes(300))
      .map(([first, packet]) => ({ how: 'plain', packets: [Uint8Array.from([first, ...packet])] })),
  );
  let worst = 0;
  for (const [i, { how, packets }] of fc.sample(attack, { numRuns: casesOf(0.03), seed: SEED }).entries()) {
    const transport = transportOf(hostile);
    // Sending fails when its own session has ended, which it may.
    const sent =
      how === 'rtcp'
        ? transport.sendRtcp(packets.map((packet) => ({ serialize: () => Buffer.from(packet) })) as never)
        : how !== 'plain'
          ? transport.sendData(Buffer.concat(packets.map((packet) => dressed(packet, how, hostile.viewer))))
          : Promise.all(packets.map(rawSender(transport)));
    await Promise.resolve(sent).catch(() => undefined);
    if (i % BURST !== 0) continue;
    const beforeMs = performance.now();
    // The media thread answers when it has read what came before.
    await good.channel.cut(Number.MAX_SAFE_INTEGER);
    worst = Math.max(worst, performance.now() - beforeMs);
    if (isDead() || transport.state !== 'connected' || i % LIFE === 0) {
      await hostile.viewer[Symbol.asyncDispose]();
      await hostile.channel.close();
      hostile = await openHostile();
    }
  }

  const heard = good.viewer.rtp.audio.length;
  await vi.waitFor(() => expect(good.viewer.rtp.audio.length).toBeGreaterThan(heard + 50), { timeout: 20_000 });
  expect(
    good.events.filter((event) => event.type === 'error' || (event.type === 'state' && event.state === 'closed')),
  ).toEqual([]);
  console.log(`${opened.length - 1} hostile sessions; a burst was answered within ${worst.toFixed(0)} ms`);
  await server.close();
  for (const { viewer } of opened) await viewer[Symbol.asyncDispose]();
}, 900_000);
