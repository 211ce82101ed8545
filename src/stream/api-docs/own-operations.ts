/** The server's own routes and socket, described. */
import { z } from 'zod';
import type { Answer, Channel, ChannelMessage, Operation, Param } from '../../api-description.ts';
import type { AvatarInfo, VoiceInfo } from '../../models/inference.ts';
import { SUBPROTOCOL, clientMessageSchema, serverMessageSchema } from '../messages.ts';
import { whepProblemSchema, whepQuerySchema } from '../whep/whep-routes.ts';

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
  maxSessions: z.int().describe('With a picture, on the empty server, by what they cost on this machine'),
  full: z.boolean().describe('Whether another session with a picture would be refused now'),
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

/** What every operation may answer that asks for a key. */
const refusals = { 401: json('No key, or a wrong one', failure), 403: json('A page that may not ask', failure) };
const whepRefusals = { 401: problem('No key, or a wrong one'), 403: problem('A page that may not ask') };

const avatarParam: Readonly<Record<string, Param>> = {
  avatar: { description: 'A name of GET /v1/avatars', example: 'alex' },
};
const playerParams: Readonly<Record<string, Param>> = {
  ...avatarParam,
  player: { description: 'The end of the Location that the POST was answered with' },
};

const GONE = problem('No such player: it was deleted, or its connection was lost');

export const ownOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/voices',
    tag: 'What is installed',
    summary: 'Lists the voices',
    answers: { 200: json('The voices', z.object({ voices: z.array(voice) })), ...refusals },
  },
  {
    method: 'get',
    path: '/v1/avatars',
    tag: 'What is installed',
    summary: 'Lists the avatars',
    answers: { 200: json('The avatars', z.object({ avatars: z.array(avatar) })), ...refusals },
  },
  {
    method: 'get',
    path: '/v1/avatars/{avatar}/portrait.png',
    tag: 'What is installed',
    summary: 'Shows an avatar at rest',
    params: avatarParam,
    answers: {
      ...refusals,
      200: { description: 'The portrait', content: [{ type: 'image/png' }] },
      404: json('There is no such avatar', failure),
    },
  },
  {
    method: 'post',
    path: '/v1/whep/{avatar}',
    tag: 'WHEP: players that only watch',
    summary: 'Begins a player: an SDP offer is answered',
    params: avatarParam,
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
      ...whepRefusals,
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
    params: playerParams,
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
      ...whepRefusals,
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
    params: playerParams,
    answers: { ...whepRefusals, 200: { description: 'It was ended' }, 404: GONE },
  },
  {
    method: 'get',
    path: '/livez',
    tag: 'For operators',
    summary: 'Whether the process lives',
    open: true,
    answers: { 200: json('It does', z.object({ status: z.literal('ok') })) },
  },
  {
    method: 'get',
    path: '/readyz',
    tag: 'For operators',
    summary: 'Whether sessions can begin',
    open: true,
    answers: { 200: json('They can', ready), 503: json('The server is about to stop', ready) },
  },
  {
    method: 'get',
    path: '/metrics',
    tag: 'For operators',
    summary: 'Metrics in the Prometheus text format',
    answers: { ...refusals, 200: { description: 'The metrics', content: [{ type: 'text/plain' }] } },
  },
  ...[
    { path: '/', summary: 'The page', type: 'text/html' },
    { path: '/docs', summary: 'This API, to read and to try', type: 'text/html' },
    { path: '/v1/openapi.json', summary: 'What there is over HTTP, as an OpenAPI document', type: JSON_TYPE },
    { path: '/v1/asyncapi.json', summary: 'What there is over WebSockets, as an AsyncAPI document', type: JSON_TYPE },
  ].map(({ path, summary, type }): Operation => ({
    method: 'get',
    path,
    tag: 'Pages and documents',
    summary,
    open: true,
    answers: { 200: { description: summary, content: [{ type }] } },
  })),
  {
    method: 'get',
    path: '/client/{file}',
    tag: 'Pages and documents',
    summary: 'The client library, and what the pages are made of',
    params: { file: { description: 'Its path', example: 'visavis.js' } },
    open: true,
    answers: {
      200: {
        description: 'The file',
        content: ['text/javascript', 'text/html', 'text/css', 'image/svg+xml'].map((type) => ({ type })),
      },
      404: json('There is no such file', failure),
    },
  },
];

/** Messages worth sending as they are. */
const EXAMPLES: readonly z.input<typeof clientMessageSchema>[] = [
  { type: 'session.open', media: { transport: 'websocket', audio: { codec: 'pcm_s16le' } } },
  { type: 'webrtc.candidate', candidate: null },
  { type: 'utterance.append', utterance: 'u1', text: 'Hello, I am here.' },
  { type: 'utterance.end', utterance: 'u1' },
  { type: 'interrupt' },
  { type: 'playback', mediaTimeMs: 1200 },
  { type: 'motion.set', rotation: { yaw: 10 }, gaze: { x: 0.2, y: 0 }, blendMs: 200, holdMs: 2000 },
  { type: 'chat', utterance: 'a1', text: 'How are you?' },
  { type: 'chat.clear' },
  { type: 'avatar.set', avatar: 'alex' },
  { type: 'voice.set', voice: 'rms', speed: 1.2 },
];

/** One message a member of a union, by its `type`. */
const messagesOf = (union: {
  readonly options: readonly (z.ZodType & { readonly shape: { readonly type: { readonly value: string } } })[];
}): ChannelMessage[] =>
  union.options.map((schema) => {
    const name = schema.shape.type.value;
    const example = EXAMPLES.find(({ type }) => type === name);
    return { name, schema, ...(example ? { example } : {}) };
  });

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
      { name: 'picture.append', summary: 'Binary, kind 5: a JPEG of a face, which the avatar imitates' },
    ],
    fromServer: [...fromServer, { name: 'media', summary: 'Binary, kinds 1, 2 and 4: sound, motion and frames' }],
  },
  {
    name: 'player',
    path: '/v1/whep/{avatar}/{player}',
    summary: "Tells a WHEP player what to say; the path is the Location that the player's POST was answered with",
    subprotocol: SUBPROTOCOL,
    params: playerParams,
    fromClient: fromClient.filter(({ name }) => name !== 'session.open'),
    fromServer,
  },
];
