/**
 * HTTP and WebSocket: the page, what is installed, health, metrics, and the sockets of `/v1/session`. Fastify and ws are
 * imported here and in `mount-adapters.ts` only.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import process from 'node:process';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Config } from '../../config/schema.ts';
import { type Clock, delay } from '../clock.ts';
import { type ErrorCode, VisavisError, asVisavisError } from '../errors.ts';
import { defaultVoice } from '../models/default-voice.ts';
import type { Inference } from '../models/inference.ts';
import { createGuard } from './access/guard.ts';
import { openDoor } from './access/open-door.ts';
import { asyncApi, openApi } from './api-docs/documents.ts';
import { type Demand, type Place, retryAfterS } from './load/admission.ts';
import { faceWorkersOf, usableCores } from './load/cores.ts';
import { LoadControl } from './load/load-control.ts';
import type { MediaServer } from './media/media-channel.ts';
import { paceMessages } from './message-pace.ts';
import { SUBPROTOCOL } from './messages.ts';
import { createMetrics } from './metrics.ts';
import { mountAdapters } from './mount-adapters.ts';
import { CLOSE, Session, type SessionDeps, type SessionSocket } from './session.ts';
import { type SocketEndpoint, type Upgrade, takeUpgrade } from './socket-routes.ts';
import { watchStalls } from './stall-watch.ts';
import { RESOURCE as PLAYER, createWhep } from './whep/whep-routes.ts';
import type { WhepSession } from './whep/whep-session.ts';

/** How often a draining server looks whether all has been said. */
const DRAIN_POLL_MS = 100;
/** What was sent last is still on its way, and held back by browsers for a moment, when all has been said. */
const DRAIN_TAIL_MS = 300;

/** How often is looked for requests that do not come to their end. */
const TIMEOUT_CHECK_MS = 2_000;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
};

/** The page may run its own code and show its own media, nothing else. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self' ws: wss:; frame-ancestors 'self'";

/** Pages and documents ask for no key, and neither do probes. */
const PAGE = { config: { open: true } };
const PROBE = { config: { open: true, operators: true } };

export interface ServerDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly inference: Inference;
  readonly media: MediaServer;
  /** What answers `chat`; null: nothing. */
  readonly chat: SessionDeps['chat'];
  /** Folders that the page is read from, the first that has a file wins: its sources, and its compiled modules. */
  readonly pageFolders: readonly string[];
  /** Folder of the avatars, for their portraits. */
  readonly portraitOf: (avatar: string) => string | null;
}

/** A server that listens. */
export interface Server {
  readonly address: string;
  /** `tcp://host:port` of the Wyoming protocol; null: it is not served. */
  readonly wyomingAddress: string | null;
  /** Everything that is registered, as `GET /v1/voices/:voice` and `WS /v1/session`. */
  readonly routes: readonly string[];
  /**
   * Takes no more sessions, lets the open ones finish what they say (`config.drainMs` at most, or until the signal aborts), then
   * closes all.
   */
  drain(signal?: AbortSignal): Promise<void>;
  /** Closes everything now; idempotent. */
  close(): Promise<void>;
}

/** Starts to listen. @throws the system's error when the address is taken. */
export const startServer = async (deps: ServerDeps): Promise<Server> => {
  const { config, clock, log, inference, media } = deps;
  const metrics = createMetrics();
  const { speechWorkers } = config.inference;
  const load = new LoadControl(
    { clock, log, metrics, inference, media, processCpuMs },
    {
      maxSessions: config.limits.sessions,
      admission: config.load.admission,
      ladder: config.load.ladder,
      capacity: {
        cores: usableCores(),
        speechWorkers,
        faceWorkers: faceWorkersOf(config.inference),
        share: config.load.share,
      },
    },
  );
  const sessions = new Set<{ readonly session: Session; readonly cut: () => void }>();
  let draining = false;
  let opened = 0;

  // A client that does not read its answer must not keep the server from closing.
  const app = fastify({
    bodyLimit: config.limits.messageBytes,
    forceCloseConnections: true,
    requestTimeout: config.limits.requestMs,
    http: {
      maxHeaderSize: config.limits.headerBytes,
      headersTimeout: config.limits.headersMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
  });
  const guard = createGuard(config.access);
  const routes: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    routes.push(...[method].flat().map((name) => `${name} ${url}`));
  });
  app.server.maxConnections = config.limits.connections;
  guard.protect(app);
  addErrorForm(app, log);
  app.get('/livez', PROBE, () => ({ status: 'ok' }));
  app.get('/readyz', PROBE, (_request, reply) => {
    if (draining) reply.code(503);
    return {
      status: draining ? 'draining' : 'ok',
      sessions: load.admission.taken,
      maxSessions: load.admission.fit('pictures'),
      full: load.admission.refusal('pictures') !== null,
    };
  });
  app.get('/metrics', { config: { operators: true } }, async (_request, reply) => {
    const { text, contentType } = await metrics.expose();
    return reply.type(contentType).send(text);
  });
  // With the fields that clients of ElevenLabs read at the same path.
  app.get('/v1/voices', () => ({
    voices: inference.voices.map((voice) => Object.assign({ voice_id: voice.name, category: 'premade' }, voice)),
  }));
  app.get('/v1/avatars', () => ({ avatars: inference.avatars }));
  app.get<{ Params: { avatar: string } }>('/v1/avatars/:avatar/portrait.png', (request, reply) => {
    const path = deps.portraitOf(request.params.avatar);
    if (!path)
      throw new VisavisError(
        'unknown_avatar',
        `there is no avatar "${request.params.avatar}"; GET /v1/avatars lists them`,
      );
    return reply.type('image/png').header('cache-control', 'max-age=3600').send(createReadStream(path));
  });
  app.get('/v1/session', PAGE, (_request, reply) =>
    reply
      .code(426)
      .header('upgrade', 'websocket')
      .send({ error: { code: 'bad_message', message: `open a WebSocket here, subprotocol ${SUBPROTOCOL}` } }),
  );
  app.get('/', PAGE, (_request, reply) => sendPageFile(deps.pageFolders, 'page/index.html', reply));
  app.get<{ Params: { '*': string } }>('/client/*', PAGE, (request, reply) =>
    sendPageFile(deps.pageFolders, request.params['*'], reply),
  );

  app.get('/v1/openapi.json', PAGE, () => openApi());
  app.get('/v1/asyncapi.json', PAGE, (request) => asyncApi(request.host));
  app.get('/docs', PAGE, (_request, reply) => sendPageFile(deps.pageFolders, 'api/index.html', reply));

  const whep = createWhep({
    log,
    iceServers: config.webrtc.iceServers,
    limits: config.limits,
    retryAfterS,
    refusal: () => admission(),
    begin: (socket, cut) => begin(socket, cut),
  });
  await app.register(whep.routes);

  const goodbye = new VisavisError('shutting_down', 'the server stops; connect again in a moment');
  const adapters = mountAdapters(app, {
    ...deps,
    guard,
    meter: {
      firstSound: (latencyMs) => metrics.textToAudio.observe(latencyMs / 1000),
      finished: (reason) => metrics.utterances.inc({ reason }),
    },
    takePlace() {
      const refusal = draining ? goodbye : admission('sound');
      if (refusal) throw refusal;
      return take('sound').leave;
    },
    keepAlive: (socket) => keepAlive(socket, clock, config.limits.pingMs),
  });

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: config.limits.messageBytes,
    maxFragments: config.limits.messageParts,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node leaves the errors of a socket that is upgraded to whoever takes it: a client that resets it must not end the process.
    socket.on('error', (error) => log.info({ err: error }, 'socket failed before it was a session'));
    if (!takeUpgrade(endpoints, request, socket, head))
      refuse(socket, 404, 'bad_message', 'WebSockets are at /v1/session');
  });
  const endpoints: readonly SocketEndpoint[] = [
    ...adapters.endpoints,
    {
      path: '/v1/session',
      take: (upgrade) =>
        admit(upgrade, (accepted) => {
          const refusal = admission();
          if (!refusal) return accepted(accept);
          return refuse(upgrade.socket, 503, refusal.code, refusal.message);
        }),
    },
    {
      path: PLAYER,
      take: (upgrade) =>
        admit(upgrade, (accepted) => {
          const player = whep.find(upgrade.params['player'] ?? '');
          if (player) return accepted((ws) => join(ws, player));
          return refuse(upgrade.socket, 404, 'bad_message', 'there is no such player; WebSockets are at /v1/session');
        }),
    },
  ];
  routes.push(...endpoints.map(({ path }) => `WS ${path}`));

  /** Lets a socket of this server's own protocol in, if its page may ask and it has a key. */
  const admit = (
    { request, socket, head }: Upgrade,
    next: (accepted: (take: (ws: WebSocket) => void) => void) => void,
  ): void => {
    const forbidden = guard.refuseOrigin(request);
    if (forbidden) return refuse(socket, 403, forbidden.code, forbidden.message);
    const accepted = (take: (ws: WebSocket) => void) => sockets.handleUpgrade(request, socket, head, take);
    const refusal = guard.refuseKeyOf(request);
    if (!refusal) return next(accepted);
    // Browsers do not tell their pages why a socket did not open: it opens to say so.
    return accepted((ws) => {
      ws.on('error', (error) => log.info({ err: error }, 'socket failed before it was a session'));
      ws.send(JSON.stringify({ type: 'error', code: refusal.code, message: refusal.message, fatal: true }));
      ws.close(CLOSE.policy, refusal.code);
    });
  };

  /** Why no session can begin now; null: one can. */
  const admission = (demand: Demand = 'pictures'): VisavisError | null => {
    if (draining) return new VisavisError('shutting_down', 'the server is about to stop');
    const refusal = load.admission.refusal(demand);
    if (refusal) metrics.refused.inc();
    return refusal;
  };

  /** A place that is counted until it is left. */
  const take = (demand: Demand): Place => {
    const place = load.admission.enter(demand);
    metrics.sessionsTotal.inc();
    metrics.sessions.set(load.admission.taken);
    return {
      needs: place.needs,
      leave() {
        place.leave();
        metrics.sessions.set(load.admission.taken);
      },
    };
  };

  /** A session that counts until `end` is called. */
  const begin = (socket: SessionSocket, cut: () => void): { session: Session; end: () => void } => {
    opened += 1;
    const id = `s${opened}-${crypto.randomUUID().slice(0, 8)}`;
    // Until it says what it wants it is taken for one with a picture.
    const place = take('pictures');
    const session = new Session(id, {
      load: { needs: place.needs, join: (onRung) => load.join(id, onRung) },
      inference,
      media,
      clock,
      metrics,
      log,
      defaults: { voice: defaultVoice(inference, config), avatar: config.avatar },
      bitrateBps: config.video.bitrateBps,
      limits: config.limits,
      chat: deps.chat,
      openTimeoutMs: config.limits.openTimeoutMs,
      socket,
    });
    const entry = { session, cut };
    sessions.add(entry);
    const end = () => {
      if (!sessions.delete(entry)) return;
      place.leave();
      session
        .close()
        .catch((error: unknown) => log.error({ session: session.id, err: error }, 'session did not close'));
      log.info({ session: session.id }, 'session closed');
    };
    return { session, end };
  };

  const accept = (socket: WebSocket) => {
    const { session, end } = begin(sessionSocket(socket), () => socket.terminate());
    follow(socket, session, end);
  };

  /** Lets a socket tell a player's session what to say. */
  const join = (socket: WebSocket, { session, audience }: WhepSession) => {
    const member = sessionSocket(socket);
    try {
      audience.join(member);
    } catch (error) {
      socket.close(CLOSE.tryLater, asVisavisError(error).code);
      return;
    }
    if (session.opened) member.sendText(JSON.stringify(session.opened));
    follow(socket, session, () => audience.leave(member));
  };

  const follow = (socket: WebSocket, session: Session, onClose: () => void) => {
    const stopPings = keepAlive(socket, clock, config.limits.pingMs);
    const pace = paceMessages(socket, clock, config.limits.messagesPerSecond);
    socket.on('message', (data: Buffer, binary) => {
      pace();
      if (binary) session.onBinary(data);
      else session.onText(data.toString('utf8'));
    });
    socket.on('error', (error) => log.info({ session: session.id, err: error }, 'socket failed'));
    socket.on('close', () => {
      stopPings();
      onClose();
    });
  };

  const stopWatching = watchStalls(clock, (ms) => {
    log.warn({ stalledMs: Math.round(ms) }, 'the process stood still');
    metrics.stalls.inc();
    const notice = new VisavisError('stalled', `the server stood still for ${Math.round(ms)} ms; speech goes on`);
    for (const { session } of sessions) session.notice(notice);
  });
  const close = async () => {
    draining = true;
    stopWatching();
    load.close();
    adapters.end(goodbye);
    await Promise.all([...sessions].map(({ session }) => session.end(goodbye, CLOSE.goingAway)));
    for (const { cut } of sessions) cut();
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    await adapters.close();
    await app.close();
  };
  const drain = async (signal?: AbortSignal) => {
    draining = true;
    const untilMs = clock.nowMs() + config.drainMs;
    const isBusy = () => adapters.busy || [...sessions].some(({ session }) => session.busy);
    while (clock.nowMs() < untilMs && !signal?.aborted && isBusy()) await delay(clock, DRAIN_POLL_MS);
    if (load.admission.taken > 0 && !signal?.aborted) await delay(clock, Math.min(DRAIN_TAIL_MS, config.drainMs));
    await close();
  };

  await adapters.listen();
  const address = await app.listen({ host: config.host, port: config.port });
  const door = openDoor(config);
  if (door !== null) log.warn({ host: config.host }, door);
  return { address, wyomingAddress: adapters.wyomingAddress, routes, drain, close };
};

/** Processor time of the whole process since it began. */
const processCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** What a session needs of a WebSocket. */
const sessionSocket = (socket: WebSocket): SessionSocket => ({
  sendText: (text) => socket.send(text),
  sendBinary: (bytes) => socket.send(bytes),
  unsentBytes: () => socket.bufferedAmount,
  close: (code, reason) => socket.close(code, reason),
});

const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  unauthorized: 401,
  forbidden_origin: 403,
  unknown_voice: 404,
  unknown_avatar: 404,
  unknown_utterance: 404,
};

/** Errors as `{"error": {"code", "message"}}`. */
const addErrorForm = (app: FastifyInstance, log: Logger): void => {
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: { code: 'bad_message', message: `nothing is at ${request.method} ${request.url}` } }),
  );
  app.setErrorHandler((cause: Error & { statusCode?: number }, _request, reply) => {
    const error = asVisavisError(cause);
    const status = STATUSES[error.code] ?? cause.statusCode ?? 500;
    if (status >= 500) log.error({ err: error }, 'request failed');
    return reply.code(status).send({ error: { code: error.code, message: error.message } });
  });
};

/** Answers an upgrade that is not taken, as plain HTTP. */
const refuse = (socket: Duplex, status: 403 | 404 | 503, code: string, message: string): void => {
  const body = JSON.stringify({ error: { code, message } });
  const reason = { 403: 'Forbidden', 404: 'Not Found', 503: 'Service Unavailable' }[status];
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `${status === 503 ? `Retry-After: ${retryAfterS()}\r\n` : ''}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
};

/** Pings a socket; one that has not answered by the next ping is gone, unless the process itself stood still meanwhile. */
const keepAlive = (socket: WebSocket, clock: Clock, everyMs: number): (() => void) => {
  let alive = true;
  socket.on('pong', () => {
    alive = true;
  });
  let cancel: () => void = () => undefined;
  const next = () => {
    const dueMs = clock.nowMs() + everyMs;
    cancel = clock.at(dueMs, () => {
      // The answer may have come while nobody read it.
      const stoodStill = clock.nowMs() - dueMs > everyMs / 4;
      if (!alive && !stoodStill) return socket.terminate();
      alive = false;
      socket.ping();
      return next();
    });
  };
  next();
  return () => cancel();
};

/** Sends a file of the page; nothing outside its folders. */
const sendPageFile = async (folders: readonly string[], name: string, reply: FastifyReply): Promise<FastifyReply> => {
  const relative = normalize(name);
  const type = CONTENT_TYPES[extname(relative)];
  if (type && !relative.startsWith('..') && !relative.startsWith(sep)) {
    for (const folder of folders) {
      const path = join(folder, relative);
      const found = await stat(path).catch(() => null);
      if (!found?.isFile()) continue;
      return reply
        .type(type)
        .header('cache-control', 'no-cache')
        .header('content-security-policy', PAGE_POLICY)
        .header('x-content-type-options', 'nosniff')
        .send(createReadStream(path));
    }
  }
  return reply.code(404).send({ error: { code: 'bad_message', message: `the page has no file ${name}` } });
};
