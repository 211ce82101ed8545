/**
 * One browser's WebRTC connection: answers its offers, finds and keeps the way to it, and guards it. What is sent is in
 * `rtp-sender.ts`; beside it the only file that imports werift (0.24.4), whose source check, restarts and handling of mDNS
 * candidates are replaced here.
 */
import {
  CandidatePairState,
  Connection,
  RTCDtlsTransport,
  RTCPeerConnection,
  StunProtocol,
  type RTCDataChannel,
} from 'werift';
import { VisavisError } from '../../../errors.ts';
import type { MediaEvent } from '../media-channel.ts';
import { guardData, type DataLimits } from './data-guard.ts';
import { RtpSender, rtpCapabilities, type RtpSenderOptions } from './rtp-sender.ts';
import { isAllowed, type GuardedSession } from './source-guard.ts';

/** Label of the data channel that carries the session's messages; others are not read. */
const TEXT_CHANNEL = 'visavis.v1';
/** A browser that leaves more than this unread gets no more messages. */
const MAX_UNREAD_BYTES = 1_048_576;

/** Feedback comes some ten times a second: a browser that is not heard for so long has left its address. */
const MOVED_AFTER_MS = 700;
/** A check of ours shows that the way to its new address is open; its own next one may be seconds away. */
const MOVING_MS = 3000;
const MOVING_LOOK_MS = 20;
/** Addresses that a browser may be found at. */
const MAX_ADDRESSES = 1024;
/**
 * After so long without a word a browser is taken for away, and later for gone. One that gives transport-wide feedback speaks ten
 * times a second; of others there may be only a report every 5 s (RFC 3550 §6.2), and their checks (RFC 7675 §5.1).
 */
const SILENT_MS = { withFeedback: 2000, without: 12_000 } as const;
const GONE_MS = 30_000;
/** How long, and how often, is looked whether checks succeed after all. */
const CHECKING_MS = 15_000;
const RECHECK_MS = 50;

export type PeerState = Extract<MediaEvent, { type: 'state' }>['state'];

/** As a browser's `RTCIceCandidateInit`. */
export interface RemoteCandidate {
  readonly candidate?: string | undefined;
  readonly sdpMid?: string | null | undefined;
  readonly sdpMLineIndex?: number | null | undefined;
}

export interface PeerOptions extends RtpSenderOptions {
  /** Local addresses to offer beside those of the network interfaces. */
  readonly hostAddresses: readonly string[];
  /** UDP ports to use; null: any. */
  readonly portRange: readonly [number, number] | null;
  readonly dataLimits: DataLimits;
  onState(state: PeerState): void;
  /** The browser's data channel is open. */
  onTextOpen(): void;
  /** A message of the browser's data channel. */
  onText(text: string): void;
}

export class Peer {
  /** Its tracks. */
  readonly rtp: RtpSender;
  readonly #pc: RTCPeerConnection;
  readonly #options: PeerOptions;
  readonly #guarded = new WeakSet<StunProtocol>();
  readonly #followed = new WeakSet<RTCDtlsTransport>();
  readonly #guardedData = new WeakSet<object>();
  #state: PeerState | null = null;
  /** When something came from the address that media goes to. */
  #heardMs = -Infinity;
  /** Nothing has come for a while, whatever the library says. */
  #silence: 'none' | 'silent' | 'gone' = 'none';
  /** ICE was restarted, and no way has been found yet. */
  #isSearching = false;
  /** It has nominated another address, and whether the way there is open is being found out. */
  #isMoving = false;
  #lastOffer: Promise<unknown> = Promise.resolve();
  #text: RTCDataChannel | null = null;

  constructor(options: PeerOptions) {
    this.#options = options;
    const pc = new RTCPeerConnection({
      ...rtpCapabilities(),
      bundlePolicy: 'max-bundle',
      iceServers: [],
      iceAdditionalHostAddresses: [...options.hostAddresses],
      ...(options.portRange === null ? {} : { icePortRange: [...options.portRange] as [number, number] }),
    });
    this.#pc = pc;
    this.rtp = new RtpSender(pc, options);
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

  /** Notices a browser that is connected but says nothing. To be called a few times a second. */
  watch(): void {
    if (this.#heardMs === -Infinity) return;
    const silentMs = this.#options.clock.nowMs() - this.#heardMs;
    const patienceMs = this.rtp.hasFeedback ? SILENT_MS.withFeedback : SILENT_MS.without;
    const silence = silentMs > GONE_MS ? 'gone' : silentMs > patienceMs ? 'silent' : 'none';
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

  async #answer(sdp: string): Promise<string> {
    try {
      await this.#pc.setRemoteDescription({ type: 'offer', sdp: withoutNames(sdp) });
      await this.#pc.setLocalDescription(await this.#pc.createAnswer());
    } catch (error) {
      throw this.#refusal(error instanceof Error ? error.message : String(error), error);
    }
    const { refused } = this.rtp;
    if (refused) throw this.#refusal(`no ${refused}`);
    for (const transport of this.#pc.dtlsTransports) this.#follow(transport);
    this.#guardData();
    const answer = this.#pc.localDescription?.sdp;
    if (answer === undefined) throw this.#refusal('no answer');
    return withoutRefused(answer);
  }

  #refusal(reason: string, cause?: unknown): VisavisError {
    const media = this.#options.video ? 'audio by Opus and video by VP8' : 'audio by Opus';
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
      hasRoom: () => connection.checkList.length < MAX_ADDRESSES,
      // Not what every object has: the name comes from a stranger.
      passwordOf: (usernameFragment) =>
        Object.hasOwn(connection.userHistory, usernameFragment) ? connection.userHistory[usernameFragment] : undefined,
    };
    if (!this.#followed.has(transport)) {
      this.#followed.add(transport);
      transport.onRtcp.subscribe((packet) => this.rtp.readFeedback(packet));
    }
    for (const protocol of stunProtocols(connection)) {
      if (this.#guarded.has(protocol)) continue;
      this.#guarded.add(protocol);
      protocol.onRequestReceived.subscribe((request, address) => {
        if (request.attributesKeys.includes('USE-CANDIDATE')) this.#moveTo(connection, protocol, address);
      });
      const receive = protocol.transport.onData;
      protocol.transport.onData = (data, address) => {
        if (!isAllowed(data, address[0], address[1], session)) return;
        const here = connection.nominated?.remoteAddr;
        if (here?.[0] === address[0] && here[1] === address[1]) this.#hear();
        try {
          receive(data, address);
        } catch {
          // What a browser sends and werift cannot read is that browser's own loss: others share the thread.
        }
      };
    }
    if (transport.state === 'connected' && connection.nominated === undefined) {
      void this.#search(transport, connection);
    }
  }

  /** Follows a browser that nominates an address, when nothing comes from the old one any more, as soon as the way there is open. */
  #moveTo(connection: Connection, protocol: StunProtocol, address: readonly [string, number]): void {
    const { clock } = this.#options;
    const pair = pairOf(connection, protocol, address);
    const { nominated } = connection;
    if (this.#isMoving || pair === undefined || nominated === undefined || nominated === pair) return;
    const sinceMs = clock.nowMs();
    const look = () => {
      const nowMs = clock.nowMs();
      this.#isMoving = false;
      const isThere = connection.nominated !== nominated || nowMs - this.#heardMs <= MOVED_AFTER_MS;
      if (this.#state === 'closed' || isThere || nowMs - sinceMs > MOVING_MS) return;
      if (pair.state === CandidatePairState.SUCCEEDED) {
        connection.nominated = pair;
        this.#options.onPictureLoss();
        return;
      }
      this.#isMoving = true;
      clock.at(nowMs + MOVING_LOOK_MS, look);
    };
    look();
  }

  #guardData(): void {
    const { sctpTransport } = this.#pc;
    if (sctpTransport === undefined || this.#guardedData.has(sctpTransport.sctp)) return;
    this.#guardedData.add(sctpTransport.sctp);
    guardData(sctpTransport, this.#options.dataLimits, this.#options.clock);
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
    // Nothing that came before can be taken for granted: a browser would wait for what is missing before it asks.
    if (state === 'connected') this.#options.onPictureLoss();
  }
}

/** Makes the certificate that all peers share, which takes some 200 ms once. */
export const preparePeers = async (): Promise<void> => {
  await RTCDtlsTransport.SetupCertificate();
};

/** Werift knows one nomination only: a browser that moves nominates another pair by a signed check. */
const pairOf = (connection: Connection, protocol: StunProtocol, [host, port]: readonly [string, number]) =>
  connection.checkList.find(
    ({ protocol: from, remoteAddr }) => from === protocol && remoteAddr[0] === host && remoteAddr[1] === port,
  );

/** The answer with no refused section in its group (RFC 9143 §7.3.3): werift leaves them there, and Chromium takes no such answer. */
const withoutRefused = (sdp: string): string => {
  const sections = sdp.split(/^(?=m=)/m).filter((section) => /^m=\S+ 0 /.test(section));
  const refused = new Set(sections.map((section) => /^a=mid:(\S+)/m.exec(section)?.[1]));
  const withoutThem = (group: string) =>
    group
      .split(' ')
      .filter((word) => !refused.has(word))
      .join(' ');
  return sdp.replace(/^a=group:BUNDLE.*$/m, withoutThem);
};

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
