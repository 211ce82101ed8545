/**
 * Connects the adapters of other services' protocols to the server's HTTP and WebSockets. They share its places, limits and
 * pings; what a client does not read is not made, and one that leaves stops what was made for it.
 */
import type { IncomingMessage } from 'node:http';
import { Readable, type Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Adapter, Call, HttpAnswer, HttpRoute, SocketPeer, SocketRoute } from '../adapters/core/adapter.ts';
import { type SpeechHostDeps, createSpeechHost } from '../adapters/core/speech-host.ts';
import { createAdapters } from '../adapters/index.ts';
import type { Clock } from '../clock.ts';
import { type ErrorCode, VisavisError, asVisavisError } from '../errors.ts';
import { requestUrl } from './request-url.ts';
import { createWyomingPort } from './wyoming-port.ts';

/** Seconds after which a refused client may try again. */
const RETRY_AFTER_S = 5;

type Upgrade = readonly [request: IncomingMessage, socket: Duplex, head: Buffer];

export interface AdapterMount {
  /** Sessions, sockets and answers in progress. */
  readonly size: number;
  /** Whether some of them are being spoken to. */
  readonly busy: boolean;
  /** Where Wyoming is spoken, `tcp://host:port`; null: nowhere. Known after `listen`. */
  readonly wyomingAddress: string | null;
  /** Opens the TCP port of Wyoming, if the configuration has one. @throws the system's error when the port is taken */
  listen(): Promise<void>;
  /** Takes a WebSocket of an adapter; false: none of them has this path. */
  upgrade(...upgrade: Upgrade): boolean;
  /** Tells all of them why the server stops, and lets go. */
  end(error: VisavisError): void;
  close(): Promise<void>;
}

export interface AdapterMountDeps extends SpeechHostDeps {
  /** Pings a socket until the function that it gives is called. */
  readonly keepAlive: (socket: WebSocket) => () => void;
}

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  bad_message: 400,
  bad_order: 400,
  bad_text: 400,
  text_too_long: 400,
  unsupported_media: 400,
  unknown_voice: 404,
  slow_consumer: 408,
  too_many_utterances: 429,
  server_full: 503,
  shutting_down: 503,
};

/** Adds the routes of all adapters to the server; once, before it listens. */
export const mountAdapters = (app: FastifyInstance, deps: AdapterMountDeps): AdapterMount => {
  const { config, clock, log } = deps;
  const { host, guests } = createSpeechHost(deps);
  const adapters = createAdapters(host);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: config.limits.messageBytes });

  const failed = (adapter: Adapter, cause: unknown): HttpAnswer => {
    const error = asVisavisError(cause);
    // fastify's own errors, such as a body that is too large, bring their status.
    const given = (cause as { readonly statusCode?: unknown }).statusCode;
    const status = STATUS[error.code] ?? (typeof given === 'number' ? given : 500);
    if (status >= 500 && STATUS[error.code] === undefined)
      log.error({ err: error, adapter: adapter.name }, 'adapter failed');
    const answer = adapter.fail(error, status);
    return status === 503
      ? { ...answer, headers: { ...answer.headers, 'retry-after': String(RETRY_AFTER_S) } }
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
    const answer = await route.handle({
      params: request.params as Call['params'],
      query: request.query as Call['query'],
      header: (name) => headerOf(request.raw, name),
      body: typeof request.body === 'string' ? request.body : '',
      signal,
    });
    return send(reply, answer, (body) =>
      Readable.from(readInTime(body, clock, config.limits.unreadMs, end), { objectMode: false }),
    );
  };

  for (const adapter of adapters) {
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

  const open = async (
    adapter: Adapter,
    route: SocketRoute,
    call: Call,
    socket: WebSocket,
    opened: (peer: SocketPeer) => void,
  ): Promise<void> => {
    let peer: SocketPeer | null = null;
    const stopPings = deps.keepAlive(socket);
    const fail = (cause: unknown) => {
      const error = asVisavisError(cause);
      if (error.code === 'internal') log.error({ err: error, adapter: adapter.name }, 'adapter failed');
      const { text, code } = route.fail(error);
      socket.send(text);
      socket.close(code, error.code);
      peer?.onClose();
    };
    socket.on('error', (error) => log.info({ adapter: adapter.name, err: error }, 'socket failed'));
    socket.on('close', () => {
      stopPings();
      peer?.onClose();
    });
    // Messages wait in the system's buffer while a voice is loaded.
    socket.pause();
    try {
      const ready = await route.open(call, {
        sendText: (text) => socket.send(text),
        sendBinary: (bytes) => socket.send(bytes),
        unsentBytes: () => socket.bufferedAmount,
        close: (code, reason) => socket.close(code, reason),
      });
      peer = ready;
      opened(ready);
      socket.on('message', (data: Buffer, binary) => {
        try {
          if (binary) ready.onBinary(data);
          else ready.onText(data.toString('utf8'));
        } catch (error) {
          fail(error);
        }
      });
    } catch (error) {
      fail(error);
    }
    socket.resume();
  };

  const accept = (adapter: Adapter, route: SocketRoute, call: Call, [request, socket, head]: Upgrade) => {
    let peer: SocketPeer | null = null;
    const end = (error: VisavisError) => {
      peer?.end(error);
      socket.destroy();
    };
    socket.once('close', host.enter({ busy: () => peer?.busy() ?? false, end }));
    sockets.handleUpgrade(request, socket, head, (ws) => {
      open(adapter, route, call, ws, (opened) => {
        peer = opened;
      }).catch((error: unknown) => log.error({ err: error, adapter: adapter.name }, 'socket did not open'));
    });
  };

  const wyoming = config.wyomingPort === undefined ? null : createWyomingPort(host);

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
    upgrade(...upgrade) {
      const [request, socket] = upgrade;
      const url = requestUrl(request);
      if (!url) return false;
      for (const adapter of adapters) {
        for (const route of adapter.sockets) {
          const params = matchPath(route.path, url.pathname);
          if (!params) continue;
          const call = {
            params,
            query: Object.fromEntries(url.searchParams),
            header: (name: string) => headerOf(request, name),
          };
          try {
            accept(adapter, route, call, upgrade);
          } catch (error) {
            refuseUpgrade(socket, failed(adapter, error));
          }
          return true;
        }
      }
      return false;
    },
    end(error) {
      for (const guest of guests) guest.end(error);
    },
    async close() {
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

/** A part of a path without its escapes, or null when they are broken. */
const decoded = (part: string): string | null => {
  try {
    return decodeURIComponent(part);
  } catch {
    // What a client sends need not be UTF-8.
    return null;
  }
};

/** The named parts of a path, or null when it is another one. */
const matchPath = (pattern: string, path: string): Record<string, string> | null => {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const value = given[i]!;
    const name = part.startsWith(':') ? part.slice(1) : null;
    const text = name === null ? null : decoded(value);
    if (name !== null && text !== null) params[name] = text;
    else if (part !== value) return null;
  }
  return params;
};

/** Answers an upgrade that is not taken, as plain HTTP. */
const refuseUpgrade = (socket: Duplex, { status = 500, type, headers = {}, body }: HttpAnswer): void => {
  const text = typeof body === 'string' ? body : '';
  const lines = Object.entries({ ...headers, 'content-type': type, 'content-length': String(Buffer.byteLength(text)) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n${head}\r\n${text}`);
};
