/** The HTTP server of Piper (OHF-Voice/piper1-gpl, docs/API_HTTP.md): text in JSON or plain, a WAV file out. */
import { z } from 'zod';
import { VisavisError } from '../errors.ts';
import { CONTENT_TYPES } from '../stream/media/codecs/audio-stream.ts';
import { type Adapter, type HttpAnswer, type HttpCall, type SpeechHost, jsonAnswer } from './core/adapter.ts';
import { BadField, readJson } from './core/read-json.ts';
import { audioBytes, primed, spokenAudio } from './core/spoken-audio.ts';

const synthesis = z.object({
  text: z.string(),
  voice: z.string().nullish(),
  /** Times the length of every sound: the inverse of speed. */
  length_scale: z.coerce.number().min(0.25).max(4).nullish(),
});

/** Scripts send JSON under any content type, and older ones the bare text. */
const readBody = (body: string): z.infer<typeof synthesis> =>
  body.trimStart().startsWith('{') ? readJson(synthesis, body) : { text: body };

export const createPiperAdapter = (host: SpeechHost): Adapter => {
  const synthesize = async ({ body, signal }: HttpCall): Promise<HttpAnswer> => {
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

  return {
    name: 'piper',
    sockets: [],
    routes: [
      { method: 'POST', path: '/', speaks: true, handle: synthesize },
      { method: 'POST', path: '/synthesize', speaks: true, handle: synthesize },
      {
        method: 'GET',
        path: '/voices',
        speaks: false,
        handle: () =>
          jsonAnswer(
            Object.fromEntries(
              host.voices.map(({ name, language, sampleRateHz }) => [
                name,
                { audio: { sample_rate: sampleRateHz }, language: { code: language }, num_speakers: 1 },
              ]),
            ),
          ),
      },
    ],
    fail: ({ code, message }: VisavisError, status) => jsonAnswer({ error: { code, message } }, status),
  };
};
