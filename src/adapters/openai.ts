/**
 * OpenAI's speech API (platform.openai.com/docs/api-reference/audio/createSpeech): `POST /v1/audio/speech`, `GET /v1/models`,
 * and the list of voices that open servers of this API have added, `GET /v1/audio/voices`.
 */
import { z } from 'zod';
import type { VisavisError } from '../errors.ts';
import { CONTENT_TYPES } from '../stream/media/codecs/audio-stream.ts';
import { type Adapter, type HttpAnswer, type HttpCall, type SpeechHost, jsonAnswer } from './core/adapter.ts';
import { BadField, readJson } from './core/read-json.ts';
import { type AudioEvent, audioBytes, primed, spokenAudio } from './core/spoken-audio.ts';

/** What the API says of `pcm`, and clients rely on. */
const SAMPLE_RATE_HZ = 24_000;
/** The one model of this server; any other name is taken as well, because clients have theirs built in. */
const MODEL = 'visavis';
/** OpenAI counts 20 tokens for a second of sound. */
const MS_PER_TOKEN = 50;

const OPENAI_VOICES = /^(?:alloy|ash|ballad|cedar|coral|echo|fable|marin|nova|onyx|sage|shimmer|verse)$/;

const speechRequest = z.object({
  model: z.string().min(1).describe(`Any name; the only model is ${MODEL}`),
  input: z.string().min(1).describe('The text'),
  voice: z
    .union([z.string(), z.object({ id: z.string() })])
    .describe("A name of GET /v1/voices, an alias of the configuration, or one of OpenAI's names"),
  response_format: z.enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm']).default('mp3').describe('Mono, 24 kHz'),
  speed: z.number().min(0.25).max(4).default(1),
  stream_format: z.enum(['audio', 'sse']).default('audio').describe('sse: as events'),
  instructions: z
    .string()
    .optional()
    .describe('How to speak; taken and not followed: the voices have one way of speaking'),
  seed: z.int().min(0).max(0xff_ff_ff_ff).optional().describe("Not OpenAI's: the same seed gives the same sound"),
});

const failure = z.object({
  error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() }),
});
const model = z.object({ id: z.string(), object: z.literal('model'), created: z.int(), owned_by: z.string() });
const elevenLabsModel = z.object({
  model_id: z.string(),
  name: z.string(),
  can_do_text_to_speech: z.boolean(),
  languages: z.array(z.unknown()),
});

const errorBody = (error: VisavisError, status: number): z.infer<typeof failure> => ({
  error: {
    message: error.message,
    type: status >= 500 ? 'server_error' : 'invalid_request_error',
    param: error instanceof BadField ? error.field : error.code === 'unknown_voice' ? 'voice' : null,
    code: error.code === 'unauthorized' ? 'invalid_api_key' : error.code,
  },
});

async function* serverSentEvents(events: AsyncIterable<AudioEvent>, input: string): AsyncGenerator<string, void> {
  const send = (event: object) => `data: ${JSON.stringify(event)}\n\n`;
  let endMs = 0;
  for await (const event of events) {
    if (event.kind !== 'audio') continue;
    ({ endMs } = event);
    yield send({ type: 'speech.audio.delta', audio: Buffer.from(event.bytes).toString('base64') });
  }
  const input_tokens = input.split(/\s+/).filter(Boolean).length;
  const output_tokens = Math.ceil(endMs / MS_PER_TOKEN);
  const usage = { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens };
  yield send({ type: 'speech.audio.done', usage });
}

const speech = async ({ body, signal }: HttpCall, host: SpeechHost): Promise<HttpAnswer> => {
  const request = readJson(speechRequest, body);
  const { input, response_format: format, speed, seed, stream_format } = request;
  const name = typeof request.voice === 'string' ? request.voice : request.voice.id;
  const voice = await host.voiceOf(name, OPENAI_VOICES);
  const session = host.speak({ voice, sampleRateHz: SAMPLE_RATE_HZ, speed, seed });
  session.append(input);
  session.end();
  const events = await primed(spokenAudio(session, { format, sampleRateHz: SAMPLE_RATE_HZ }, signal));
  return stream_format === 'sse'
    ? { type: 'text/event-stream', body: serverSentEvents(events, input) }
    : { type: CONTENT_TYPES[format], body: audioBytes(events) };
};

const modelOf = ({ startedMs }: SpeechHost): z.infer<typeof model> => ({
  id: MODEL,
  object: 'model',
  created: Math.floor(startedMs / 1000),
  owned_by: MODEL,
});

const elevenLabsModels: z.infer<typeof elevenLabsModel>[] = [
  { model_id: MODEL, name: MODEL, can_do_text_to_speech: true, languages: [] },
];

const example: z.input<typeof speechRequest> = {
  model: MODEL,
  voice: 'alloy',
  input: 'Hello, I am here.',
  response_format: 'wav',
};

export const openAiAdapter: Adapter = {
  name: 'openai',
  title: 'OpenAI speech',
  sockets: [],
  routes: [
    {
      method: 'POST',
      path: '/v1/audio/speech',
      speaks: true,
      about: {
        summary: 'Speaks a text',
        body: [{ type: 'application/json', schema: speechRequest, example }],
        answers: {
          200: {
            description: 'The sound, or the events that carry it, as it is made',
            content: [
              ...speechRequest.shape.response_format
                .unwrap()
                .options.map((format) => ({ type: CONTENT_TYPES[format] })),
              { type: 'text/event-stream' },
            ],
          },
        },
      },
      handle: speech,
    },
    {
      method: 'GET',
      path: '/v1/models',
      speaks: false,
      about: {
        summary: 'Lists the one model',
        headers: z.object({
          'xi-api-key': z
            .string()
            .optional()
            .describe('Clients of ElevenLabs bring it, and get their form of the list'),
        }),
        answers: {
          200: {
            description: 'The list',
            content: [
              {
                type: 'application/json',
                schema: z.union([
                  z.object({ object: z.literal('list'), data: z.array(model) }),
                  z.array(elevenLabsModel),
                ]),
              },
            ],
          },
        },
      },
      // ElevenLabs has a list of models at the same path; its clients bring this header.
      handle: (call, host) =>
        jsonAnswer(
          call.header('xi-api-key') === undefined ? { object: 'list', data: [modelOf(host)] } : elevenLabsModels,
        ),
    },
    {
      method: 'GET',
      path: '/v1/models/:model',
      speaks: false,
      about: {
        summary: 'Tells of the one model',
        params: { model: { description: 'Its name', example: MODEL } },
        answers: {
          200: { description: 'The model', content: [{ type: 'application/json', schema: model }] },
          404: { description: 'There is no such model', content: [{ type: 'application/json', schema: failure }] },
        },
      },
      handle({ params }, host) {
        if (params['model'] === MODEL) return jsonAnswer(modelOf(host));
        const message = `there is no model "${params['model']}"; there is: ${MODEL}`;
        const code = 'model_not_found';
        return jsonAnswer({ error: { message, type: 'invalid_request_error', param: 'model', code } }, 404);
      },
    },
    {
      method: 'GET',
      path: '/v1/audio/voices',
      speaks: false,
      about: {
        summary: 'Lists the voices',
        answers: {
          200: {
            description: 'The voices',
            content: [
              {
                type: 'application/json',
                schema: z.object({ voices: z.array(z.object({ id: z.string(), name: z.string() })) }),
              },
            ],
          },
        },
      },
      handle: (_call, host) => jsonAnswer({ voices: host.voices.map(({ name }) => ({ id: name, name })) }),
    },
  ],
  failure,
  refusals: [400, 413, 429, 500, 503],
  // A voice that is not there is a wrong parameter here, not a missing page.
  fail: (error, status) => {
    const own = error.code === 'unknown_voice' ? 400 : status;
    return jsonAnswer(errorBody(error, own), own);
  },
};
