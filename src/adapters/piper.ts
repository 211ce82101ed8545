/** The HTTP server of Piper (OHF-Voice/piper1-gpl, docs/API_HTTP.md): text in JSON or plain, a WAV file out. */
import { z } from 'zod';
import type { OperationAbout } from '../api-description.ts';
import type { VisavisError } from '../errors.ts';
import { CONTENT_TYPES } from '../stream/media/codecs/audio-stream.ts';
import { type Adapter, type HttpAnswer, type HttpCall, type SpeechHost, jsonAnswer } from './core/adapter.ts';
import { BadField, readJson } from './core/read-json.ts';
import { audioBytes, primed, spokenAudio } from './core/spoken-audio.ts';

const synthesis = z.object({
  text: z.string(),
  voice: z.string().nullish().describe('A name of GET /voices, or an alias of the configuration'),
  length_scale: z.coerce
    .number()
    .min(0.25)
    .max(4)
    .nullish()
    .describe('Times the length of every sound: the inverse of speed'),
});
const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const voices = z.record(
  z.string(),
  z.object({
    audio: z.object({ sample_rate: z.number() }),
    language: z.object({ code: z.string() }),
    num_speakers: z.int(),
  }),
);

/** Scripts send JSON under any content type, and older ones the bare text. */
const readBody = (body: string): z.infer<typeof synthesis> =>
  body.trimStart().startsWith('{') ? readJson(synthesis, body) : { text: body };

const synthesize = async ({ body, signal }: HttpCall, host: SpeechHost): Promise<HttpAnswer> => {
  const { text, voice: name, length_scale } = readBody(body);
  if (text.trim() === '') throw new BadField('text: there is nothing to say', 'text');
  // Piper itself speaks with its own voice when it has not the one that is asked for; a wrong voice is an error here.
  const voice = await host.voiceOf(name ?? undefined);
  const { sampleRateHz } = voice;
  const session = host.speak({ voice, sampleRateHz, speed: 1 / (length_scale ?? 1) });
  session.append(text);
  session.end();
  const events = await primed(spokenAudio(session, { format: 'wav', sampleRateHz }, signal));
  return { type: CONTENT_TYPES.wav, body: audioBytes(events) };
};

const synthesisAbout: OperationAbout = {
  summary: 'Speaks a text',
  body: [
    { type: 'application/json', schema: synthesis, example: { text: 'Hello, I am here.' } },
    { type: 'text/plain', example: 'Hello, I am here.' },
  ],
  answers: { 200: { description: 'The sound, as it is made', content: [{ type: CONTENT_TYPES.wav }] } },
};

export const piperAdapter: Adapter = {
  name: 'piper',
  title: "Piper's HTTP server",
  sockets: [],
  routes: [
    { method: 'POST', path: '/', speaks: true, about: synthesisAbout, handle: synthesize },
    { method: 'POST', path: '/synthesize', speaks: true, about: synthesisAbout, handle: synthesize },
    {
      method: 'GET',
      path: '/voices',
      speaks: false,
      about: {
        summary: 'Lists the voices',
        answers: { 200: { description: 'By name', content: [{ type: 'application/json', schema: voices }] } },
      },
      handle: (_call, host) =>
        jsonAnswer(
          Object.fromEntries(
            host.voices.map(({ name, language, sampleRateHz }) => [
              name,
              { audio: { sample_rate: sampleRateHz }, language: { code: language }, num_speakers: 1 },
            ]),
          ) satisfies z.infer<typeof voices>,
        ),
    },
  ],
  failure,
  refusals: [400, 404, 413, 429, 500, 503],
  fail: ({ code, message }: VisavisError, status) => jsonAnswer({ error: { code, message } }, status),
};
