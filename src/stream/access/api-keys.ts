/** API keys: where a request shows one, and whether it is one of the server's. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { requestUrl } from '../request-url.ts';

/** Parameters of a query that a key may be in: this server's, and those of ElevenLabs' sockets. */
const QUERY_NAMES = ['key', 'xi-api-key', 'authorization', 'single_use_token'];
const SCHEME = /^(?:Bearer|Token)\s+(?=\S)/i;

/** The part of a request that is looked at. */
export type KeyBearer = Pick<IncomingMessage, 'headers' | 'url'>;

/**
 * The key that a request shows; null: none. In this order: `Authorization: Bearer` or `Token` (OpenAI, WHEP; Deepgram), `xi-api-key`
 * (ElevenLabs), the subprotocol after `token` or `bearer` (Deepgram in browsers), the query (`key`, and ElevenLabs' names).
 */
export const keyOf = (request: KeyBearer): string | null => {
  const { authorization, 'xi-api-key': own, 'sec-websocket-protocol': offered = '' } = request.headers;
  if (authorization !== undefined && SCHEME.test(authorization)) return authorization.replace(SCHEME, '');
  if (typeof own === 'string' && own !== '') return own;
  const [scheme, key] = offered.split(',').map((name) => name.trim());
  if ((scheme === 'token' || scheme === 'bearer') && key) return key;
  const query = requestUrl(request)?.searchParams;
  for (const name of QUERY_NAMES) {
    const value = query?.get(name);
    if (value) return value.replace(SCHEME, '');
  }
  return null;
};

/** The server's keys. Without any, everybody is let in. */
export class Keyring {
  readonly #secret = randomBytes(32);
  readonly #digests: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.#digests = keys.map((key) => this.#digest(key));
  }

  /** Whether that is one of the keys. Takes the same time for every key of one length. */
  admits(key: string | null): boolean {
    if (this.#digests.length === 0) return true;
    const digest = this.#digest(key ?? '');
    // All are compared, so that the time does not tell which one it was.
    return this.#digests.filter((known) => timingSafeEqual(known, digest)).length > 0;
  }

  /** Of one length, and not to be guessed: what is compared says nothing of the key. */
  #digest(key: string): Buffer {
    return createHmac('sha256', this.#secret).update(key).digest();
  }
}
