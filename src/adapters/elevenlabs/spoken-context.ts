/** One context: a stream of text and its sound, as ElevenLabs' messages. */
import { asVisavisError, type VisavisError } from '../../errors.ts';
import type { Voice } from '../../models/inference.ts';
import type { AudioStreamOptions } from '../../stream/media/codecs/audio-stream.ts';
import type { SpeechHost } from '../core/adapter.ts';
import type { SpeechSession } from '../core/speech-session.ts';
import { spokenAudio } from '../core/spoken-audio.ts';
import { CharacterFeed, type Characters } from './character-feed.ts';
import { GenerationSchedule } from './generation-schedule.ts';

/** What a socket's query says of all its contexts. */
export interface StreamOptions {
  readonly format: AudioStreamOptions;
  /** Characters come with the sound that they are in, at times of the context; else with the first sound of their text chunk. */
  readonly syncAlignment: boolean;
  /** Every message is a whole sentence or phrase. */
  readonly autoMode: boolean;
  readonly seed: number | undefined;
}

export interface ContextOptions extends StreamOptions {
  readonly voice: Voice;
  readonly speed: number | undefined;
  readonly schedule: readonly number[] | null;
  /** Resolves when the socket takes more. */
  readonly room: (signal: AbortSignal) => Promise<void>;
  readonly send: (message: object) => void;
  /** Everything has been sent, or it failed. */
  readonly onDone: (failure: VisavisError | null) => void;
}

/** It speaks from its first text until it is ended or closed. */
export class SpokenContext {
  readonly #options: ContextOptions;
  readonly #session: SpeechSession;
  readonly #schedule: GenerationSchedule;
  readonly #controller = new AbortController();
  #spaced = true;
  #ended = false;

  constructor(host: SpeechHost, options: ContextOptions) {
    this.#options = options;
    const { voice, speed, seed, format, schedule } = options;
    this.#session = host.speak({ voice, sampleRateHz: format.sampleRateHz, speed, seed });
    this.#schedule = new GenerationSchedule(options.autoMode ? null : schedule);
    this.#run().catch((error: unknown) => this.#fail(error));
  }

  get busy(): boolean {
    return this.#ended || this.#session.busy;
  }

  /** Whether no more text is taken. */
  get ended(): boolean {
    return this.#ended;
  }

  /** @throws {VisavisError} `text_too_long`, `too_many_utterances` */
  append(text: string, force: { readonly flush: boolean; readonly attempt: boolean }): void {
    // Lone spaces open and keep alive a context; between words they are text.
    const isText = text.trim() !== '' || !this.#spaced;
    if (isText && text !== '') this.#spaced = /\s$/.test(text);
    this.#session.append(this.#schedule.take(isText ? text : '', force));
    if (force.flush || (this.#options.autoMode && isText && text !== '')) this.#session.flush();
  }

  /** No more text: what has come is spoken, then `onDone` is called. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#session.append(this.#schedule.take('', { flush: true, attempt: false }));
    this.#session.end();
  }

  /** Stops at once, without a word. */
  close(): void {
    this.#ended = true;
    this.#controller.abort();
    this.#session.close();
  }

  async #run(): Promise<void> {
    const { format, syncAlignment, room, send, onDone } = this.#options;
    const { signal } = this.#controller;
    const characters = new CharacterFeed();
    for await (const event of spokenAudio(this.#session, format, signal)) {
      if (event.kind === 'text') characters.add(event);
      if (event.kind !== 'audio') continue;
      const alignment = toAlignment(syncAlignment ? characters.until(event.endMs) : characters.all());
      await room(signal);
      if (signal.aborted) return;
      const audio = Buffer.from(event.bytes).toString('base64');
      send({ audio, isFinal: null, alignment, normalizedAlignment: alignment });
    }
    if (!signal.aborted) onDone(null);
  }

  #fail(error: unknown): void {
    if (!this.#controller.signal.aborted) this.#options.onDone(asVisavisError(error));
  }
}

const toAlignment = (characters: Characters | null) =>
  characters && {
    chars: characters.chars,
    charStartTimesMs: characters.startsMs,
    charDurationsMs: characters.durationsMs,
  };
