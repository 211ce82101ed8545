/** The server as adapters see it: voices by name, speech, and places. */
import type { Logger } from 'pino';
import type { Config } from '../../../config/schema.ts';
import type { Clock } from '../../clock.ts';
import { defaultVoice } from '../../models/default-voice.ts';
import type { Inference } from '../../models/inference.ts';
import type { Guest, SpeechHost } from './adapter.ts';
import { type SpeechMeter, SpeechSession } from './speech-session.ts';

export interface SpeechHostDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly inference: Inference;
  readonly meter: Omit<SpeechMeter, 'nowMs'>;
  /** Takes one of the server's places until the function that it gives is called. @throws {VisavisError} why none is given */
  readonly takePlace: () => () => void;
}

/** A host, and its guests. */
export const createSpeechHost = (
  deps: SpeechHostDeps,
): { readonly host: SpeechHost; readonly guests: ReadonlySet<Guest> } => {
  const { config, clock, log, inference } = deps;
  const { limits, clients } = config;
  const guests = new Set<Guest>();
  const ownVoice = defaultVoice(inference, config);
  const installed = new Set(inference.voices.map(({ name }) => name));
  const meter: SpeechMeter = { ...deps.meter, nowMs: () => clock.nowMs() };

  const host: SpeechHost = {
    clock,
    log,
    startedMs: clock.wallMs(),
    limits,
    voices: inference.voices,
    voiceOf(name, foreign) {
      if (name === undefined || name === '') return inference.voice(ownVoice);
      const alias = clients.voices[name];
      if (alias !== undefined) return inference.voice(alias);
      return inference.voice(!installed.has(name) && foreign?.test(name) ? ownVoice : name);
    },
    speak: ({ voice, sampleRateHz, speed = 1, seed = crypto.getRandomValues(new Uint32Array(1))[0]! }) =>
      new SpeechSession({
        voice,
        sampleRateHz,
        speed,
        seed,
        maxCharacters: limits.textCharacters,
        maxFlushes: limits.utterances,
        meter,
      }),
    enter(guest) {
      const leave = deps.takePlace();
      guests.add(guest);
      return () => {
        if (guests.delete(guest)) leave();
      };
    },
  };
  return { host, guests };
};
