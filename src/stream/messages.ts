/**
 * The messages of `/v1/session`, subprotocol `visavis.v1`: one schema each, from which the type and the published JSON
 * Schema come. Times are milliseconds of media time unless the name says otherwise.
 */
import { z } from 'zod';
import { VisavisError } from '../errors.ts';
import { GESTURES } from '../pipeline/gestures.ts';

/** The WebSocket subprotocol of this version. */
export const SUBPROTOCOL = 'visavis.v1';

const utteranceId = z.string().min(1).max(128).describe('Id of the utterance, chosen by the client');
const weight = z.number().min(0).max(1.5);
const degrees = z.number().min(-45).max(45);
const speed = z.number().min(0.5).max(2);
const rtpTimestamp = z.int().min(0).max(0xffffffff);

const media = z.strictObject({
  transport: z.enum(['webrtc', 'websocket']),
  audio: z
    .strictObject({
      codec: z.enum(['opus', 'pcm_s16le']).default('opus'),
      sampleRateHz: z
        .literal([8000, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
        .optional()
        .describe("Rate of PCM, both ways; default: the voice's own"),
    })
    .optional(),
  video: z.boolean().optional().describe('Whether frames are made; default: with WebRTC yes, with WebSocket no'),
  motion: z.boolean().default(false).describe('Whether motion descriptors are sent as binary frames of kind 2'),
  leadMs: z
    .number()
    .min(0)
    .max(60_000)
    .nullable()
    .default(500)
    .describe('WebSocket only: how far ahead of real time media may be sent; null: as fast as it is made'),
});

const sessionOpen = z.strictObject({
  type: z.literal('session.open'),
  voice: z.string().max(128).optional(),
  avatar: z.string().max(128).optional(),
  media,
  speed: speed.default(1),
  seed: z.int().min(0).max(0xffffffff).optional(),
  phonemes: z.boolean().optional().describe('Whether utterance.words tells the phonemes of each word; default false'),
});

const webrtcOffer = z.strictObject({ type: z.literal('webrtc.offer'), sdp: z.string().min(1).max(65_536) });

const webrtcCandidate = z.strictObject({
  type: z.literal('webrtc.candidate'),
  candidate: z
    .object({
      candidate: z.string().max(1024).optional(),
      sdpMid: z.string().max(64).nullish(),
      sdpMLineIndex: z.int().min(0).max(64).nullish(),
    })
    .nullable()
    .describe('RTCIceCandidateInit, or null when there are no more'),
});

const utteranceAppend = z.strictObject({
  type: z.literal('utterance.append'),
  utterance: utteranceId,
  text: z.string(),
});

const utteranceEnd = z.strictObject({ type: z.literal('utterance.end'), utterance: utteranceId });

const interrupt = z.strictObject({ type: z.literal('interrupt'), utterance: utteranceId.optional() });

const playback = z.strictObject({
  type: z.literal('playback'),
  mediaTimeMs: z.number().min(0).describe('Media time that is heard now'),
  shownTimeMs: z.number().min(0).optional().describe('Media time of the frame that is on the screen now'),
  skewMs: z.number().min(-60_000).max(60_000).optional().describe('How far the sound is ahead of the picture'),
  framesDropped: z.int().min(0).optional().describe('Frames since the last report that came too late to be shown'),
});

const motionSet = z.strictObject({
  type: z.literal('motion.set'),
  expression: z.record(z.string().max(64), weight).optional().describe('Weights by ARKit name'),
  rotation: z
    .strictObject({ yaw: degrees.optional(), pitch: degrees.optional(), roll: degrees.optional() })
    .optional()
    .describe("Degrees, added to the head's own movement"),
  gaze: z
    .strictObject({ x: z.number().min(-1).max(1), y: z.number().min(-1).max(1) })
    .optional()
    .describe("x > 0: to the person's left, y > 0: up"),
  gesture: z.enum(GESTURES).optional().describe('Played once, over the rest'),
  blendMs: z.number().min(0).max(10_000).optional(),
  holdMs: z.number().min(0).max(600_000).optional(),
});

const chat = z.strictObject({
  type: z.literal('chat'),
  utterance: utteranceId.describe('Id that the answer will have, chosen by the client'),
  text: z.string().describe('What the user says'),
});
const chatClear = z.strictObject({ type: z.literal('chat.clear') });

const avatarSet = z.strictObject({ type: z.literal('avatar.set'), avatar: z.string().max(128) });
const voiceSet = z.strictObject({
  type: z.literal('voice.set'),
  voice: z.string().max(128).optional().describe('Left out: the present one goes on'),
  speed: speed.optional().describe('Left out: as it is'),
});

/** Everything that a client may send as text. */
export const clientMessageSchema = z.discriminatedUnion('type', [
  sessionOpen,
  webrtcOffer,
  webrtcCandidate,
  utteranceAppend,
  utteranceEnd,
  interrupt,
  playback,
  motionSet,
  chat,
  chatClear,
  avatarSet,
  voiceSet,
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;
export type SessionOpen = z.infer<typeof sessionOpen>;

const limits = z.strictObject({
  maxTextCharacters: z.int().describe('Text of all utterances that are not finished'),
  maxUtterances: z.int().describe('Utterances that are not finished'),
  maxMessageBytes: z.int(),
});

const word = z.strictObject({
  text: z.string(),
  startMs: z.number(),
  endMs: z.number(),
  charStart: z.int(),
  charEnd: z.int(),
  phonemes: z
    .array(z.strictObject({ phoneme: z.string(), startMs: z.number(), endMs: z.number() }))
    .optional()
    .describe(
      "Where session.open asked for phonemes and the voice tells them: ARPAbet with stress for our English voices, the voice's own symbols for others",
    ),
});

/** Everything that the server sends as text. */
export const serverMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('session.opened'),
    session: z.string(),
    voice: z.string(),
    avatar: z.string(),
    fps: z.number(),
    size: z.int(),
    audio: z.strictObject({ codec: z.enum(['opus', 'pcm_s16le']), sampleRateHz: z.int() }),
    limits,
    chat: z
      .strictObject({ model: z.string() })
      .optional()
      .describe('The language model that answers `chat`, if the server has one'),
    imitation: z
      .strictObject({
        size: z.int().describe('Width and height of the pictures'),
        avatars: z.array(z.string()).describe('Whose faces the reader has learnt; it reads no others well'),
        maxPictureBytes: z.int(),
        maxPicturesPerSecond: z.int(),
      })
      .optional()
      .describe(
        'Pictures (binary frames of kind 5) whose face the avatar imitates, if the server has a reader of faces',
      ),
    ai: z.literal(true).describe('What is seen and heard is generated (EU AI Act, Article 50)'),
  }),
  z.strictObject({
    type: z.literal('webrtc.answer'),
    sdp: z.string(),
    mediaTimeBase: z
      .strictObject({ audio: rtpTimestamp, video: rtpTimestamp })
      .describe('RTP timestamps of media time 0: sound counts 48,000 ticks a second, the picture 90,000'),
  }),
  z.strictObject({ type: z.literal('utterance.started'), utterance: z.string(), startMs: z.number() }),
  z.strictObject({ type: z.literal('utterance.words'), utterance: z.string(), words: z.array(word) }),
  z.strictObject({
    type: z.literal('utterance.finished'),
    utterance: z.string(),
    reason: z.enum(['completed', 'interrupted']),
    spokenText: z.string(),
    durationMs: z.number(),
  }),
  z.strictObject({
    type: z.literal('chat.started'),
    utterance: z.string().describe('Id of the answer'),
    text: z.string().describe('What the user said'),
  }),
  z.strictObject({
    type: z.literal('chat.delta'),
    utterance: z.string(),
    text: z.string().describe("More of the model's answer, as it goes to the voice"),
  }),
  z.strictObject({
    type: z.literal('chat.finished'),
    utterance: z.string(),
    reason: z.enum(['completed', 'interrupted', 'failed']),
    text: z.string().describe('What was heard: all that the model will know of its answer'),
  }),
  z.strictObject({
    type: z.literal('stats'),
    textToAudioMs: z.number().nullable(),
    textToVideoMs: z.number().nullable(),
    fps: z.number(),
    lateFrames: z.int(),
    audioGaps: z.int().describe('Slots of 40 ms of silence that were put into speech since the session began'),
    degradation: z
      .enum(['none', 'fewer-frames', 'smaller', 'mouth-only', 'still'])
      .describe('How much of the picture a busy server leaves out; sound is whole on all of them'),
    lateStage: z
      .enum(['motion-queue', 'motion', 'render-queue', 'render', 'pipeline', 'encoder'])
      .nullable()
      .describe('What took the most time of the last late frame; null: none was late in the last second'),
    network: z
      .strictObject({
        targetBps: z.number().describe('What the network carries, by rate control'),
        videoBps: z.number().nullable().describe('What the picture is given of it'),
        roundTripMs: z.number().nullable(),
        loss: z.number().nullable().describe('Share of packets that the client missed, 0…1'),
      })
      .nullable()
      .describe('Of WebRTC sessions'),
  }),
  z.strictObject({
    type: z.literal('error'),
    code: z.string(),
    message: z.string(),
    fatal: z.boolean(),
    utterance: z.string().optional().describe('The utterance that it is about, if it is about one'),
  }),
]);
export type ServerMessage = z.infer<typeof serverMessageSchema>;

/**
 * Reads a text frame.
 * @throws {VisavisError} `bad_message`: what was expected, at which field, and what came.
 */
export const parseClientMessage = (frame: string): ClientMessage => {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch (cause) {
    throw new VisavisError('bad_message', `expected a JSON object with a "type", got ${excerpt(frame)}`, { cause });
  }
  const parsed = clientMessageSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const types = clientMessageSchema.options.map((option) => option.shape.type.value);
  const type: unknown = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  if (typeof type !== 'string' || !types.some((known) => known === type)) {
    throw new VisavisError(
      'bad_message',
      `expected a "type" of ${types.join(', ')}; got ${excerpt(JSON.stringify(type) ?? 'none')}`,
    );
  }
  const reasons = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'message'}: ${message}`);
  throw new VisavisError('bad_message', `${type}: ${reasons.join('; ')}`);
};

const excerpt = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);
