/**
 * Connects the adapters of other services' protocols to the server's HTTP and WebSockets. They share its places, limits and
 * pings; what a client does not read is not made, and one that leaves stops what was made for it.
 */
import type { IncomingMessage } from 'node:http';
import { Readable, type Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type {
  Adapter,
  Call,
  HttpAnswer,
  HttpCall,
  HttpRoute,
  SocketPeer,
  SocketRoute,
} from '../adapters/core/adapter.ts';
import { type SpeechHostDeps, createSpeechHost } from '../adapters/core/speech-host.ts';
import { ADAPTERS } from '../adapters/index.ts';
import type { Clock } from '../clock.ts';
import { type ErrorCode, VisavisError, asVisavisError } from '../errors.ts';
import type { Guard } from './access/guard.ts';
import { keyOf } from './access/api-keys.ts';
import { retryAfterS } from './load/admission.ts';
import { paceMessages } from './message-pace.ts';
import type { SocketEndpoint, Upgrade } from './socket-routes.ts';
import { createWyomingPort } from './wyoming-port.ts';

type Message = [data: Buffer, binary: boolean];

export interface AdapterMount {
  /** Sessions, sockets and answers in progress. */
  readonly size: number;
  /** Whether some of them are being spoken to. */
  readonly busy: boolean;
  /** Where Wyoming is spoken, `tcp://host:port`; null: nowhere. Known after `listen`. */
  readonly wyomingAddress: string | null;
  /** Opens the TCP port of Wyoming, if the configuration has one. @throws the system's error when the port is taken */
  listen(): Promise<void>;
  /** The WebSockets of all adapters. */
  readonly endpoints: readonly SocketEndpoint[];
  /** Tells all of them why the server stops, and lets go. */
  end(error: VisavisError): void;
  close(): Promise<void>;
}

export interface AdapterMountDeps extends SpeechHostDeps {
  readonly guard: Guard;
  /** Pings a socket until the function that it gives is called. */
  readonly keepAlive: (socket: WebSocket) => () => void;
}

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  bad_message: 400,
  bad_order: 400,
  bad_text: 400,
  text_too_long: 400,
  unsupported_media: 400,
  unauthorized: 401,
  forbidden_origin: 403,
  unknown_voice: 404,
  slow_consumer: 408,
  too_many_utterances: 429,
  server_full: 503,
  shutting_down: 503,
};

/** Adds the routes of all adapters to the server; once, before it listens. */
export const mountAdapters = (app: FastifyInstance, deps: AdapterMountDeps): AdapterMount => {
  const { config, clock, log, guard } = deps;
  const { host, guests } = createSpeechHost(deps);
  const { messageBytes, messageParts, messagesPerSecond } = config.limits;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytes, maxFragments: messageParts });

  const failed = (adapter: Adapter, cause: unknown): HttpAnswer => {
    const error = asVisavisError(cause);
    // fastify's own errors, such as a body that is too large, bring their status.
    const given = (cause as { readonly statusCode?: unknown }).statusCode;
    const status = STATUS[error.code] ?? (typeof given === 'number' ? given : 500);
    if (status >= 500 && STATUS[error.code] === undefined)
      log.error({ err: error, adapter: adapter.name }, 'adapter failed');
    const answer = adapter.fail(error, status);
    return status === 503
      ? { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfterS()) } }
      : answer;
  };

  const handler = (route: HttpRoute) => async (request: FastifyRequest, reply: FastifyReply) => {
    const controller = new AbortController();
    const { signal } = controller;
    // A closed answer that was completed has nothing left to abort.
    reply.raw.once('close', () => controller.abort(new VisavisError('bad_order', 'the client has left')));
    const end = (error: VisavisError) => {
      controller.abort(error);
      reply.raw.destroy();
    };
    if (route.speaks) reply.raw.once('close', host.enter({ busy: () => true, end }));
    const call: HttpCall = {
      params: request.params as Call['params'],
      query: request.query as Call['query'],
      header: (name) => headerOf(request.raw, name),
      body: typeof request.body === 'string' ? request.body : '',
      signal,
    };
    const answer = await route.handle(call, host);
    return send(reply, answer, (body) =>
      Readable.from(readInTime(body, clock, config.limits.unreadMs, end), { objectMode: false }),
    );
  };

  for (const adapter of ADAPTERS) {
    app.register(async (scope) => {
      // Clients of other services name all kinds of content types; adapters read the text themselves.
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
      scope.setErrorHandler((cause, _request, reply) =>
        send(reply, failed(adapter, cause), (body) => Readable.from(body)),
      );
      for (const route of adapter.routes) {
        scope.route({ method: route.method, url: route.path, handler: handler(route) });
      }
    });
  }

  /** The end of a socket, in the protocol's own form. */
  const fail = ({ name }: Adapter, route: SocketRoute, socket: WebSocket, cause: unknown) => {
    const error = asVisavisError(cause);
    if (error.code === 'internal') log.error({ err: error, adapter: name }, 'adapter failed');
    const { text, code } = route.fail(error);
    socket.send(text);
    socket.close(code, error.code);
  };

  /** @param early - Messages that have come before, and go on coming until it is open. */
  const open = async (
    adapter: Adapter,
    route: SocketRoute,
    call: Call,
    socket: WebSocket,
    opened: (peer: SocketPeer) => void,
    early: readonly Message[],
  ): Promise<void> => {
    let peer: SocketPeer | null = null;
    const stopPings = deps.keepAlive(socket);
    const giveUp = (error: unknown) => {
      fail(adapter, route, socket, error);
      peer?.onClose();
    };
    socket.on('close', () => {
      stopPings();
      peer?.onClose();
    });
    // Messages wait in the system's buffer while a voice is loaded.
    socket.pause();
    try {
      const own = {
        sendText: (text: string) => socket.send(text),
        sendBinary: (bytes: Uint8Array) => socket.send(bytes),
        unsentBytes: () => socket.bufferedAmount,
        close: (code: number, reason: string) => socket.close(code, reason),
      };
      const ready = await route.open(call, own, host);
      peer = ready;
      opened(ready);
      const pace = paceMessages(socket, clock, messagesPerSecond);
      const take = (...[data, binary]: Message) => {
        pace();
        try {
          if (binary) ready.onBinary(data);
          else ready.onText(data.toString('utf8'));
        } catch (error) {
          giveUp(error);
        }
      };
      socket.removeAllListeners('message');
      socket.on('message', take);
      for (const message of early) take(...message);
    } catch (error) {
      giveUp(error);
    }
    socket.resume();
  };

  const logFailure = ({ name }: Adapter, socket: WebSocket) =>
    socket.on('error', (error) => log.info({ adapter: name, err: error }, 'socket failed'));

  /** Takes a place and speaks the adapter's protocol. */
  const serve = (
    adapter: Adapter,
    route: SocketRoute,
    call: Call,
    { socket }: Upgrade,
    early: readonly Message[] = [],
  ): ((ws: WebSocket) => void) => {
    let peer: SocketPeer | null = null;
    const end = (error: VisavisError) => {
      peer?.end(error);
      socket.destroy();
    };
    socket.once('close', host.enter({ busy: () => peer?.busy() ?? false, end }));
    return (ws) => {
      const opened = (ready: SocketPeer) => {
        peer = ready;
      };
      open(adapter, route, call, ws, opened, early).catch((error: unknown) =>
        log.error({ err: error, adapter: adapter.name }, 'socket did not open'),
      );
    };
  };

  const keyless = new Set<WebSocket>();
  /** Waits for the key in the first message. Until then the socket takes none of the places that others wait for. */
  const awaitKey = (adapter: Adapter, route: SocketRoute, call: Call, upgrade: Upgrade, ws: WebSocket) => {
    logFailure(adapter, ws);
    keyless.add(ws);
    const cancel = clock.at(clock.nowMs() + config.limits.openTimeoutMs, () =>
      fail(adapter, route, ws, guard.refuseKey(null)),
    );
    const settle = () => {
      cancel();
      keyless.delete(ws);
    };
    ws.once('close', settle);
    const early: Message[] = [];
    ws.on('message', (...message: Message) => {
      // More of them may have come with the first.
      early.push(message);
      if (early.length > 1) return;
      settle();
      const [data, binary] = message;
      try {
        const refusal = guard.refuseKey((binary ? undefined : route.keyIn?.(data.toString('utf8'))) ?? null);
        if (refusal) throw refusal;
        serve(adapter, route, call, upgrade, early)(ws);
      } catch (error) {
        fail(adapter, route, ws, error);
      }
    });
  };

  const accept = (adapter: Adapter, route: SocketRoute, call: Call, upgrade: Upgrade) => {
    const { request, socket, head } = upgrade;
    const refusal = guard.refuseOrigin(request) ?? guard.refuseKeyOf(request);
    if (
      refusal?.code === 'unauthorized' &&
      route.keyIn &&
      keyOf(request) === null &&
      keyless.size < config.limits.keylessSockets
    ) {
      sockets.handleUpgrade(request, socket, head, (ws) => awaitKey(adapter, route, call, upgrade, ws));
      return;
    }
    if (refusal) throw refusal;
    const begin = serve(adapter, route, call, upgrade);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      logFailure(adapter, ws);
      begin(ws);
    });
  };

  const endpointOf = (adapter: Adapter, route: SocketRoute): SocketEndpoint => ({
    path: route.path,
    take(upgrade) {
      const { request, params, query } = upgrade;
      const header = (name: string) => headerOf(request, name);
      try {
        accept(adapter, route, { params, query: Object.fromEntries(query), header }, upgrade);
      } catch (error) {
        refuseUpgrade(upgrade.socket, failed(adapter, error));
      }
    },
  });

  const wyoming = config.wyomingPort === undefined ? null : createWyomingPort(host, config.limits);

  return {
    get wyomingAddress() {
      return wyoming?.address ?? null;
    },
    async listen() {
      if (config.wyomingPort !== undefined) await wyoming?.listen(config.wyomingPort, config.host);
    },
    get size() {
      return guests.size;
    },
    get busy() {
      return [...guests].some((guest) => guest.busy());
    },
    endpoints: ADAPTERS.flatMap((adapter) => adapter.sockets.map((route) => endpointOf(adapter, route))),
    end(error) {
      for (const guest of guests) guest.end(error);
    },
    async close() {
      for (const socket of keyless) socket.terminate();
      sockets.close();
      wyoming?.close();
    },
  };
};

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

const send = (
  reply: FastifyReply,
  { status = 200, type, headers = {}, body }: HttpAnswer,
  toStream: (body: AsyncIterable<Uint8Array | string>) => Readable,
): FastifyReply =>
  reply
    .code(status)
    .headers(headers)
    .type(type)
    .send(typeof body === 'string' ? body : toStream(body));

/** Passes a body on; a reader who takes nothing for `unreadMs` is given up. */
async function* readInTime(
  body: AsyncIterable<Uint8Array | string>,
  clock: Clock,
  unreadMs: number,
  giveUp: (error: VisavisError) => void,
): AsyncGenerator<Uint8Array | string, void> {
  for await (const part of body) {
    const cancel = clock.at(clock.nowMs() + unreadMs, () =>
      giveUp(new VisavisError('slow_consumer', `the answer has not been read for ${unreadMs} ms`)),
    );
    try {
      yield part;
    } finally {
      cancel();
    }
  }
}

/** Answers an upgrade that is not taken, as plain HTTP. */
const refuseUpgrade = (socket: Duplex, { status = 500, type, headers = {}, body }: HttpAnswer): void => {
  const text = typeof body === 'string' ? body : '';
  const lines = Object.entries({ ...headers, 'content-type': type, 'content-length': String(Buffer.byteLength(text)) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n${head}\r\n${text}`);
};
