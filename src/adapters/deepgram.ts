/** Deepgram's Speak (developers.deepgram.com/reference/text-to-speech): the WebSocket and `POST /v1/speak`. */
import { z } from 'zod';
import { type VisavisError, asVisavisError } from '../errors.ts';
import type { Voice } from '../models/inference.ts';
import { type AudioFormat, type AudioStreamOptions, CONTENT_TYPES } from '../stream/media/codecs/audio-stream.ts';
import {
  type Adapter,
  type AdapterSocket,
  type Call,
  type HttpAnswer,
  type HttpCall,
  type SocketFailure,
  type SocketPeer,
  type SpeechHost,
  jsonAnswer,
} from './core/adapter.ts';
import { BadField, readJson, readValue } from './core/read-json.ts';
import { roomOn } from './core/socket-output.ts';
import type { SpeechSession } from './core/speech-session.ts';
import { audioBytes, primed, spokenAudio } from './core/spoken-audio.ts';

/** Deepgram's own voices. They stand for the server's voice, unless the configuration gives them another. */
const FOREIGN_VOICES = /^aura-/;
const POLICY = 1008;
const INTERNAL = 1011;
const NORMAL = 1000;

const FORMATS: Readonly<Record<string, AudioFormat>> = {
  linear16: 'pcm',
  mulaw: 'ulaw',
  alaw: 'alaw',
  mp3: 'mp3',
  opus: 'opus',
  flac: 'flac',
  aac: 'aac',
};
/** Deepgram's defaults. */
const DEFAULT_RATES_HZ: Readonly<Record<string, number>> = {
  linear16: 24_000,
  mulaw: 8000,
  alaw: 8000,
  mp3: 22_050,
  opus: 48_000,
  flac: 48_000,
  aac: 22_050,
};

const model = z
  .string()
  .optional()
  .describe("A name of GET /v1/voices, an alias of the configuration, or one of Deepgram's aura-…");
const rate = z.coerce
  .number()
  .int()
  .min(8000)
  .max(48_000)
  .optional()
  .describe('Hz; default: 24,000, of mulaw and alaw 8,000');
const speed = z.coerce.number().min(0.7).max(1.5).optional();
const speakQuery = z.object({
  model,
  encoding: z.enum(['linear16', 'mulaw', 'alaw', 'mp3', 'opus', 'flac', 'aac']).default('mp3'),
  container: z.enum(['none', 'wav', 'ogg']).optional(),
  sample_rate: rate,
  bit_rate: z.coerce.number().int().min(4000).max(650_000).optional(),
  speed,
});
const streamQuery = z.object({
  model,
  encoding: z.enum(['linear16', 'mulaw', 'alaw']).default('linear16'),
  sample_rate: rate,
  speed,
});
const speakRequest = z.object({ text: z.string().min(1) });
const messages = {
  Speak: z.object({ type: z.literal('Speak'), text: z.string() }),
  Flush: z.object({ type: z.literal('Flush') }),
  Clear: z.object({ type: z.literal('Clear') }),
  Close: z.object({ type: z.literal('Close') }),
};
const message = z.discriminatedUnion('type', [messages.Speak, messages.Flush, messages.Clear, messages.Close]);

const metadata = z.object({
  type: z.literal('Metadata'),
  request_id: z.string(),
  model_name: z.string(),
  model_version: z.string(),
  model_uuid: z.string(),
});
const flushed = z.object({ type: z.literal('Flushed'), sequence_id: z.int() });
const cleared = z.object({ type: z.literal('Cleared'), sequence_id: z.int() });
const warning = z.object({ type: z.literal('Warning'), description: z.string(), code: z.string() });
const failure = z.object({ err_code: z.string(), err_msg: z.string(), request_id: z.string() });

const formatOf = ({ encoding, container, sample_rate, bit_rate }: z.infer<typeof speakQuery>): AudioStreamOptions => {
  const fitting = { linear16: ['wav', 'none'], opus: ['ogg'] }[encoding as string] ?? ['none'];
  if (container !== undefined && !fitting.includes(container)) {
    throw new BadField(
      `container: ${encoding} comes as ${fitting.join(' or ')} here, not as ${container}`,
      'container',
    );
  }
  const isWav = encoding === 'linear16' && container !== 'none';
  return {
    format: isWav ? 'wav' : FORMATS[encoding]!,
    sampleRateHz: sample_rate ?? DEFAULT_RATES_HZ[encoding]!,
    ...(bit_rate === undefined ? {} : { bitrateBps: bit_rate }),
  };
};

/** What is spoken until a `Clear`. */
interface Turn {
  readonly session: SpeechSession;
  readonly controller: AbortController;
}

/** A socket: text in, binary frames of raw sound out, in one voice. */
class SpeakStream implements SocketPeer {
  readonly #host: SpeechHost;
  readonly #socket: AdapterSocket;
  readonly #voice: Voice;
  readonly #query: z.infer<typeof streamQuery>;
  #turn: Turn | null = null;
  #flushes = 0;
  #told = 0;
  #isClosing = false;

  constructor(host: SpeechHost, call: Call, socket: AdapterSocket, voice: Voice) {
    this.#host = host;
    this.#socket = socket;
    this.#voice = voice;
    this.#query = readValue(streamQuery, call.query);
    const { name } = voice;
    const id = crypto.randomUUID();
    this.#send({ type: 'Metadata', request_id: id, model_name: name, model_version: '1', model_uuid: name });
  }

  busy(): boolean {
    return this.#turn?.session.busy ?? false;
  }

  onText(text: string): void {
    const received = readJson(message, text);
    if (this.#isClosing) return;
    switch (received.type) {
      case 'Speak':
        (this.#turn ?? this.#begin()).session.append(received.text);
        break;
      case 'Flush':
        this.#flushes += 1;
        (this.#turn ?? this.#begin()).session.flush();
        break;
      case 'Clear':
        this.#stop();
        this.#flushes = 0;
        this.#tell('Cleared');
        break;
      case 'Close':
        this.#isClosing = true;
        if (this.#turn) this.#turn.session.end();
        else this.#socket.close(NORMAL, '');
        break;
    }
  }

  onBinary(): void {
    throw new BadField('expected JSON in text frames, got a binary frame', null);
  }

  onClose(): void {
    this.#isClosing = true;
    this.#stop();
  }

  end(error: VisavisError): void {
    this.onClose();
    const { text, code } = socketError(error);
    this.#socket.sendText(text);
    this.#socket.close(code, error.code);
  }

  #begin(): Turn {
    const { encoding, sample_rate, speed } = this.#query;
    const sampleRateHz = sample_rate ?? DEFAULT_RATES_HZ[encoding]!;
    const session = this.#host.speak({ voice: this.#voice, sampleRateHz, speed });
    const turn = { session, controller: new AbortController() };
    this.#turn = turn;
    this.#speak(turn, { format: FORMATS[encoding]!, sampleRateHz }).catch((error: unknown) => {
      if (!turn.controller.signal.aborted) this.end(asVisavisError(error));
    });
    return turn;
  }

  async #speak({ session, controller }: Turn, format: AudioStreamOptions): Promise<void> {
    const { signal } = controller;
    for await (const event of spokenAudio(session, format, signal)) {
      if (event.kind === 'audio') {
        await roomOn(this.#socket, this.#host, signal);
        if (signal.aborted) return;
        this.#socket.sendBinary(event.bytes);
      } else if (event.kind === 'flushed' && this.#flushes > 0) {
        this.#flushes -= 1;
        this.#tell('Flushed');
      }
    }
    if (!signal.aborted) this.#socket.close(NORMAL, '');
  }

  #stop(): void {
    this.#turn?.controller.abort();
    this.#turn?.session.close();
    this.#turn = null;
  }

  #tell(type: 'Flushed' | 'Cleared'): void {
    this.#send({ type, sequence_id: this.#told });
    this.#told += 1;
  }

  #send(message: z.infer<typeof metadata | typeof flushed | typeof cleared>): void {
    this.#socket.sendText(JSON.stringify(message));
  }
}

const socketError = (error: VisavisError): SocketFailure => ({
  text: JSON.stringify({
    type: 'Warning',
    description: error.message,
    code: error.code,
  } satisfies z.infer<typeof warning>),
  code: error.code === 'internal' || error.code === 'inference_failed' ? INTERNAL : POLICY,
});

const voiceOf = ({ query }: Call, host: SpeechHost) => host.voiceOf(query['model'], FOREIGN_VOICES);

const speak = async (call: HttpCall, host: SpeechHost): Promise<HttpAnswer> => {
  const query = readValue(speakQuery, call.query);
  const { text } = readJson(speakRequest, call.body);
  const format = formatOf(query);
  const voice = await voiceOf(call, host);
  const session = host.speak({ voice, sampleRateHz: format.sampleRateHz, speed: query.speed });
  session.append(text);
  session.end();
  const events = await primed(spokenAudio(session, format, call.signal));
  const headers = {
    'dg-request-id': crypto.randomUUID(),
    'dg-model-name': voice.name,
    'dg-char-count': String(text.length),
  };
  return { type: CONTENT_TYPES[format.format], headers, body: audioBytes(events) };
};

/** Codes that Deepgram's clients know. */
const ERR_CODES: Readonly<Partial<Record<VisavisError['code'], string>>> = { unauthorized: 'INVALID_AUTH' };

export const deepgramAdapter: Adapter = {
  name: 'deepgram',
  title: 'Deepgram Speak',
  sockets: [
    {
      path: '/v1/speak',
      about: {
        name: 'deepgram.speak',
        summary: 'Deepgram Speak: text as it comes, raw sound in binary frames',
        query: streamQuery,
        fromClient: [
          { name: 'Speak', summary: 'More text', schema: messages.Speak, example: { type: 'Speak', text: 'Hello. ' } },
          { name: 'Flush', summary: 'Speak all of it now', schema: messages.Flush, example: { type: 'Flush' } },
          { name: 'Clear', summary: 'Be silent at once', schema: messages.Clear, example: { type: 'Clear' } },
          { name: 'Close', summary: 'Speak the rest, then close', schema: messages.Close, example: { type: 'Close' } },
        ],
        fromServer: [
          { name: 'Metadata', schema: metadata },
          { name: 'sound', summary: 'Raw sound, as the query asks for' },
          { name: 'Flushed', summary: 'All that was flushed has been sent', schema: flushed },
          { name: 'Cleared', summary: 'Nothing more comes of what was there before', schema: cleared },
          { name: 'Warning', summary: 'What went wrong; the socket closes', schema: warning },
        ],
      },
      open: async (call, socket, host) => new SpeakStream(host, call, socket, await voiceOf(call, host)),
      fail: socketError,
    },
  ],
  routes: [
    {
      method: 'POST',
      path: '/v1/speak',
      speaks: true,
      about: {
        summary: 'Speaks a text',
        query: speakQuery,
        body: [{ type: 'application/json', schema: speakRequest, example: { text: 'Hello, I am here.' } }],
        answers: {
          200: {
            description: 'The sound, as it is made',
            content: [...Object.values(FORMATS), 'wav' as const].map((format) => ({ type: CONTENT_TYPES[format] })),
            headers: {
              'dg-request-id': 'A new id',
              'dg-model-name': 'The voice',
              'dg-char-count': 'Characters of the text',
            },
          },
        },
      },
      handle: speak,
    },
  ],
  failure,
  refusals: [400, 404, 413, 429, 500, 503],
  fail: (error, status) =>
    jsonAnswer(
      {
        err_code: ERR_CODES[error.code] ?? error.code,
        err_msg: error.message,
        request_id: crypto.randomUUID(),
      } satisfies z.infer<typeof failure>,
      status,
    ),
};
