/**
 * WHEP (draft-ietf-wish-whep-03, on the rules of WHIP, RFC 9725): a player posts its offer and gets the avatar's sound and
 * picture. What it says comes over the player's data channel `visavis.v1`, or over a WebSocket to the player's own URL.
 */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { VisavisError, asVisavisError } from '../../errors.ts';
import type { Session, SessionSocket } from '../session.ts';
import { type IceServer, iceLinks } from './ice-links.ts';
import { parseFragment } from './sdp-fragment.ts';
import { Audience, type AudienceLimits, WhepSession } from './whep-session.ts';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const ENDPOINT = '/v1/whep/:avatar';
/** A player's own URL; its WebSocket takes what the player says. */
export const RESOURCE = '/v1/whep/:avatar/:player';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What a player may wish for in the URL's query. */
export const whepQuerySchema = z.object({
  voice: z.string().max(128).optional().describe('Name of a voice; default: the avatar’s own'),
  speed: z.coerce.number().min(0.5).max(2).default(1).describe('Speed of speech'),
  seed: z.coerce.number().int().min(0).max(0xffffffff).optional().describe('Makes motion and speech repeatable'),
});

/** Errors as RFC 9457 has them. */
export const whepProblemSchema = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe('One of the codes of docs/protocol.md'),
});

export interface WhepDeps {
  readonly log: Logger;
  readonly iceServers: readonly IceServer[];
  /** Seconds after which a refused player may try again. */
  readonly retryAfterS: () => number;
  readonly limits: AudienceLimits & { readonly offerCharacters: number; readonly candidates: number };
  /** Why no session can begin now; null: one can. */
  readonly refusal: () => VisavisError | null;
  /** Begins a session that counts until `end`. `cut` is called when the server closes. */
  readonly begin: (socket: SessionSocket, cut: () => void) => { readonly session: Session; readonly end: () => void };
}

export interface Whep {
  readonly routes: FastifyPluginAsync;
  /** The player whose URL ends with this id; null: none. */
  find(id: string): WhepSession | null;
}

/** An error with the HTTP status that tells it. */
class Problem extends VisavisError {
  readonly status: number;

  constructor(status: number, code: VisavisError['code'], message: string) {
    super(code, message);
    this.status = status;
  }
}

export const createWhep = (deps: WhepDeps): Whep => {
  const players = new Map<string, { readonly player: WhepSession; readonly end: () => void }>();
  const links = iceLinks(deps.iceServers);
  const withLinks = (reply: FastifyReply): FastifyReply => (links.length > 0 ? reply.header('link', links) : reply);

  const remove = (id: string): void => {
    const entry = players.get(id);
    players.delete(id);
    entry?.end();
  };
  const find = ({ avatar, player: id }: { readonly avatar: string; readonly player: string }): WhepSession => {
    const player = players.get(id)?.player;
    if (player?.avatar === avatar) return player;
    throw new Problem(404, 'bad_order', 'there is no such player; it was deleted, or lost its connection: POST again');
  };

  const post = async (request: FastifyRequest<{ Params: { avatar: string } }>, reply: FastifyReply) => {
    const refusal = deps.refusal();
    if (refusal) throw refusal;
    const offer = bodyOf(request, SDP);
    if (!/^v=0\r?\n/.test(offer)) throw new Problem(400, 'webrtc_failed', 'expected an SDP offer, beginning with v=0');
    const wishes = whepQuerySchema.safeParse(request.query);
    if (!wishes.success) throw new Problem(400, 'bad_message', z.prettifyError(wishes.error));
    const { avatar } = request.params;
    // Whoever knows it may speak through the player, so it cannot be guessed.
    const id = crypto.randomUUID();
    const audience = new Audience(deps.limits, () => remove(id));
    const { session, end } = deps.begin(audience, () => remove(id));
    const player = new WhepSession(avatar, session, audience);
    players.set(id, { player, end });
    try {
      const answer = await player.start(offer, wishes.data);
      return await withLinks(reply)
        .code(201)
        .type(SDP)
        .header('location', `/v1/whep/${encodeURIComponent(avatar)}/${id}`)
        .header('etag', player.entityTag)
        .header('accept-patch', FRAGMENT)
        .send(answer);
    } catch (error) {
      remove(id);
      throw error;
    }
  };

  const patch = async (
    request: FastifyRequest<{ Params: { avatar: string; player: string } }>,
    reply: FastifyReply,
  ) => {
    const player = find(request.params);
    const fragment = parseFragment(bodyOf(request, FRAGMENT), deps.limits.candidates);
    if (!fragment) throw new Problem(400, 'webrtc_failed', 'expected a=candidate, or a=ice-ufrag with a=ice-pwd');
    const expected = request.headers['if-match']?.trim();
    if (expected === undefined && player.isRestart(fragment)) {
      throw new Problem(428, 'bad_order', 'new ICE credentials restart ICE, which needs the header If-Match: *');
    }
    if (expected !== undefined && expected !== '*' && !namesOf(expected).includes(player.entityTag)) {
      throw new Problem(412, 'bad_order', `ICE was restarted: the entity tag is ${player.entityTag}, not ${expected}`);
    }
    const answer = await player.patch(fragment);
    if (answer === null) return reply.code(204).send();
    return withLinks(reply).code(200).type(FRAGMENT).header('etag', player.entityTag).send(answer);
  };

  const routes: FastifyPluginAsync = async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      [SDP, FRAGMENT],
      { parseAs: 'string', bodyLimit: deps.limits.offerCharacters },
      (_request, body, done) => done(null, body),
    );
    scope.setErrorHandler((cause: Error & { statusCode?: number }, request, reply) => {
      const error = asVisavisError(cause);
      const status = statusOf(error, cause.statusCode);
      if (status === 503) reply.header('retry-after', deps.retryAfterS());
      if (status === 415 && request.method === 'POST') reply.header('accept-post', SDP);
      if (status === 415 && request.method === 'PATCH') reply.header('accept-patch', FRAGMENT);
      if (status >= 500 && status !== 503) deps.log.error({ err: error }, 'player request failed');
      const code = error.code === 'internal' && status < 500 ? 'bad_message' : error.code;
      const problem = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail: error.message, code };
      return reply.code(status).type('application/problem+json').send(JSON.stringify(problem));
    });
    scope.post(ENDPOINT, post);
    scope.patch(RESOURCE, patch);
    scope.delete(RESOURCE, async (request: FastifyRequest<{ Params: { avatar: string; player: string } }>, reply) => {
      find(request.params);
      remove(request.params.player);
      return reply.code(200).send();
    });
    scope.options(ENDPOINT, (_request, reply) => withLinks(reply).header('accept-post', SDP).code(204).send());
    scope.options(RESOURCE, (_request, reply) => withLinks(reply).header('accept-patch', FRAGMENT).code(204).send());
    const refuseMethod = async (request: FastifyRequest, reply: FastifyReply, allowed: string) => {
      reply.header('allow', allowed);
      throw new Problem(405, 'bad_message', `${request.method} means nothing here; ${allowed} do`);
    };
    scope.route({
      method: ['GET', 'PUT', 'PATCH', 'DELETE'],
      url: ENDPOINT,
      handler: (request, reply) => refuseMethod(request, reply, 'OPTIONS, POST'),
    });
    scope.route({
      method: ['GET', 'PUT', 'POST'],
      url: RESOURCE,
      handler: (request, reply) => refuseMethod(request, reply, 'OPTIONS, PATCH, DELETE'),
    });
  };

  return {
    routes,
    find: (id) => players.get(id)?.player ?? null,
  };
};

const bodyOf = (request: FastifyRequest, type: string): string => {
  const got = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (got === type && typeof request.body === 'string') return request.body;
  throw new Problem(415, 'bad_message', `expected content of type ${type}, got ${got ?? 'none'}`);
};

const namesOf = (header: string): string[] => header.split(',').map((name) => name.trim());

/** Statuses of what can go wrong before an answer; other errors have their own, or are the server's fault. */
const STATUSES: Readonly<Partial<Record<VisavisError['code'], number>>> = {
  unauthorized: 401,
  forbidden_origin: 403,
  unknown_avatar: 404,
  unknown_voice: 404,
  bad_order: 409,
  webrtc_failed: 422,
  unsupported_media: 422,
  server_full: 503,
  shutting_down: 503,
};

const statusOf = (error: VisavisError, httpStatus: number | undefined): number =>
  error instanceof Problem ? error.status : (STATUSES[error.code] ?? httpStatus ?? 500);
