/**
 * Sends one connection's tracks: RTP with its extensions, what the receiver missed, sender reports; and reads what the receiver
 * reports of them. It takes the place of werift's own sending (0.24.4), whose clock, packet numbers and repairs are wrong.
 */
import { randomInt } from 'node:crypto';
import {
  GenericNack,
  MediaStream,
  MediaStreamTrack,
  RTCRtpCodecParameters,
  RTCRtpHeaderExtensionParameters,
  RTP_EXTENSION_URI,
  RtcpReceiverInfo,
  RtcpRrPacket,
  RtcpSenderInfo,
  RtcpSourceDescriptionPacket,
  RtcpSrPacket,
  RtcpTransportLayerFeedback,
  RtpHeader,
  SourceDescriptionChunk,
  SourceDescriptionItem,
  TransportWideCC,
  serializeSdesMid,
  serializeTransportWideCC,
  useNACK,
  useOPUS,
  usePLI,
  useTWCC,
  useVP8,
  type RTCPeerConnection,
  type RTCRtpSender,
  type RTCRtpTransceiver,
  type RtcpPacket,
} from 'werift';
import type { Clock } from '../../../clock.ts';
import { PACKET_MS } from '../../../media.ts';
import type { RtpBase } from '../media-channel.ts';
import { type PacketResult, SentPackets } from '../rate/sent-packets.ts';
import { readTransportFeedback } from '../rate/transport-feedback.ts';
import { type RedundantBlock, redundantPayload } from './redundancy.ts';
import { type KeptPacket, Retransmission, rtxPayload } from './retransmission.ts';
import {
  AUDIO_TICKS_PER_PACKET,
  nextSequenceNumber,
  packetizeVp8,
  rtpTimestamp,
  VIDEO_TICKS_PER_SLOT,
} from './rtp-packetizer.ts';
import { roundTripMs, senderTimestamps, toNtp, type TrackClock } from './sender-report.ts';

/** RTCP SDES item type of the canonical name, by which a receiver knows that two tracks share a clock (RFC 3550 §6.5.1). */
const SDES_CNAME = 1;
/** RTP header extension by which a sender bounds how long a receiver holds frames back. */
const PLAYOUT_DELAY_URI = 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay';
/**
 * Shortest and longest delay, 60 ms and 10 s. Chromium holds sound for 40…60 ms but frames for 10 ms, and leaves a skew below 30 ms
 * as it is; with this bound (from which it takes some 15 ms for decoding and drawing), lips and sound meet.
 */
const PLAYOUT_DELAY = delayBounds(60, 10_000);
const AUDIO_RATE_HZ = (AUDIO_TICKS_PER_PACKET * 1000) / PACKET_MS;
const VIDEO_RATE_HZ = 90_000;

const CODECS = { audio: 'audio/opus', video: 'video/vp8' } as const;
const REDUNDANT_SOUND = 'audio/red';
const REPAIRED_PICTURE = 'video/rtx';

/**
 * Opus repeats the packet just before by itself. So the copy is of the one before that: of two that are lost in a row, one is
 * restored by Opus and one by its copy, which a copy of the last packet would not do.
 */
const COPY_DISTANCE = 2;

/** What a packet takes on the wire beside RTP: IPv4, UDP and SRTP's tag. */
const PACKET_OVERHEAD_BYTES = 28 + 10;
const RTCP_HEADER_BYTES = 4;
/** Round trip before the first report. */
const USUAL_ROUND_TRIP_MS = 100;

export interface RtpSenderOptions {
  readonly video: boolean;
  /** RTP timestamps of media time 0; left out: random ones. */
  readonly rtpBase?: RtpBase;
  readonly clock: Clock;
  /** Wall time by the clock of the sender reports, ms since 1970. */
  wallMs(): number;
  /** The browser cannot decode, or may not be able to: it needs a key frame (RFC 4585 §6.3.1). */
  onPictureLoss(): void;
  /** What has become of packets, by transport-wide feedback. */
  onFeedback(results: readonly PacketResult[]): void;
}

/** What receiver reports say (RFC 3550 §6.4.1); null before the first. */
export interface RtpCounters {
  readonly roundTripMs: number | null;
  /** Of the last report interval, 0…1; the worse of both tracks. */
  readonly fractionLost: number | null;
  /** Packets that were sent again because they were missed. */
  readonly retransmitted: number;
}

/** A track's RTP state. */
interface Track {
  readonly transceiver: RTCRtpTransceiver;
  readonly sender: RTCRtpSender;
  readonly rtpBase: number;
  sequenceNumber: number;
  packets: number;
  octets: number;
  fractionLost: number | null;
}

/** The number that the browser gave to a codec; undefined: it does not take it, or has not said yet. */
const payloadTypeOf = ({ transceiver }: Track, mimeType: string): number | undefined =>
  transceiver.codecs.find((codec) => codec.mimeType.toLowerCase() === mimeType)?.payloadType;

const extensions = (...uris: readonly string[]): RTCRtpHeaderExtensionParameters[] =>
  uris.map((uri) => new RTCRtpHeaderExtensionParameters({ uri }));

/** What is offered to browsers, as werift's configuration has it. */
export const rtpCapabilities = () => ({
  codecs: {
    audio: [
      useOPUS({ rtcpFeedback: [useTWCC()] }),
      new RTCRtpCodecParameters({ mimeType: REDUNDANT_SOUND, clockRate: AUDIO_RATE_HZ, channels: 2 }),
    ],
    video: [
      useVP8({ rtcpFeedback: [useNACK(), usePLI(), useTWCC()] }),
      new RTCRtpCodecParameters({ mimeType: REPAIRED_PICTURE, clockRate: VIDEO_RATE_HZ }),
    ],
  },
  headerExtensions: {
    audio: extensions(RTP_EXTENSION_URI.sdesMid, RTP_EXTENSION_URI.transportWideCC),
    video: extensions(RTP_EXTENSION_URI.sdesMid, RTP_EXTENSION_URI.transportWideCC, PLAYOUT_DELAY_URI),
  },
});

export class RtpSender {
  /** Whether every packet of sound is sent once more, inside a later one, to a browser that takes that. */
  sendsSoundTwice = false;
  /** Whether the browser gives transport-wide feedback: it has done so. */
  hasFeedback = false;
  readonly #pc: RTCPeerConnection;
  readonly #audio: Track;
  readonly #video: Track | null;
  readonly #options: RtpSenderOptions;
  readonly #sent = new SentPackets();
  readonly #retransmission = new Retransmission();
  /** The last packets of sound, the oldest first. */
  #sound: readonly RedundantBlock[] = [];
  #pictureId = randomInt(2 ** 15);
  #roundTripMs: number | null = null;
  #rtxSequenceNumber = randomInt(2 ** 15);
  #retransmitted = 0;

  /** Adds the tracks to a connection that was made with `rtpCapabilities`. */
  constructor(pc: RTCPeerConnection, options: RtpSenderOptions) {
    this.#pc = pc;
    this.#options = options;
    // One stream for both tracks: browsers synchronize only what shares a stream.
    const stream = new MediaStream();
    this.#audio = this.#addTrack('audio', stream);
    this.#video = options.video ? this.#addTrack('video', stream) : null;
    this.#video?.sender.onPictureLossIndication.subscribe(() => options.onPictureLoss());
  }

  /** The kind of the first track that the browser takes in no codec of ours; null: it takes all. Known after the answer. */
  get refused(): 'audio' | 'video' | null {
    const tracks = { audio: this.#audio, video: this.#video };
    const refuses = (kind: 'audio' | 'video') =>
      tracks[kind] !== null && payloadTypeOf(tracks[kind], CODECS[kind]) === undefined;
    return (['audio', 'video'] as const).find(refuses) ?? null;
  }

  /** Sends an Opus packet. @param index - packets of 20 ms since media time 0. */
  sendAudio(payload: Uint8Array<ArrayBuffer>, index: number): void {
    const timestamp = rtpTimestamp(this.#audio.rtpBase, index, AUDIO_TICKS_PER_PACKET);
    const opus = payloadTypeOf(this.#audio, CODECS.audio);
    const red = payloadTypeOf(this.#audio, REDUNDANT_SOUND);
    const isFirst = this.#audio.packets === 0;
    const block = { timestamp, payload };
    const copied = this.sendsSoundTwice ? this.#sound.at(-COPY_DISTANCE) : undefined;
    this.#sound = [...this.#sound, block].slice(-COPY_DISTANCE);
    if (opus === undefined || red === undefined || copied === undefined)
      this.#send(this.#audio, opus, payload, timestamp, isFirst);
    else this.#send(this.#audio, red, redundantPayload(opus, block, [copied]), timestamp, isFirst);
  }

  /** Sends an encoded frame. @param index - slots of 40 ms since media time 0. */
  sendVideo(frame: Uint8Array<ArrayBuffer>, index: number): void {
    if (this.#video === null) return;
    const timestamp = rtpTimestamp(this.#video.rtpBase, index, VIDEO_TICKS_PER_SLOT);
    const payloadType = payloadTypeOf(this.#video, CODECS.video);
    const payloads = packetizeVp8(frame, this.#pictureId);
    this.#pictureId += 1;
    for (const [at, payload] of payloads.entries()) {
      const packet = this.#send(this.#video, payloadType, payload, timestamp, at === payloads.length - 1);
      this.#retransmission.keep(packet, this.#options.clock.nowMs());
    }
  }

  /**
   * Sends both tracks' sender reports.
   * @param startWallMs - wall time of media time 0, ms since 1970.
   * @param mediaMs - media time now.
   */
  sendReports(startWallMs: number, mediaMs: number): void {
    this.#sendReport(this.#audio, { startWallMs, rtpBase: this.#audio.rtpBase, rateHz: AUDIO_RATE_HZ }, mediaMs);
    if (this.#video !== null)
      this.#sendReport(this.#video, { startWallMs, rtpBase: this.#video.rtpBase, rateHz: VIDEO_RATE_HZ }, mediaMs);
  }

  get counters(): RtpCounters {
    const losses = [this.#audio.fractionLost, this.#video?.fractionLost ?? null].filter((loss) => loss !== null);
    return {
      roundTripMs: this.#roundTripMs,
      fractionLost: losses.length === 0 ? null : Math.max(...losses),
      retransmitted: this.#retransmitted,
    };
  }

  /** Reads what the browser says about all tracks together, and what it misses. */
  readFeedback(packet: RtcpPacket): void {
    if (!(packet instanceof RtcpTransportLayerFeedback)) return;
    const { feedback } = packet;
    if (feedback instanceof TransportWideCC) {
      // Werift's own reading leaves out reports with losses.
      const arrivals = readTransportFeedback(feedback.serialize().subarray(RTCP_HEADER_BYTES));
      if (arrivals !== null) {
        this.hasFeedback = true;
        this.#options.onFeedback(this.#sent.resolve(arrivals));
      }
    }
    if (feedback instanceof GenericNack && feedback.mediaSourceSsrc === this.#video?.sender.ssrc) {
      this.#repair(this.#video, feedback.lost);
    }
  }

  #addTrack(kind: 'audio' | 'video', stream: MediaStream): Track {
    const transceiver = this.#pc.addTransceiver(new MediaStreamTrack({ kind }), {
      direction: 'sendonly',
      streams: [stream],
    });
    const { sender } = transceiver;
    // Says that a report loop runs already: werift's own has a wrong clock.
    sender.rtcpRunning = true;
    const track = {
      transceiver,
      sender,
      rtpBase: this.#options.rtpBase?.[kind] ?? randomInt(2 ** 32),
      sequenceNumber: randomInt(2 ** 15),
      packets: 0,
      octets: 0,
      fractionLost: null,
    };
    sender.onRtcp.subscribe((packet) => this.#readReports(track, packet));
    return track;
  }

  #send(
    track: Track,
    payloadType: number | undefined,
    payload: Uint8Array<ArrayBuffer>,
    timestamp: number,
    marker: boolean,
  ): KeptPacket {
    const packet = { sequenceNumber: track.sequenceNumber, timestamp, marker, payload };
    track.sequenceNumber = nextSequenceNumber(track.sequenceNumber);
    track.packets += 1;
    track.octets += payload.length;
    // Before the answer there is none.
    if (payloadType !== undefined) this.#sendPacket(track, packet, { ssrc: track.sender.ssrc, payloadType });
    return packet;
  }

  /** Sends a packet of a track's stream, or of the stream that repairs it. */
  #sendPacket(
    track: Track,
    { sequenceNumber, timestamp, marker, payload }: KeptPacket,
    stream: { readonly ssrc: number; readonly payloadType: number },
  ): void {
    const { dtlsTransport } = track.sender;
    if (dtlsTransport.state !== 'connected') return;
    const header = new RtpHeader({ ...stream, sequenceNumber, timestamp, marker });
    let feedback: { id: number; payload: Buffer } | null = null;
    for (const { id, uri } of track.transceiver.headerExtensions) {
      const extension: { id: number; payload: Buffer } = { id, payload: Buffer.alloc(2) };
      if (uri === RTP_EXTENSION_URI.transportWideCC) feedback = extension;
      else if (uri === RTP_EXTENSION_URI.sdesMid)
        extension.payload = Buffer.from(serializeSdesMid(track.transceiver.mid ?? ''));
      else if (uri === PLAYOUT_DELAY_URI) extension.payload = PLAYOUT_DELAY;
      else continue;
      header.extensions.push(extension);
    }
    // Each transmission has a number of its own, one that repeats a packet too: it is sent at another time.
    if (feedback !== null) {
      const bytes = header.serializeSize + payload.length + PACKET_OVERHEAD_BYTES;
      feedback.payload = Buffer.from(serializeTransportWideCC(this.#sent.add(this.#options.clock.nowMs(), bytes)));
    }
    // Fails only while there is no way to the browser, which `state` tells.
    dtlsTransport.sendRtp(Buffer.from(payload.buffer), header).catch(() => undefined);
  }

  #repair(track: Track, missed: readonly number[]): void {
    const { rtxSsrc } = track.sender;
    const rtxPayloadType = payloadTypeOf(track, REPAIRED_PICTURE);
    if (rtxPayloadType === undefined) return;
    const roundTripMs = this.#roundTripMs ?? USUAL_ROUND_TRIP_MS;
    for (const packet of this.#retransmission.ask(missed, this.#options.clock.nowMs(), roundTripMs)) {
      const repair = { ...packet, sequenceNumber: this.#rtxSequenceNumber, payload: rtxPayload(packet) };
      this.#rtxSequenceNumber = nextSequenceNumber(this.#rtxSequenceNumber);
      this.#retransmitted += 1;
      this.#sendPacket(track, repair, { ssrc: rtxSsrc, payloadType: rtxPayloadType });
    }
  }

  #sendReport(track: Track, clock: TrackClock, mediaMs: number): void {
    const { ntp, rtp } = senderTimestamps(clock, mediaMs);
    const { ssrc } = track.sender;
    const senderInfo = new RtcpSenderInfo({
      ntpTimestamp: ntp,
      rtpTimestamp: rtp,
      packetCount: track.packets % 2 ** 32,
      octetCount: track.octets % 2 ** 32,
    });
    const name = new SourceDescriptionItem({ type: SDES_CNAME, text: this.#pc.cname });
    track.sender.dtlsTransport
      .sendRtcp([
        new RtcpSrPacket({ ssrc, senderInfo }),
        new RtcpSourceDescriptionPacket({ chunks: [new SourceDescriptionChunk({ source: ssrc, items: [name] })] }),
      ])
      .catch(() => undefined);
  }

  #readReports(track: Track, packet: RtcpPacket): void {
    if (!(packet instanceof RtcpRrPacket || packet instanceof RtcpSrPacket)) return;
    for (const report of packet.reports.filter(({ ssrc }: RtcpReceiverInfo) => ssrc === track.sender.ssrc)) {
      track.fractionLost = report.fractionLost / 256;
      this.#roundTripMs = roundTripMs(toNtp(this.#options.wallMs()), report.lsr, report.dlsr) ?? this.#roundTripMs;
    }
  }
}

/** Payload of the playout delay extension: two fields of 12 bits, in units of 10 ms. */
function delayBounds(minMs: number, maxMs: number): Buffer {
  const [min, max] = [minMs / 10, maxMs / 10];
  return Buffer.from([min >> 4, ((min & 0xf) << 4) | (max >> 8), max & 0xff]);
}
