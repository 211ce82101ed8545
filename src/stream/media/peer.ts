/**
 * One browser's WebRTC connection: answers its offers, sends Opus and VP8 to it. The only file that imports werift (0.24.4),
 * whose sender reports, packet sending (extensions, retransmission, bandwidth), source check and handling of mDNS candidates
 * are replaced here.
 */
import { randomInt } from 'node:crypto';
import {
  CandidatePairState,
  Connection,
  GenericNack,
  MediaStream,
  MediaStreamTrack,
  RTCDtlsTransport,
  RTCPeerConnection,
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
  StunProtocol,
  TransportWideCC,
  serializeSdesMid,
  serializeTransportWideCC,
  useNACK,
  useOPUS,
  usePLI,
  useTWCC,
  useVP8,
  type RTCDataChannel,
  type RTCRtpSender,
  type RTCRtpTransceiver,
  type RtcpPacket,
} from 'werift';
import type { Clock } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';
import { PACKET_MS } from '../../media.ts';
import type { MediaEvent, RtpBase } from './media-channel.ts';
import { type PacketResult, SentPackets } from './rate/sent-packets.ts';
import { readTransportFeedback } from './rate/transport-feedback.ts';
import { type KeptPacket, Retransmission, rtxPayload } from './retransmission.ts';
import {
  AUDIO_TICKS_PER_PACKET,
  nextSequenceNumber,
  packetizeVp8,
  rtpTimestamp,
  VIDEO_TICKS_PER_SLOT,
} from './rtp-packetizer.ts';
import { roundTripMs, senderTimestamps, toNtp, type TrackClock } from './sender-report.ts';
import { isAllowed, type GuardedSession } from './source-guard.ts';

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

/** Longer offers are not read: browsers send some 10 kB. */
const MAX_OFFER_LENGTH = 100_000;
/** More candidates of one browser are left out: each is checked from every local socket. */
const MAX_CANDIDATES = 64;
/** Label of the data channel that carries the session's messages; others are not read. */
const TEXT_CHANNEL = 'visavis.v1';
/** A browser that leaves more than this unread gets no more messages. */
const MAX_UNREAD_BYTES = 1_048_576;

/** What a packet takes on the wire beside RTP: IPv4, UDP and SRTP's tag. */
const PACKET_OVERHEAD_BYTES = 28 + 10;
const RTCP_HEADER_BYTES = 4;
/** Feedback comes some ten times a second: a browser that is not heard for so long has left its address. */
const MOVED_AFTER_MS = 700;
/** A browser reports at least once a second: after so long it is taken for away, and later for gone. */
const SILENT_MS = 5000;
const GONE_MS = 30_000;
/** How long, and how often, is looked whether checks succeed after all. */
const CHECKING_MS = 15_000;
const RECHECK_MS = 50;
/** Round trip before the first report. */
const USUAL_ROUND_TRIP_MS = 100;

export type PeerState = Extract<MediaEvent, { type: 'state' }>['state'];

/** As a browser's `RTCIceCandidateInit`. */
export interface RemoteCandidate {
  readonly candidate?: string | undefined;
  readonly sdpMid?: string | null | undefined;
  readonly sdpMLineIndex?: number | null | undefined;
}

export interface PeerOptions {
  readonly video: boolean;
  /** Local addresses to offer beside those of the network interfaces. */
  readonly hostAddresses: readonly string[];
  /** UDP ports to use; null: any. */
  readonly portRange: readonly [number, number] | null;
  /** RTP timestamps of media time 0; left out: random ones. */
  readonly rtpBase?: RtpBase;
  readonly clock: Clock;
  /** Wall time by the clock of the sender reports, ms since 1970. */
  wallMs(): number;
  onState(state: PeerState): void;
  /** The browser cannot decode: it needs a key frame (RFC 4585 §6.3.1). */
  onPictureLoss(): void;
  /** What has become of packets, by transport-wide feedback. */
  onFeedback(results: readonly PacketResult[]): void;
  /** The browser's data channel is open. */
  onTextOpen(): void;
  /** A message of the browser's data channel. */
  onText(text: string): void;
}

/** What receiver reports say (RFC 3550 §6.4.1); null before the first. */
export interface PeerCounters {
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

export class Peer {
  readonly #pc: RTCPeerConnection;
  readonly #audio: Track;
  readonly #video: Track | null;
  readonly #options: PeerOptions;
  readonly #guarded = new WeakSet<StunProtocol>();
  readonly #followed = new WeakSet<RTCDtlsTransport>();
  readonly #sent = new SentPackets();
  readonly #retransmission = new Retransmission();
  #state: PeerState | null = null;
  #candidates = 0;
  #pictureId = randomInt(2 ** 15);
  #roundTripMs: number | null = null;
  /** When something came from the address that media goes to. */
  #heardMs = -Infinity;
  /** Nothing has come for a while, whatever the library says. */
  #silence: 'none' | 'silent' | 'gone' = 'none';
  /** ICE was restarted, and no way has been found yet. */
  #isSearching = false;
  #rtxSequenceNumber = randomInt(2 ** 15);
  #retransmitted = 0;
  #lastOffer: Promise<unknown> = Promise.resolve();
  #text: RTCDataChannel | null = null;

  constructor(options: PeerOptions) {
    this.#options = options;
    const pc = new RTCPeerConnection({
      codecs: {
        audio: [useOPUS({ rtcpFeedback: [useTWCC()] })],
        video: [
          useVP8({ rtcpFeedback: [useNACK(), usePLI(), useTWCC()] }),
          new RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: VIDEO_RATE_HZ }),
        ],
      },
      headerExtensions: {
        audio: extensions(RTP_EXTENSION_URI.sdesMid, RTP_EXTENSION_URI.transportWideCC),
        video: extensions(RTP_EXTENSION_URI.sdesMid, RTP_EXTENSION_URI.transportWideCC, PLAYOUT_DELAY_URI),
      },
      bundlePolicy: 'max-bundle',
      iceServers: [],
      iceAdditionalHostAddresses: [...options.hostAddresses],
      ...(options.portRange === null ? {} : { icePortRange: [...options.portRange] as [number, number] }),
    });
    this.#pc = pc;
    // One stream for both tracks: browsers synchronize only what shares a stream.
    const stream = new MediaStream();
    this.#audio = this.#addTrack('audio', stream);
    this.#video = options.video ? this.#addTrack('video', stream) : null;
    this.#video?.sender.onPictureLossIndication.subscribe(() => options.onPictureLoss());
    pc.connectionStateChange.subscribe(() => this.#report());
    pc.iceConnectionStateChange.subscribe(() => this.#report());
    pc.onDataChannel.subscribe((channel) => this.#adopt(channel));
  }

  /**
   * Answers an offer; one after another. A later one with new ICE credentials restarts ICE, and media goes on.
   * @throws {VisavisError} `webrtc_failed` when the offer is malformed or takes neither Opus nor (with video) VP8.
   */
  offer(sdp: string): Promise<string> {
    const answer = this.#lastOffer.then(() => this.#answer(sdp));
    this.#lastOffer = answer.catch(() => undefined);
    return answer;
  }

  /**
   * Adds a remote candidate. Names (`….local`) and the end mark are left out: werift looks names up for 10 s, and the browser's
   * own checks tell its address anyway (RFC 8445 §7.3.1.3).
   */
  candidate(candidate: RemoteCandidate | null): void {
    if (candidate === null || !candidate.candidate || isNamed(candidate.candidate)) return;
    this.#candidates += 1;
    if (this.#candidates > MAX_CANDIDATES) return;
    const { sdpMid, sdpMLineIndex } = candidate;
    this.#pc
      .addIceCandidate({
        candidate: candidate.candidate,
        ...(sdpMid === undefined || sdpMid === null ? {} : { sdpMid }),
        ...(sdpMLineIndex === undefined || sdpMLineIndex === null ? {} : { sdpMLineIndex }),
      })
      // A candidate of no use is no reason to end a session.
      .catch(() => undefined);
  }

  /** Sends a message over the browser's data channel; without one, or when the browser does not read it, it is lost. */
  sendText(text: string): void {
    const channel = this.#text;
    if (channel === null || channel.readyState !== 'open') return;
    if (channel.bufferedAmount > MAX_UNREAD_BYTES) {
      channel.close();
      return;
    }
    try {
      channel.send(text);
    } catch {
      // Longer than the browser takes (RFC 8841 §6): the others go on.
    }
  }

  /** Sends an Opus packet. @param index - packets of 20 ms since media time 0. */
  sendAudio(payload: Uint8Array<ArrayBuffer>, index: number): void {
    const timestamp = rtpTimestamp(this.#audio.rtpBase, index, AUDIO_TICKS_PER_PACKET);
    this.#send(this.#audio, payload, timestamp, this.#audio.packets === 0);
  }

  /** Sends an encoded frame. @param index - slots of 40 ms since media time 0. */
  sendVideo(frame: Uint8Array<ArrayBuffer>, index: number): void {
    if (this.#video === null) return;
    const timestamp = rtpTimestamp(this.#video.rtpBase, index, VIDEO_TICKS_PER_SLOT);
    const payloads = packetizeVp8(frame, this.#pictureId);
    this.#pictureId += 1;
    for (const [at, payload] of payloads.entries()) {
      const packet = this.#send(this.#video, payload, timestamp, at === payloads.length - 1);
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

  get counters(): PeerCounters {
    const losses = [this.#audio.fractionLost, this.#video?.fractionLost ?? null].filter((loss) => loss !== null);
    return {
      roundTripMs: this.#roundTripMs,
      fractionLost: losses.length === 0 ? null : Math.max(...losses),
      retransmitted: this.#retransmitted,
    };
  }

  /** Notices a browser that is connected but says nothing. To be called about once a second. */
  watch(): void {
    if (this.#heardMs === -Infinity) return;
    const silentMs = this.#options.clock.nowMs() - this.#heardMs;
    const silence = silentMs > GONE_MS ? 'gone' : silentMs > SILENT_MS ? 'silent' : 'none';
    if (silence === this.#silence) return;
    this.#silence = silence;
    this.#report();
  }

  /** Closes the sockets; idempotent. */
  async close(): Promise<void> {
    await this.#pc.close();
    this.#setState('closed');
  }

  #adopt(channel: RTCDataChannel): void {
    if (channel.label !== TEXT_CHANNEL || this.#text !== null) return;
    this.#text = channel;
    channel.onMessage.subscribe((message) =>
      this.#options.onText(typeof message === 'string' ? message : message.toString('utf8')),
    );
    channel.stateChanged.subscribe((state) => {
      if (state === 'open') this.#options.onTextOpen();
      if (state === 'closed') this.#text = null;
    });
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

  async #answer(sdp: string): Promise<string> {
    if (sdp.length > MAX_OFFER_LENGTH) throw this.#refusal(`longer than ${MAX_OFFER_LENGTH} characters`);
    try {
      this.#candidates = 0;
      await this.#pc.setRemoteDescription({ type: 'offer', sdp: withoutNames(sdp) });
      await this.#pc.setLocalDescription(await this.#pc.createAnswer());
    } catch (error) {
      throw this.#refusal(error instanceof Error ? error.message : String(error), error);
    }
    const missing = [this.#audio, this.#video].find((track) => track !== null && track.sender.codec === undefined);
    if (missing) throw this.#refusal(`no ${missing.sender.kind}`);
    for (const transport of this.#pc.dtlsTransports) this.#follow(transport);
    const answer = this.#pc.localDescription?.sdp;
    if (answer === undefined) throw this.#refusal('no answer');
    return answer;
  }

  #refusal(reason: string, cause?: unknown): VisavisError {
    const media = this.#video === null ? 'audio by Opus' : 'audio by Opus and video by VP8';
    return new VisavisError('webrtc_failed', `The offer must be SDP that can receive ${media} (${reason}).`, { cause });
  }

  /** Guards the transport's sockets; after a restart, starts the new checks, which werift forgets while DTLS is up. */
  #follow(transport: RTCDtlsTransport): void {
    const { connection } = transport.iceTransport;
    if (!(connection instanceof Connection))
      throw new VisavisError('webrtc_failed', 'The WebRTC library is not the one expected.');
    const session: GuardedSession = {
      isRemote: (host, port) =>
        connection.checkList.some(({ remoteAddr }) => remoteAddr[0] === host && remoteAddr[1] === port),
      // Not what every object has: the name comes from a stranger.
      passwordOf: (usernameFragment) =>
        Object.hasOwn(connection.userHistory, usernameFragment) ? connection.userHistory[usernameFragment] : undefined,
    };
    if (!this.#followed.has(transport)) {
      this.#followed.add(transport);
      transport.onRtcp.subscribe((packet) => this.#readFeedback(packet));
    }
    for (const protocol of stunProtocols(connection)) {
      if (this.#guarded.has(protocol)) continue;
      this.#guarded.add(protocol);
      protocol.onRequestReceived.subscribe((request, address) => {
        if (!request.attributesKeys.includes('USE-CANDIDATE')) return;
        if (this.#options.clock.nowMs() - this.#heardMs > MOVED_AFTER_MS) nominate(connection, protocol, address);
      });
      const receive = protocol.transport.onData;
      protocol.transport.onData = (data, address) => {
        if (!isAllowed(data, address[0], address[1], session)) return;
        const here = connection.nominated?.remoteAddr;
        if (here?.[0] === address[0] && here[1] === address[1]) this.#hear();
        receive(data, address);
      };
    }
    if (transport.state === 'connected' && connection.nominated === undefined) {
      void this.#search(transport, connection);
    }
  }

  async #search(transport: RTCDtlsTransport, connection: Connection): Promise<void> {
    this.#isSearching = true;
    this.#report();
    try {
      await transport.iceTransport.start();
      this.#isSearching = false;
      this.#report();
    } catch {
      this.#awaitNomination(connection, this.#options.clock.nowMs());
    }
  }

  /** Werift may give up checking a moment before the browser's own check arrives, which it then answers all the same. */
  #awaitNomination(connection: Connection, sinceMs: number): void {
    const { clock } = this.#options;
    const { nominated, generation } = connection;
    if (this.#state === 'closed') return;
    if (nominated !== undefined || clock.nowMs() - sinceMs > CHECKING_MS) {
      if (nominated !== undefined && Reflect.get(connection, 'consentFresh') !== true)
        callPrivate(connection, 'queryConsent');
      this.#isSearching = false;
      this.#report();
      return;
    }
    clock.at(clock.nowMs() + RECHECK_MS, () => {
      // Another restart looks after itself.
      if (connection.generation === generation) this.#awaitNomination(connection, sinceMs);
    });
  }

  #send(track: Track, payload: Uint8Array<ArrayBuffer>, timestamp: number, marker: boolean): KeptPacket {
    const packet = { sequenceNumber: track.sequenceNumber, timestamp, marker, payload };
    track.sequenceNumber = nextSequenceNumber(track.sequenceNumber);
    track.packets += 1;
    track.octets += payload.length;
    const { ssrc, codec } = track.sender;
    if (codec !== undefined) this.#sendPacket(track, packet, { ssrc, payloadType: codec.payloadType });
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

  /** Reads what is said about all tracks together, and what is missed. */
  #readFeedback(packet: RtcpPacket): void {
    if (!(packet instanceof RtcpTransportLayerFeedback)) return;
    const { feedback } = packet;
    if (feedback instanceof TransportWideCC) {
      // Werift's own reading leaves out reports with losses.
      const arrivals = readTransportFeedback(feedback.serialize().subarray(RTCP_HEADER_BYTES));
      if (arrivals !== null) this.#options.onFeedback(this.#sent.resolve(arrivals));
    }
    if (feedback instanceof GenericNack && feedback.mediaSourceSsrc === this.#video?.sender.ssrc) {
      this.#repair(this.#video, feedback.lost);
    }
  }

  #repair(track: Track, missed: readonly number[]): void {
    const { rtxSsrc } = track.sender;
    const rtxPayloadType = track.transceiver.codecs.find(
      ({ mimeType }) => mimeType.toLowerCase() === 'video/rtx',
    )?.payloadType;
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

  /**
   * Connected means that DTLS is up and there is a way. Werift's own word on that is not the last: it may say that there is none,
   * and then answer the browser's check all the same.
   */
  #report(): void {
    const { connectionState, dtlsTransports } = this.#pc;
    const ways = dtlsTransports.map(({ iceTransport }) => iceTransport.connection);
    const hasEnded = dtlsTransports.some(({ state }) => state === 'failed' || state === 'closed');
    // A way that the browser no longer consents to (RFC 7675) has failed.
    const isLost = ways.some((way) => way.state === 'failed');
    const isUp = dtlsTransports.length > 0 && dtlsTransports.every(({ state }) => state === 'connected');
    if (connectionState === 'closed') this.#setState('closed');
    else if (this.#isSearching) this.#setState('connecting');
    else if (hasEnded || isLost || this.#silence === 'gone') this.#setState('failed');
    else if (isUp && ways.every(({ nominated }) => nominated !== undefined))
      this.#setState(this.#silence === 'silent' ? 'disconnected' : 'connected');
    else if (connectionState === 'failed') this.#setState('failed');
    else if (connectionState !== 'new') this.#setState('connecting');
  }

  #hear(): void {
    this.#heardMs = this.#options.clock.nowMs();
    if (this.#silence !== 'none') this.watch();
  }

  #setState(state: PeerState): void {
    if (state === this.#state || this.#state === 'closed') return;
    this.#state = state;
    this.#options.onState(state);
  }
}

/** Makes the certificate that all peers share, which takes some 200 ms once. */
export const preparePeers = async (): Promise<void> => {
  await RTCDtlsTransport.SetupCertificate();
};

const extensions = (...uris: readonly string[]): RTCRtpHeaderExtensionParameters[] =>
  uris.map((uri) => new RTCRtpHeaderExtensionParameters({ uri }));

/** Follows a browser that has moved: it nominates its new address by a signed check. Werift knows one nomination only. */
const nominate = (connection: Connection, protocol: StunProtocol, [host, port]: readonly [string, number]): void => {
  const pair = connection.checkList.find(
    ({ protocol: from, remoteAddr }) => from === protocol && remoteAddr[0] === host && remoteAddr[1] === port,
  );
  if (pair?.state === CandidatePairState.SUCCEEDED && connection.nominated !== undefined) connection.nominated = pair;
};

/** Payload of the playout delay extension: two fields of 12 bits, in units of 10 ms. */
function delayBounds(minMs: number, maxMs: number): Buffer {
  const [min, max] = [minMs / 10, maxMs / 10];
  return Buffer.from([min >> 4, ((min & 0xf) << 4) | (max >> 8), max & 0xff]);
}

const isNamed = (candidate: string): boolean => /\.local\s/.test(candidate);

/** The offer without mDNS names, and without the end mark: with no candidate left werift would give up at once. */
const withoutNames = (sdp: string): string =>
  sdp
    .split(/\r?\n/)
    .filter((line) => !(line.startsWith('a=candidate:') && isNamed(line)) && line !== 'a=end-of-candidates')
    .join('\r\n');

const callPrivate = (object: object, method: string, ...given: readonly unknown[]): void => {
  const found: unknown = Reflect.get(object, method);
  if (typeof found !== 'function')
    throw new VisavisError('webrtc_failed', 'The WebRTC library is not the one expected.');
  Reflect.apply(found, object, given);
};

/** Werift keeps its sockets private; the guard has to stand in front of them. */
const stunProtocols = (connection: Connection): StunProtocol[] => {
  const protocols: unknown = Reflect.get(connection, 'protocols');
  if (!Array.isArray(protocols)) throw new VisavisError('webrtc_failed', 'The WebRTC library is not the one expected.');
  return protocols.filter((protocol: unknown) => protocol instanceof StunProtocol);
};
