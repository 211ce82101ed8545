/** The configuration: one tree, every field with its unit, bounds and default. */
import { z } from 'zod';

const inference = z
  .strictObject({
    provider: z.enum(['cpu', 'cuda']).default('cpu').describe('Execution provider of onnxruntime'),
    batch: z
      .strictObject({
        frames: z.int().min(1).max(64).default(1).describe('Frames of one run, at most; 1: each by itself'),
        waitMs: z.number().min(0).max(20).default(4).describe('How long the first frame waits for others'),
      })
      .prefault({})
      .describe(
        'Drawing frames of several sessions in one run, for renderers that can (docs/operations.md). Pays on GPUs, with one face worker',
      ),
    speechWorkers: z.int().min(1).max(64).default(1).describe('Threads that run voices'),
    faceWorkers: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe(
        'Threads that run motion and renderer. Default: as many as there are cores, less two, at least one; one where frames are drawn together',
      ),
  })
  .prefault({});

const video = z
  .strictObject({
    bitrateBps: z.int().min(50_000).max(5_000_000).default(500_000).describe('Target of the VP8 encoder'),
  })
  .prefault({});

const webrtc = z
  .strictObject({
    addresses: z
      .array(z.string())
      .default(['127.0.0.1'])
      .describe('Addresses offered to browsers beside those of the network interfaces'),
    portRange: z
      .tuple([z.int().min(1024).max(65_535), z.int().min(1024).max(65_535)])
      .optional()
      .describe('First and last UDP port; one is used a session and address. Default: any free one'),
    iceServers: z
      .array(
        z.strictObject({
          url: z.string().regex(/^(?:stuns?|turns?):[^\s<>"]+$/),
          username: z.string().optional(),
          credential: z.string().optional(),
        }),
      )
      .max(16)
      .default([])
      .describe('STUN and TURN servers that WHEP players are told of, such as {"url": "stun:stun.example.org"}'),
  })
  .prefault({});

const clients = z
  .strictObject({
    voices: z
      .record(z.string(), z.string())
      .default({})
      .describe('Voices by the names that clients of other services ask for, such as {"alloy": "rms"}'),
  })
  .prefault({});

const access = z
  .strictObject({
    keys: z
      .array(
        z
          .string()
          .min(8)
          .max(1_000)
          .regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces'),
      )
      .max(1_000)
      .default([])
      .describe(
        'API keys; a request has to show one of them. The environment variable VISAVIS_KEYS adds to them. Default: none is asked for',
      ),
    origins: z
      .array(z.union([z.literal(['*', 'null']), z.string().regex(/^https?:\/\/[^/\s]+$/)]))
      .max(1_000)
      .default(['*'])
      .describe('Pages that may ask, such as "https://example.org"; "*": all. The server\'s own pages always may'),
  })
  .prefault({});

const load = z
  .strictObject({
    admission: z
      .boolean()
      .default(true)
      .describe(
        'Refuse sessions (503) that the machine has no room for, by what sessions cost on it; an empty server takes any',
      ),
    share: z
      .number()
      .min(0.1)
      .max(1)
      .default(0.85)
      .describe("Part of the cores' and the workers' time that sessions are promised"),
    ladder: z
      .boolean()
      .default(true)
      .describe('Make less of the picture while frames are late, so that sound never is'),
  })
  .prefault({});

/** All that a client can make the server hold, read, wait for or do, in one place; `docs/limits.md` is made from it. */
const limits = z
  .strictObject({
    sessions: z.int().min(1).max(10_000).default(64).describe('Sessions at once, whatever they cost'),
    connections: z.int().min(1).max(100_000).default(1_024).describe('TCP connections at once, HTTP and WebSockets'),
    headerBytes: z.int().min(2_048).max(65_536).default(8_192).describe('Headers of one HTTP request'),
    headersMs: z
      .int()
      .min(1_000)
      .max(600_000)
      .default(10_000)
      .describe('How long the headers of a request may take to come'),
    requestMs: z.int().min(1_000).max(600_000).default(15_000).describe('How long a whole request may take to come'),
    openTimeoutMs: z.int().min(100).max(60_000).default(5_000).describe('Time until session.open has to come'),
    textCharacters: z
      .int()
      .min(100)
      .max(10_000_000)
      .default(200_000)
      .describe('Text of unfinished utterances of a session'),
    utterances: z.int().min(1).max(10_000).default(100).describe('Unfinished utterances of a session'),
    messageBytes: z
      .int()
      .min(1_024)
      .max(16_777_216)
      .default(1_048_576)
      .describe('One WebSocket message, one body of an HTTP request'),
    messageParts: z.int().min(1).max(65_536).default(256).describe('Fragments that one WebSocket message may come in'),
    messagesPerSecond: z
      .int()
      .min(10)
      .max(100_000)
      .default(1_000)
      .describe(
        'Messages of a WebSocket, chunks (RFC 9260) of data channels; twice as many may come at once, what is more is read later',
      ),
    earlyMessages: z.int().min(1).max(10_000).default(64).describe('Messages that may wait while a session opens'),
    offerCharacters: z
      .int()
      .min(1_024)
      .max(65_536)
      .default(32_768)
      .describe('One SDP offer; browsers send some 10,000'),
    candidates: z
      .int()
      .min(1)
      .max(1_024)
      .default(64)
      .describe('ICE candidates of one offer that are checked; further ones are left out'),
    dataChannels: z
      .int()
      .min(1)
      .max(1_024)
      .default(16)
      .describe('Data channels that a WebRTC viewer may open while its session lasts; one is read'),
    dataBytes: z
      .int()
      .min(65_536)
      .max(524_288)
      .default(262_144)
      .describe('Parts of messages of data channels that wait for others; one message may have 65,536 bytes'),
    playerSockets: z.int().min(1).max(1_024).default(8).describe('Sockets that are joined to one WHEP player'),
    keylessSockets: z
      .int()
      .min(1)
      .max(10_000)
      .default(64)
      .describe('Sockets whose first message has to bring an API key, and has not come'),
    wyomingConnections: z.int().min(1).max(100_000).default(256).describe('Connections to the Wyoming port at once'),
    wyomingIdleMs: z
      .int()
      .min(1_000)
      .max(3_600_000)
      .default(60_000)
      .describe('How long a Wyoming connection may say nothing while nothing is said to it'),
    recordedMs: z.int().min(1_000).max(600_000).default(60_000).describe('Client speech (audio.append) that waits'),
    pictureBytes: z
      .int()
      .min(1_024)
      .max(1_048_576)
      .default(65_536)
      .describe('One picture of a face to be imitated; browsers make some 15,000'),
    picturesPerSecond: z
      .int()
      .min(1)
      .max(100)
      .default(25)
      .describe(
        'Pictures of a face to be imitated of a session; twice as many may come at once, what is more is not read',
      ),
    unsentBytes: z
      .int()
      .min(65_536)
      .max(268_435_456)
      .default(2_097_152)
      .describe('Output that a socket may owe before media waits'),
    unreadMs: z
      .int()
      .min(1_000)
      .max(600_000)
      .default(15_000)
      .describe('How long a socket may owe that much before it is closed'),
    mediaPathMs: z
      .int()
      .min(1_000)
      .max(600_000)
      .default(20_000)
      .describe('How long a WebRTC session may be without a connection, at first or after losing it'),
    pingMs: z
      .int()
      .min(1_000)
      .max(600_000)
      .default(10_000)
      .describe('Between two pings; a socket that misses one is closed'),
  })
  .prefault({});

const pronunciations = z
  .record(z.string().max(35), z.record(z.string().min(1).max(60), z.string().min(1).max(1_000)))
  .default({})
  .describe(
    'How words are said: by language ("en", "en-US"), then by word, phonemes of the CMU dictionary: {"en": {"Nguyen": "W IH1 N"}}',
  );

/** What a model has to know to be heard and not read. */
const SYSTEM_PROMPT =
  'You are talking with someone face to face, and your words are spoken aloud. Answer in a few short, plain sentences, as ' +
  'people speak: no lists, no headings, no markup, no emoji, no links.';

const chat = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .describe('Address of an OpenAI-compatible API, such as http://127.0.0.1:11434/v1'),
    model: z.string().min(1).max(256).describe('Name of the model, as that API has it'),
    apiKeyVariable: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
      .optional()
      .describe('Environment variable that holds the API key; the key itself belongs in no file'),
    systemPrompt: z.string().max(100_000).default(SYSTEM_PROMPT),
    temperature: z.number().min(0).max(2).optional(),
    maxTokens: z.int().min(1).max(100_000).optional().describe('Of one answer'),
    historyCharacters: z
      .int()
      .min(200)
      .max(1_000_000)
      .default(16_000)
      .describe('What the model is told of a conversation; the oldest is forgotten first'),
    answerCharacters: z.int().min(100).max(100_000).default(8_000).describe('A longer answer is ended'),
    firstTokenMs: z
      .int()
      .min(100)
      .max(600_000)
      .default(60_000)
      .describe('How long the beginning of an answer may take'),
    stallMs: z.int().min(100).max(600_000).default(20_000).describe('How long an answer may stop in the middle'),
  })
  .optional()
  .describe('A language model that answers what users say; without it, the avatar says what it is told');

export const configSchema = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address to listen on'),
  port: z.int().min(0).max(65_535).default(8080).describe('TCP port; 0: any free one'),
  wyomingPort: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('TCP port of the Wyoming protocol (Home Assistant), usually 10200. Default: not served'),
  models: z.string().optional().describe('Folder of the models; default: the one that comes with the program'),
  voice: z.string().optional().describe("Voice of sessions that name none; default: the avatar's own"),
  voices: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .describe('Further voices by name: paths of .onnx files, or of folders with one, beside those in models/voices'),
  voiceCatalogue: z
    .url({ protocol: /^https?$/ })
    .default('https://huggingface.co/rhasspy/piper-voices/resolve/main/voices.json')
    .describe('Catalogue that `npm run voices -- add` fetches voices of Piper from'),
  avatar: z.string().default('alex').describe('Avatar of sessions that name none'),
  logLevel: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
  drainMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(25_000)
    .describe('After SIGTERM: how long speech may still go on; then all is over within 5 s'),
  inference,
  video,
  webrtc,
  chat,
  clients,
  access,
  load,
  limits,
  pronunciations,
});

/** The whole configuration, checked and complete. */
export type Config = z.infer<typeof configSchema>;
