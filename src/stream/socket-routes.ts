/** WebSockets by their paths. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { requestUrl } from './request-url.ts';

/** A request for a WebSocket, as Node gives it. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** The named parts of its path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export interface SocketEndpoint {
  /** With its named parts: `/v1/whep/:avatar/:player`. */
  readonly path: string;
  /** Takes the socket, or answers it. */
  take(upgrade: Upgrade): void;
}

/** Hands a socket to the endpoint of its path. @returns false when there is none */
export const takeUpgrade = (
  endpoints: readonly SocketEndpoint[],
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): boolean => {
  const url = requestUrl(request);
  if (!url) return false;
  for (const endpoint of endpoints) {
    const params = matchPath(endpoint.path, url.pathname);
    if (!params) continue;
    endpoint.take({ request, socket, head, params, query: url.searchParams });
    return true;
  }
  return false;
};

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
