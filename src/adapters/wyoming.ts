/**
 * Wyoming, the protocol of Home Assistant's voice services (github.com/OHF-Voice/wyoming), over TCP: `describe`, `synthesize`,
 * and text as it comes, `synthesize-start`, `-chunk`, `-stop`.
 */
import { z } from 'zod';
import { VisavisError, asVisavisError } from '../errors.ts';
import type { Voice } from '../models/inference.ts';
import type { Link, LinkPeer, SpeechHost } from './core/adapter.ts';
import { readValue } from './core/read-json.ts';
import { roomOn } from './core/socket-output.ts';
import type { SpeechSession } from './core/speech-session.ts';
import { spokenAudio } from './core/spoken-audio.ts';
import { type WyomingEvent, WyomingReader, writeWyoming } from './wyoming-frames.ts';

/** Chunks of text that may wait while a voice is loaded. */
const MAX_EARLY = 64;

const voiceWish = z
  .object({ name: z.string().nullish(), language: z.string().nullish(), speaker: z.string().nullish() })
  .nullish();
const synthesize = z.object({ text: z.string(), voice: voiceWish });
const synthesizeStart = z.object({ voice: voiceWish });
const synthesizeChunk = z.object({ text: z.string() });

interface Turn {
  readonly controller: AbortController;
  /** Text that came before the voice was there. */
  readonly early: string[];
  session: SpeechSession | null;
  ended: boolean;
  /** Whether its text came in chunks. */
  readonly streamed: boolean;
}

/** One connection. It takes a place only while it speaks. */
export class WyomingConnection implements LinkPeer {
  readonly #host: SpeechHost;
  readonly #link: Link;
  readonly #reader: WyomingReader;
  #turn: Turn | null = null;
  #closed = false;

  constructor(host: SpeechHost, link: Link) {
    this.#host = host;
    this.#link = link;
    this.#reader = new WyomingReader(host.limits.messageBytes);
  }

  busy(): boolean {
    return this.#turn !== null;
  }

  onData(bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      for (const event of this.#reader.push(bytes)) this.#take(event);
    } catch (error) {
      // What follows a frame that cannot be read cannot be read either.
      this.end(asVisavisError(error));
    }
  }

  onClose(): void {
    this.#closed = true;
    this.#stop();
  }

  end(error: VisavisError): void {
    this.onClose();
    this.#fail(error);
    this.#link.close();
  }

  #take({ type, data }: WyomingEvent): void {
    switch (type) {
      case 'describe':
        this.#send('info', this.#info());
        break;
      case 'ping':
        this.#send('pong', data);
        break;
      case 'synthesize': {
        // Home Assistant sends the whole text once more for services that do not stream.
        if (this.#turn) return;
        const { text, voice } = readValue(synthesize, data);
        this.#begin(voice, false);
        this.#append(text);
        this.#end();
        break;
      }
      case 'synthesize-start':
        this.#stop();
        this.#begin(readValue(synthesizeStart, data).voice, true);
        break;
      case 'synthesize-chunk':
        this.#append(readValue(synthesizeChunk, data).text);
        break;
      case 'synthesize-stop':
        this.#end();
        break;
      // Events of other services, such as recorded sound, are not for a voice.
    }
  }

  #stop(): void {
    this.#turn?.controller.abort();
    this.#turn = null;
  }

  #begin(wish: z.infer<typeof voiceWish>, streamed: boolean): void {
    const turn: Turn = { controller: new AbortController(), early: [], session: null, ended: false, streamed };
    this.#turn = turn;
    this.#speak(turn, wish).catch((error: unknown) => {
      if (turn.controller.signal.aborted) return;
      this.#turn = null;
      this.#fail(asVisavisError(error));
      if (streamed) this.#send('synthesize-stopped', {});
    });
  }

  #append(text: string): void {
    const turn = this.#turn;
    if (!turn || turn.ended) return;
    if (turn.session) turn.session.append(text);
    else if (turn.early.length < MAX_EARLY) turn.early.push(text);
    else throw new VisavisError('too_many_utterances', 'wait for audio-start before sending so many chunks');
  }

  #end(): void {
    if (!this.#turn) return;
    this.#turn.ended = true;
    this.#turn.session?.end();
  }

  async #speak(turn: Turn, wish: z.infer<typeof voiceWish>): Promise<void> {
    const { signal } = turn.controller;
    const end = (error: VisavisError) => this.end(error);
    const leave = this.#host.enter({ busy: () => true, end });
    try {
      const voice = await this.#voiceOf(wish);
      signal.throwIfAborted();
      const rate = voice.sampleRateHz;
      const session = this.#host.speak({ voice, sampleRateHz: rate });
      turn.session = session;
      for (const text of turn.early) session.append(text);
      if (turn.ended) session.end();
      const format = { rate, width: 2, channels: 1 };
      this.#send('audio-start', { ...format, timestamp: 0 });
      let endMs = 0;
      for await (const event of spokenAudio(session, { format: 'pcm', sampleRateHz: rate }, signal)) {
        if (event.kind !== 'audio') continue;
        await roomOn(this.#link, this.#host, signal);
        if (signal.aborted) return;
        this.#send('audio-chunk', { ...format, timestamp: Math.round(endMs) }, event.bytes);
        ({ endMs } = event);
      }
      this.#send('audio-stop', { timestamp: Math.round(endMs) });
      if (turn.streamed) this.#send('synthesize-stopped', {});
      this.#turn = null;
    } finally {
      leave();
    }
  }

  #voiceOf(wish: z.infer<typeof voiceWish>): Promise<Voice> {
    const { name, language } = wish ?? {};
    if (name) return this.#host.voiceOf(name);
    const [prefix = ''] = (language ?? '').split(/[-_]/);
    const fitting = this.#host.voices.find((voice) => prefix !== '' && voice.language.startsWith(prefix));
    return this.#host.voiceOf(fitting?.name);
  }

  #info(): object {
    const attribution = { name: 'visavis', url: '' };
    const program = { attribution, installed: true, version: '1' };
    const voices = this.#host.voices.map(({ name, description, language }) => ({
      ...program,
      name,
      description: description || name,
      languages: [language],
      speakers: null,
    }));
    const tts = [
      { ...program, name: 'visavis', description: 'Speech of visavis', voices, supports_synthesize_streaming: true },
    ];
    return { tts, asr: [], handle: [], intent: [], wake: [], mic: [], snd: [] };
  }

  #fail({ code, message }: VisavisError): void {
    this.#send('error', { text: message, code });
  }

  #send(type: string, data: object, payload?: Uint8Array): void {
    this.#link.send(writeWyoming({ type, data, ...(payload ? { payload } : {}) }));
  }
}
