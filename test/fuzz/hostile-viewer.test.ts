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

/** The tag by which the server knows packets of its association. */
const tagOf = ({ pc }: WeriftViewer): number =>
  Number(Reflect.get(Reflect.get(pc.sctpTransport ?? {}, 'sctp') ?? {}, 'remoteVerificationTag') ?? 0);

/** Sends bytes as they are, from the address of a viewer. */
const rawSender = (transport: RTCDtlsTransport): ((datagram: Uint8Array) => Promise<void>) => {
  const { connection } = transport.iceTransport;
  return (datagram) => connection.send(Buffer.from(datagram));
};

test('a viewer that sends anything at all, encrypted or not, ends no session but its own', async () => {
  const server = await createMediaServer();
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
  let hostile = await open();
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
        : how === 'data' || how === 'sealed'
          ? transport.sendData(
              Buffer.concat(
                how === 'sealed' ? packets.map((packet) => sealed(packet, tagOf(hostile.viewer))) : packets,
              ),
            )
          : Promise.all(packets.map(rawSender(transport)));
    await Promise.resolve(sent).catch(() => undefined);
    if (i % BURST !== 0) continue;
    const beforeMs = performance.now();
    // The media thread answers when it has read what came before.
    await good.channel.cut(Number.MAX_SAFE_INTEGER);
    worst = Math.max(worst, performance.now() - beforeMs);
    if (isDead() || transport.state !== 'connected') {
      await hostile.viewer[Symbol.asyncDispose]();
      await hostile.channel.close();
      hostile = await open();
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
