/** The server's own routes and socket, described. */
import { z } from 'zod';
import type { AvatarInfo, VoiceInfo } from '../../models/inference.ts';
import { SUBPROTOCOL, clientMessageSchema, serverMessageSchema } from '../messages.ts';
import { whepProblemSchema, whepQuerySchema } from '../whep/whep-routes.ts';
import type { Answer, Channel, ChannelMessage, Operation } from './operation.ts';

const JSON_TYPE = 'application/json';
const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';

const voice = z.object({
  voice_id: z.string().describe('The name again, for clients of ElevenLabs'),
  category: z.string().describe('For clients of ElevenLabs'),
  name: z.string(),
  language: z.string().describe('BCP 47'),
  gender: z.string(),
  sampleRateHz: z.number(),
  description: z.string(),
  licence: z.string(),
}) satisfies z.ZodType<VoiceInfo>;

const avatar = z.object({
  name: z.string(),
  description: z.string(),
  size: z.number().describe('Width and height in pixels'),
  voice: z.string().describe('The voice that it has by itself'),
  licence: z.string(),
}) satisfies z.ZodType<AvatarInfo>;

const ready = z.object({
  status: z.enum(['ok', 'draining']),
  sessions: z.int(),
  maxSessions: z.int(),
});

const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

const json = (description: string, schema: z.ZodType): Answer => ({
  description,
  content: [{ type: JSON_TYPE, schema }],
});
const problem = (description: string): Answer => ({
  description,
  content: [{ type: 'application/problem+json', schema: whepProblemSchema }],
});

const GONE = problem('No such player: it was deleted, or its connection was lost');

export const ownOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/voices',
    tag: 'What is installed',
    summary: 'Lists the voices',
    answers: { 200: json('The voices', z.object({ voices: z.array(voice) })) },
  },
  {
    method: 'get',
    path: '/v1/avatars',
    tag: 'What is installed',
    summary: 'Lists the avatars',
    answers: { 200: json('The avatars', z.object({ avatars: z.array(avatar) })) },
  },
  {
    method: 'get',
    path: '/v1/avatars/{avatar}/portrait.png',
    tag: 'What is installed',
    summary: 'Shows an avatar at rest',
    answers: {
      200: { description: 'The portrait', content: [{ type: 'image/png' }] },
      404: json('There is no such avatar', failure),
    },
  },
  {
    method: 'post',
    path: '/v1/whep/{avatar}',
    tag: 'WHEP: players that only watch',
    summary: 'Begins a player: an SDP offer is answered',
    query: whepQuerySchema,
    body: [{ type: SDP }],
    answers: {
      201: {
        description: 'The SDP answer',
        content: [{ type: SDP }],
        headers: {
          Location: "The player's own URL; with ws: in place of http: it takes the messages of the session protocol",
          ETag: 'Names the ICE session',
          Link: 'ICE servers, as RFC 9725 §4.6 has them',
          'Accept-Patch': FRAGMENT,
        },
      },
      400: problem('No SDP offer, or a wrong query'),
      404: problem('No such avatar or voice'),
      415: problem(`The content type is not ${SDP}`),
      422: problem('The offer takes neither Opus nor VP8'),
      503: problem('The server is full, or about to stop: come back after Retry-After'),
    },
  },
  {
    method: 'patch',
    path: '/v1/whep/{avatar}/{player}',
    tag: 'WHEP: players that only watch',
    summary: 'Trickles candidates, or restarts ICE',
    headers: z.object({
      'If-Match': z.string().optional().describe('The entity tag; * to restart ICE with new credentials'),
    }),
    body: [{ type: FRAGMENT }],
    answers: {
      200: {
        description: 'ICE was restarted',
        content: [{ type: FRAGMENT }],
        headers: { ETag: 'Names the new ICE session' },
      },
      204: { description: 'The candidates were taken' },
      400: problem('No SDP fragment'),
      404: GONE,
      412: problem('The entity tag is an old one'),
      415: problem(`The content type is not ${FRAGMENT}`),
      428: problem('A restart needs If-Match'),
    },
  },
  {
    method: 'delete',
    path: '/v1/whep/{avatar}/{player}',
    tag: 'WHEP: players that only watch',
    summary: 'Ends a player',
    answers: { 200: { description: 'It was ended' }, 404: GONE },
  },
  {
    method: 'get',
    path: '/livez',
    tag: 'For operators',
    summary: 'Whether the process lives',
    answers: { 200: json('It does', z.object({ status: z.literal('ok') })) },
  },
  {
    method: 'get',
    path: '/readyz',
    tag: 'For operators',
    summary: 'Whether sessions can begin',
    answers: { 200: json('They can', ready), 503: json('The server is about to stop', ready) },
  },
  {
    method: 'get',
    path: '/metrics',
    tag: 'For operators',
    summary: 'Metrics in the Prometheus text format',
    answers: { 200: { description: 'The metrics', content: [{ type: 'text/plain' }] } },
  },
];

/** One message a member of a union, by its `type`. */
const messagesOf = (union: {
  readonly options: readonly (z.ZodType & { readonly shape: { readonly type: { readonly value: string } } })[];
}): ChannelMessage[] => union.options.map((schema) => ({ name: schema.shape.type.value, schema }));

const fromClient = messagesOf(clientMessageSchema);
const fromServer = messagesOf(serverMessageSchema);

export const ownChannels: readonly Channel[] = [
  {
    name: 'session',
    path: '/v1/session',
    summary: 'One socket is one session: one avatar, one voice at a time, utterances in order (docs/protocol.md)',
    subprotocol: SUBPROTOCOL,
    fromClient: [
      ...fromClient,
      { name: 'audio.append', summary: "Binary, kind 3: the client's own speech, which is played and moves the face" },
    ],
    fromServer: [...fromServer, { name: 'media', summary: 'Binary, kinds 1, 2 and 4: sound, motion and frames' }],
  },
  {
    name: 'player',
    path: '/v1/whep/{avatar}/{player}',
    summary: "Tells a WHEP player what to say; the path is the Location that the player's POST was answered with",
    subprotocol: SUBPROTOCOL,
    fromClient: fromClient.filter(({ name }) => name !== 'session.open'),
    fromServer,
  },
];
