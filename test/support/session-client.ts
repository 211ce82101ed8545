/** A session of the server as its client sees it, without a socket in between. */
import { pino } from 'pino';
import { configSchema } from '../../config/schema.ts';
import { systemClock } from '../../src/clock.ts';
import { type ServerMessage, serverMessageSchema } from '../../src/stream/messages.ts';
import { createMetrics } from '../../src/stream/metrics.ts';
import { Session, type SessionDeps } from '../../src/stream/session.ts';
import { fakeInference } from './fake-models.ts';
import { fakeSessionLoad } from './session-load.ts';

interface Options
  extends Pick<SessionDeps, 'media'>, Partial<Pick<SessionDeps, 'inference' | 'chat' | 'clock' | 'load'>> {
  readonly limits?: Partial<SessionDeps['limits']>;
  /** What the socket owes. @default 0 */
  readonly unsent?: () => number;
}

export interface SessionClient {
  readonly session: Session;
  /** All that came; it agrees with the schema. */
  readonly received: readonly ServerMessage[];
  readonly frames: readonly Uint8Array[];
  readonly closed: readonly { readonly code: number; readonly reason: string }[];
  readonly send: (...messages: object[]) => void;
  /** The messages of one type. */
  readonly of: <T extends ServerMessage['type']>(type: T) => Extract<ServerMessage, { type: T }>[];
}

export const createSessionClient = ({ unsent = () => 0, ...options }: Options): SessionClient => {
  const received: ServerMessage[] = [];
  const frames: Uint8Array[] = [];
  const closed: { code: number; reason: string }[] = [];
  const { limits } = configSchema.parse({ limits: options.limits ?? {} });
  const session = new Session('s1', {
    inference: fakeInference(),
    chat: null,
    clock: systemClock,
    metrics: createMetrics(),
    load: fakeSessionLoad(),
    log: pino({ level: 'silent' }),
    defaults: { voice: 'fake', avatar: 'fake' },
    bitrateBps: 300_000,
    openTimeoutMs: limits.openTimeoutMs,
    ...options,
    limits,
    socket: {
      sendText: (text) => received.push(serverMessageSchema.parse(JSON.parse(text))),
      sendBinary: (bytes) => frames.push(bytes),
      unsentBytes: unsent,
      close: (code, reason) => closed.push({ code, reason }),
    },
  });
  return {
    session,
    received,
    frames,
    closed,
    send: (...messages) => messages.forEach((message) => session.onText(JSON.stringify(message))),
    of: (type) =>
      received.filter((message): message is Extract<ServerMessage, { type: typeof type }> => message.type === type),
  };
};
