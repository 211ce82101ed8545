/** Which pages may ask: the origins of browsers, and the headers of CORS (https://fetch.spec.whatwg.org/#http-cors-protocol). */
import type { IncomingHttpHeaders } from 'node:http';

/** Headers that pages of other origins may read. */
const EXPOSED =
  'Location, ETag, Link, Accept-Patch, Accept-Post, Retry-After, dg-request-id, dg-model-name, dg-char-count';
const METHODS = 'OPTIONS, GET, POST, PATCH, DELETE';
/** What clients send beside what a browser asks for. */
const REQUEST_HEADERS = 'Authorization, Content-Type, If-Match, xi-api-key';
const PREFLIGHT_AGE_S = '86400';

/** Whether a page of that origin may ask. No origin: no browser. The server's own pages always may. */
export const allowsOrigin = (allowed: readonly string[], { origin, host }: IncomingHttpHeaders): boolean =>
  origin === undefined || allowed.includes('*') || allowed.includes(origin) || isOwn(origin, host);

const isOwn = (origin: string, host: string | undefined): boolean =>
  host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();

/** Headers that let a page of that origin read the answer; none for one that may not. */
export const corsHeaders = (allowed: readonly string[], headers: IncomingHttpHeaders): Record<string, string> => {
  const { origin } = headers;
  const all = allowed.includes('*');
  const vary: Record<string, string> = all ? {} : { vary: 'Origin' };
  if (!all && (origin === undefined || !allowsOrigin(allowed, headers))) return vary;
  return {
    ...vary,
    'access-control-allow-origin': all ? '*' : (origin ?? ''),
    'access-control-expose-headers': EXPOSED,
  };
};

/** What a browser is told that asks if a page may ask (`OPTIONS`), beside `corsHeaders`. */
export const preflightHeaders = (headers: IncomingHttpHeaders): Record<string, string> => {
  const asked = headers['access-control-request-headers'] ?? '';
  return {
    'access-control-allow-methods': METHODS,
    // Libraries of other services send headers of their own. Names only: nothing of it is understood here.
    'access-control-allow-headers': /^[\w\-, ]+$/.test(asked) ? asked : REQUEST_HEADERS,
    'access-control-max-age': PREFLIGHT_AGE_S,
  };
};
