/**
 * ElevenLabs' text-to-speech (elevenlabs.io/docs/api-reference/text-to-speech): the two WebSockets, the four HTTP requests
 * beside them, and the list of voices.
 */
import { z } from 'zod';
import type { VoiceInfo } from '../../models/inference.ts';
import { CONTENT_TYPES } from '../../stream/media/codecs/audio-stream.ts';
import { VisavisError } from '../../errors.ts';
import {
  type Adapter,
  type Call,
  type HttpAnswer,
  type HttpCall,
  type SpeechHost,
  jsonAnswer,
} from '../core/adapter.ts';
import { readJson } from '../core/read-json.ts';
import { type AudioEvent, audioBytes, primed, spokenAudio } from '../core/spoken-audio.ts';
import { CharacterFeed, type Characters } from './character-feed.ts';
import { httpError, socketError } from './errors.ts';
import { readOutputFormat } from './output-format.ts';
import { openStream } from './stream-sockets.ts';

/** ElevenLabs' own voice ids. They stand for the server's voice, unless the configuration gives them another. */
const FOREIGN_VOICES = /^[A-Za-z0-9]{20}$/;

const speechRequest = z.object({
  text: z.string().min(1),
  voice_settings: z.object({ speed: z.number().min(0.7).max(1.2).nullish() }).nullish(),
  seed: z.int().min(0).max(0xff_ff_ff_ff).nullish(),
  pronunciation_dictionary_locators: z
    .array(z.unknown())
    .max(0, 'pronunciation dictionaries are not supported')
    .nullish(),
});

const voiceOf = ({ name, description, language, gender }: VoiceInfo) => ({
  voice_id: name,
  name,
  category: 'premade',
  description,
  labels: { language, gender },
});

const toSeconds = (characters: Characters | null) =>
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

export const createElevenLabsAdapter = (host: SpeechHost): Adapter => {
  const voiceOfCall = ({ params }: Call) => host.voiceOf(params['voice'], FOREIGN_VOICES);

  const speak =
    (form: 'audio' | 'lines' | 'document') =>
    async (call: HttpCall): Promise<HttpAnswer> => {
      const { text, voice_settings, seed } = readJson(speechRequest, call.body);
      const format = readOutputFormat(call.query['output_format']);
      const voice = await voiceOfCall(call);
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
    };

  const path = '/v1/text-to-speech/:voice';
  return {
    name: 'elevenlabs',
    sockets: [
      { path: `${path}/stream-input`, open: openStream(host, 'single', voiceOfCall), fail: socketError },
      { path: `${path}/multi-stream-input`, open: openStream(host, 'multi', voiceOfCall), fail: socketError },
    ],
    routes: [
      { method: 'POST', path, speaks: true, handle: speak('audio') },
      { method: 'POST', path: `${path}/stream`, speaks: true, handle: speak('audio') },
      { method: 'POST', path: `${path}/with-timestamps`, speaks: true, handle: speak('document') },
      { method: 'POST', path: `${path}/stream/with-timestamps`, speaks: true, handle: speak('lines') },
      {
        method: 'GET',
        path: '/v2/voices',
        speaks: false,
        handle: () =>
          jsonAnswer({ voices: host.voices.map(voiceOf), has_more: false, total_count: host.voices.length }),
      },
      {
        method: 'GET',
        path: '/v1/voices/:voice',
        speaks: false,
        handle({ params }) {
          const voice = host.voices.find(({ name }) => name === params['voice']);
          if (voice) return jsonAnswer(voiceOf(voice));
          throw new VisavisError('unknown_voice', `there is no voice "${params['voice']}"; GET /v1/voices lists them`);
        },
      },
    ],
    fail: httpError,
  };
};
