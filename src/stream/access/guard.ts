/** Who may use the server: whoever has a key, if there are keys, from a page that may ask. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../../../config/schema.ts';
import { VisavisError } from '../../errors.ts';
import { type KeyBearer, Keyring, keyOf } from './api-keys.ts';
import { allowsOrigin, corsHeaders, preflightHeaders } from './origins.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asks for no key: a page, or a probe. */
    readonly open?: boolean;
    /** For operators: no page of another origin reads it. */
    readonly operators?: boolean;
  }
}

export interface Guard {
  /** Why that key is none; null: it is one, or none is needed. */
  refuseKey(key: string | null): VisavisError | null;
  /** Why a request is refused for its key; null: it is not. */
  refuseKeyOf(request: KeyBearer): VisavisError | null;
  /** Why a request is refused for the page that it comes from; null: it is not. */
  refuseOrigin(request: Pick<IncomingMessage, 'headers'>): VisavisError | null;
  /** Looks at every request before its route does. */
  protect(app: FastifyInstance): void;
}

export const createGuard = ({ keys, origins }: Config['access']): Guard => {
  const keyring = new Keyring(keys);

  const refuseKey = (key: string | null): VisavisError | null => {
    if (keyring.admits(key)) return null;
    const what = key === null ? 'an API key was expected, none came' : 'the API key is not one of this server';
    return new VisavisError('unauthorized', `${what}; send one as "Authorization: Bearer KEY"`);
  };
  const refuseKeyOf = (request: KeyBearer) => refuseKey(keyOf(request));
  const refuseOrigin = ({ headers }: Pick<IncomingMessage, 'headers'>): VisavisError | null =>
    allowsOrigin(origins, headers)
      ? null
      : new VisavisError(
          'forbidden_origin',
          `pages of ${headers.origin} may not ask; access.origins of the configuration lists those that may`,
        );

  return {
    refuseKey,
    refuseKeyOf,
    refuseOrigin,
    protect(app) {
      app.addHook('onRequest', async (request, reply) => {
        const { headers, method, raw, routeOptions, is404 } = request;
        const { open = false, operators = false } = routeOptions.config ?? {};
        if (!operators) reply.headers(corsHeaders(origins, headers));
        if (method === 'OPTIONS') {
          if (allowsOrigin(origins, headers)) reply.headers(preflightHeaders(headers));
          // Routes that answer it themselves say more.
          if (is404) return reply.code(204).send();
          return undefined;
        }
        if (open || is404) return undefined;
        const refusal = refuseOrigin(raw) ?? refuseKeyOf(raw);
        if (refusal?.code === 'unauthorized') reply.header('www-authenticate', 'Bearer realm="visavis"');
        if (refusal) throw refusal;
        return undefined;
      });
    },
  };
};
