/**
 * A player that only watches and listens: its session, whose media is negotiated over HTTP, and the sockets from which others
 * tell it what to say. Knows no HTTP and no WebSocket library.
 */
import { VisavisError } from '../../errors.ts';
import type { SessionOpen } from '../messages.ts';
import { CLOSE, type Session, type SessionSocket } from '../session.ts';
import { type IceCredentials, type SdpFragment, credentialsOf, fragmentOf, restartedOffer } from './sdp-fragment.ts';

export interface AudienceLimits {
  /** Sockets that may be joined to one player. */
  readonly playerSockets: number;
  /** A socket that leaves more than this unread is let go; the player and the others notice nothing. */
  readonly unsentBytes: number;
}

/** Sends to every socket that is joined. */
export class Audience implements SessionSocket {
  readonly #sockets = new Set<SessionSocket>();
  readonly #onClose: () => void;
  readonly #limits: AudienceLimits;

  /** @param onClose - Told when the session ends by itself. */
  constructor(limits: AudienceLimits, onClose: () => void) {
    this.#limits = limits;
    this.#onClose = onClose;
  }

  /** @throws {VisavisError} `server_full` */
  join(socket: SessionSocket): void {
    const { playerSockets } = this.#limits;
    if (this.#sockets.size >= playerSockets) {
      throw new VisavisError('server_full', `at most ${playerSockets} sockets may be joined to a player`);
    }
    this.#sockets.add(socket);
  }

  leave(socket: SessionSocket): void {
    this.#sockets.delete(socket);
  }

  sendText(text: string): void {
    for (const socket of this.#sockets) {
      if (socket.unsentBytes() <= this.#limits.unsentBytes) {
        socket.sendText(text);
        continue;
      }
      this.#sockets.delete(socket);
      socket.close(CLOSE.policy, 'slow_consumer');
    }
  }

  /** A player's media goes to the player alone. */
  sendBinary(): void {}

  /** None: its sockets do not hold the player's media back. */
  unsentBytes(): number {
    return 0;
  }

  close(code: number, reason: string): void {
    for (const socket of this.#sockets) socket.close(code, reason);
    this.#sockets.clear();
    this.#onClose();
  }
}

/** The ICE session of a player, by number: what its entity tag says. */
interface Negotiated {
  readonly offer: string;
  readonly credentials: IceCredentials | null;
  readonly iceSession: number;
}

export class WhepSession {
  readonly avatar: string;
  readonly session: Session;
  readonly audience: Audience;
  #negotiated: Negotiated | null = null;
  #lastPatch: Promise<unknown> = Promise.resolve();

  constructor(avatar: string, session: Session, audience: Audience) {
    this.avatar = avatar;
    this.session = session;
    this.audience = audience;
  }

  /** Names the present ICE session (RFC 9725 §4.3.1). */
  get entityTag(): string {
    return `"${this.#negotiated?.iceSession ?? 0}"`;
  }

  /**
   * The answer to a player's offer. Without a video section only sound is made.
   * @throws {VisavisError} `unknown_avatar`, `unknown_voice`, `webrtc_failed`
   */
  async start(offer: string, wishes: Pick<SessionOpen, 'voice' | 'speed' | 'seed'>): Promise<string> {
    const video = /^m=video [1-9]/m.test(offer);
    await this.session.open({
      ...wishes,
      type: 'session.open',
      avatar: this.avatar,
      media: { transport: 'webrtc', video, motion: false, leadMs: null },
    });
    const answer = await this.session.offer(offer);
    this.#negotiated = { offer, credentials: credentialsOf(offer), iceSession: 1 };
    return answer;
  }

  /**
   * Takes trickled candidates, or restarts ICE when the credentials are new; one after another.
   * @returns the answering fragment of a restart; null when candidates were taken.
   * @throws {VisavisError} `webrtc_failed`
   */
  patch(fragment: SdpFragment): Promise<string | null> {
    const answer = this.#lastPatch.then(() => this.#patch(fragment));
    this.#lastPatch = answer.catch(() => undefined);
    return answer;
  }

  /** Whether a fragment would restart ICE. */
  isRestart({ credentials }: SdpFragment): boolean {
    return credentials !== null && !isSame(credentials, this.#negotiated?.credentials ?? null);
  }

  async #patch(fragment: SdpFragment): Promise<string | null> {
    const { credentials, candidates } = fragment;
    const before = this.#negotiated;
    if (before === null) throw new VisavisError('bad_order', 'the offer has not been answered yet');
    if (credentials === null || !this.isRestart(fragment)) {
      for (const candidate of candidates) this.session.candidate(candidate);
      return null;
    }
    const offer = restartedOffer(before.offer, credentials);
    const answer = await this.session.offer(offer);
    this.#negotiated = { offer, credentials, iceSession: before.iceSession + 1 };
    for (const candidate of candidates) this.session.candidate(candidate);
    return fragmentOf(answer);
  }
}

const isSame = (a: IceCredentials, b: IceCredentials | null): boolean => a.ufrag === b?.ufrag && a.pwd === b.pwd;
