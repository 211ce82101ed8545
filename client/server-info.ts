/** What the server tells over HTTP: its voices and avatars, and why it takes no session. */
import { SessionError } from './session.ts';

/** A voice or avatar, as the server lists it. */
export interface Listed {
  readonly name: string;
  readonly description?: string;
  /** Of a voice, for example `en-US`. */
  readonly language?: string;
  readonly gender?: string;
  /** Of an avatar: width and height of its picture. */
  readonly size?: number;
}

const UNREACHABLE = 'The server does not answer. Is it running?';

/** The voices or avatars that there are. @throws {SessionError} `unreachable` */
export const readList = async (kind: 'voices' | 'avatars'): Promise<readonly Listed[]> => {
  try {
    const response = await fetch(`/v1/${kind}`);
    return ((await response.json()) as Record<string, readonly Listed[]>)[kind] ?? [];
  } catch (cause) {
    throw new SessionError('unreachable', UNREACHABLE, { cause });
  }
};

interface Readiness {
  readonly status: string;
  readonly sessions: number;
  readonly maxSessions: number;
}

/** Why there is no session, for people. A refused WebSocket does not say why; the server's readiness does. */
export const explain = async (reason: unknown): Promise<string> => {
  if (reason instanceof SessionError && reason.code !== 'unreachable') return reason.message;
  try {
    const response = await fetch('/readyz');
    const { status, sessions, maxSessions } = (await response.json()) as Readiness;
    if (status === 'draining') return 'The server is about to stop.';
    if (sessions >= maxSessions) return `All ${maxSessions} places are taken.`;
    return reason instanceof Error ? reason.message : String(reason);
  } catch {
    return UNREACHABLE;
  }
};
