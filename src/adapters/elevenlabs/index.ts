/**
 * ElevenLabs' text-to-speech (elevenlabs.io/docs/api-reference/text-to-speech): the two WebSockets, the four HTTP requests
 * beside them, and the list of voices.
 */
import { z } from 'zod';
import type { VoiceInfo } from '../../models/inference.ts';
import { CONTENT_TYPES } from '../../stream/media/codecs/audio-stream.ts';
import { VisavisError } from '../../errors.ts';
import type { OperationAbout } from '../../api-description.ts';
import {
  type Adapter,
  type Call,
  type HttpAnswer,
  type HttpRoute,
  type SpeechHost,
  jsonAnswer,
} from '../core/adapter.ts';
import { readJson, readValue } from '../core/read-json.ts';
import { type AudioEvent, audioBytes, primed, spokenAudio } from '../core/spoken-audio.ts';
import { CharacterFeed, type Characters } from './character-feed.ts';
import { httpError, socketError } from './errors.ts';
import { FORMATS, outputFormatName, readOutputFormat } from './output-format.ts';
import { keyInMessage, multiStreamAbout, singleStreamAbout, voiceParam } from './stream-messages.ts';
import { openStream } from './stream-sockets.ts';

/** ElevenLabs' own voice ids. They stand for the server's voice, unless the configuration gives them another. */
const FOREIGN_VOICES = /^[A-Za-z0-9]{20}$/;

const speechRequest = z.object({
  text: z.string().min(1),
  voice_settings: z
    .object({ speed: z.number().min(0.7).max(1.2).nullish() })
    .nullish()
    .describe('The other settings are taken and have no effect'),
  seed: z.int().min(0).max(0xff_ff_ff_ff).nullish().describe('The same seed gives the same sound'),
  pronunciation_dictionary_locators: z
    .array(z.unknown())
    .max(0, 'pronunciation dictionaries are not supported')
    .nullish(),
});

const speechQuery = z.object({ output_format: outputFormatName });
const failure = z.object({
  detail: z.union([
    z.object({ status: z.string(), message: z.string() }),
    z.array(z.object({ loc: z.array(z.string()), msg: z.string(), type: z.string() })),
  ]),
});
const alignment = z
  .object({
    characters: z.array(z.string()),
    character_start_times_seconds: z.array(z.number()),
    character_end_times_seconds: z.array(z.number()),
  })
  .nullable();
const timed = z.object({ audio_base64: z.string(), alignment, normalized_alignment: alignment });
const voice = z.object({
  voice_id: z.string(),
  name: z.string(),
  category: z.string(),
  description: z.string(),
  labels: z.record(z.string(), z.string()),
});

const voiceOf = ({ name, description, language, gender }: VoiceInfo): z.infer<typeof voice> => ({
  voice_id: name,
  name,
  category: 'premade',
  description,
  labels: { language, gender },
});

const toSeconds = (characters: Characters | null): z.infer<typeof alignment> =>
  characters && {
    characters: characters.chars,
    character_start_times_seconds: characters.startsMs.map((ms) => ms / 1000),
    character_end_times_seconds: characters.startsMs.map((ms, i) => (ms + characters.durationsMs[i]!) / 1000),
  };

/** A JSON document a line, each with a piece of the sound and the characters that begin in it. */
async function* timedLines(events: AsyncIterable<AudioEvent>): AsyncGenerator<string, void> {
  const feed = new CharacterFeed();
  for await (const event of events) {
    if (event.kind === 'text') feed.add(event);
    if (event.kind !== 'audio') continue;
    const alignment = toSeconds(feed.until(event.endMs));
    const audio_base64 = Buffer.from(event.bytes).toString('base64');
    yield `${JSON.stringify({ audio_base64, alignment, normalized_alignment: alignment })}\n`;
  }
}

/** One JSON document, written as the sound is made. */
async function* timedDocument(events: AsyncIterable<AudioEvent>): AsyncGenerator<string, void> {
  const feed = new CharacterFeed();
  yield '{"audio_base64":"';
  // Base64 can be joined where a multiple of three bytes has been written.
  let rest: Uint8Array = new Uint8Array(0);
  for await (const event of events) {
    if (event.kind === 'text') feed.add(event);
    if (event.kind !== 'audio') continue;
    const bytes = Buffer.concat([rest, event.bytes]);
    const whole = bytes.length - (bytes.length % 3);
    rest = bytes.subarray(whole);
    yield bytes.toString('base64', 0, whole);
  }
  const alignment = JSON.stringify(toSeconds(feed.all()));
  yield `${Buffer.from(rest).toString('base64')}","alignment":${alignment},"normalized_alignment":${alignment}}`;
}

const voiceOfCall = ({ params }: Call, host: SpeechHost) => host.voiceOf(params['voice'], FOREIGN_VOICES);

const AUDIO_TYPES = [...new Set(FORMATS.map((format) => CONTENT_TYPES[format]))];

/** A request with a text, whose sound comes alone, as lines, or in one document. */
const speechRoute = (
  path: string,
  form: 'audio' | 'lines' | 'document',
  about: Pick<OperationAbout, 'summary' | 'answers'>,
): HttpRoute => ({
  method: 'POST',
  path,
  speaks: true,
  about: {
    ...about,
    params: voiceParam,
    query: speechQuery,
    body: [{ type: 'application/json', schema: speechRequest, example: { text: 'Hello, I am here.' } }],
  },
  async handle(call, host): Promise<HttpAnswer> {
    const { text, voice_settings, seed } = readJson(speechRequest, call.body);
    const format = readOutputFormat(readValue(speechQuery, call.query).output_format);
    const voice = await voiceOfCall(call, host);
    const speed = voice_settings?.speed ?? undefined;
    const session = host.speak({ voice, sampleRateHz: format.sampleRateHz, speed, seed: seed ?? undefined });
    session.append(text);
    session.end();
    const events = await primed(spokenAudio(session, format, call.signal));
    switch (form) {
      case 'audio':
        return { type: CONTENT_TYPES[format.format], body: audioBytes(events) };
      case 'lines':
        return { type: 'application/json', body: timedLines(events) };
      case 'document':
        return { type: 'application/json', body: timedDocument(events) };
    }
  },
});

const json = (description: string, schema: z.ZodType): OperationAbout['answers'] => ({
  200: { description, content: [{ type: 'application/json', schema }] },
});
const sound: OperationAbout['answers'] = {
  200: { description: 'The sound, as it is made', content: AUDIO_TYPES.map((type) => ({ type })) },
};

const path = '/v1/text-to-speech/:voice';

export const elevenLabsAdapter: Adapter = {
  name: 'elevenlabs',
  title: 'ElevenLabs text-to-speech',
  sockets: [
    {
      path: `${path}/stream-input`,
      about: singleStreamAbout,
      open: openStream('single', voiceOfCall),
      keyIn: keyInMessage,
      fail: socketError,
    },
    {
      path: `${path}/multi-stream-input`,
      about: multiStreamAbout,
      open: openStream('multi', voiceOfCall),
      keyIn: keyInMessage,
      fail: socketError,
    },
  ],
  routes: [
    speechRoute(path, 'audio', { summary: 'Speaks a text', answers: sound }),
    speechRoute(`${path}/stream`, 'audio', { summary: 'Speaks a text; the same as without /stream', answers: sound }),
    speechRoute(`${path}/with-timestamps`, 'document', {
      summary: 'Speaks a text, and tells when its characters are heard',
      answers: json('The sound and the times of its characters, as one document', timed),
    }),
    speechRoute(`${path}/stream/with-timestamps`, 'lines', {
      summary: 'Speaks a text, and tells when its characters are heard, as it is made',
      answers: json('A document a line, each with a piece of the sound and the characters that begin in it', timed),
    }),
    {
      method: 'GET',
      path: '/v2/voices',
      speaks: false,
      about: {
        summary: 'Lists the voices',
        answers: json('The voices', z.object({ voices: z.array(voice), has_more: z.boolean(), total_count: z.int() })),
      },
      handle: (_call, { voices }) =>
        jsonAnswer({ voices: voices.map(voiceOf), has_more: false, total_count: voices.length }),
    },
    {
      method: 'GET',
      path: '/v1/voices/:voice',
      speaks: false,
      about: {
        summary: 'Tells of a voice',
        params: voiceParam,
        answers: {
          ...json('The voice', voice),
          404: { description: 'There is no such voice', content: [{ type: 'application/json', schema: failure }] },
        },
      },
      handle({ params }, { voices }) {
        const found = voices.find(({ name }) => name === params['voice']);
        if (found) return jsonAnswer(voiceOf(found));
        throw new VisavisError('unknown_voice', `there is no voice "${params['voice']}"; GET /v1/voices lists them`);
      },
    },
  ],
  failure,
  refusals: [400, 404, 413, 422, 429, 500, 503],
  fail: httpError,
};
