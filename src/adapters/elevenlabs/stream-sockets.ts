/**
 * ElevenLabs' WebSockets: `stream-input`, one text and its sound, and `multi-stream-input`, up to five at once
 * (elevenlabs.io/docs/api-reference/text-to-speech).
 */
import { VisavisError } from '../../errors.ts';
import type { Voice } from '../../models/inference.ts';
import type { AdapterSocket, Call, SocketPeer, SpeechHost } from '../core/adapter.ts';
import { Inactivity } from '../core/inactivity.ts';
import { readJson, readValue } from '../core/read-json.ts';
import { roomOn } from '../core/socket-output.ts';
import { readOutputFormat } from './output-format.ts';
import { SpokenContext, type StreamOptions } from './spoken-context.ts';
import { socketError } from './errors.ts';
import { type StreamMessage, streamMessage, streamQuery } from './stream-messages.ts';

const MAX_CONTEXTS = 5;
/** The id of text that names no context. */
const DEFAULT_CONTEXT = 'default';
const NORMAL = 1000;

/** What both sockets share: the query, the voice, sending, and the end. */
abstract class StreamSocket implements SocketPeer {
  protected readonly host: SpeechHost;
  protected readonly socket: AdapterSocket;
  protected readonly inactivity: Inactivity;
  readonly #voice: Voice;
  readonly #options: StreamOptions;
  #closed = false;

  constructor(host: SpeechHost, call: Call, socket: AdapterSocket, voice: Voice) {
    const query = readValue(streamQuery, call.query);
    this.host = host;
    this.socket = socket;
    this.#voice = voice;
    this.#options = {
      format: readOutputFormat(query.output_format),
      syncAlignment: query.sync_alignment,
      autoMode: query.auto_mode,
      seed: query.seed,
    };
    const seconds = query.inactivity_timeout;
    const expire = () =>
      this.end(new VisavisError('timeout', `no text has come for ${seconds} s; send a space to keep the socket open`));
    this.inactivity = new Inactivity(host.clock, seconds * 1000, () => this.busy(), expire);
  }

  abstract busy(): boolean;
  protected abstract take(message: StreamMessage): void;
  protected abstract closeAll(): void;

  onText(text: string): void {
    // A socket that is being closed may still bring messages.
    if (this.#closed) return;
    this.inactivity.touch();
    this.take(readJson(streamMessage, text));
  }

  onBinary(): void {
    throw new VisavisError('bad_message', 'expected JSON in text frames, got a binary frame');
  }

  onClose(): void {
    this.#closed = true;
    this.inactivity.stop();
    this.closeAll();
  }

  end(error: VisavisError): void {
    this.onClose();
    const { text, code } = socketError(error);
    this.socket.sendText(text);
    this.socket.close(code, error.code);
  }

  protected begin(
    first: StreamMessage,
    id: string | null,
    onDone: (failure: VisavisError | null) => void,
  ): SpokenContext {
    if (first.pronunciation_dictionary_locators && first.pronunciation_dictionary_locators.length > 0) {
      throw new VisavisError('bad_message', 'pronunciation dictionaries are not supported; leave their locators out');
    }
    // Clients read one spelling or the other.
    const about = id === null ? {} : { contextId: id, context_id: id };
    return new SpokenContext(this.host, {
      ...this.#options,
      voice: this.#voice,
      speed: first.voice_settings?.speed ?? undefined,
      schedule: first.generation_config?.chunk_length_schedule ?? null,
      room: (signal) => roomOn(this.socket, this.host, signal),
      send: (audio) => this.socket.sendText(JSON.stringify({ ...audio, ...about })),
      onDone: (failure) => {
        if (failure) this.socket.sendText(JSON.stringify({ ...JSON.parse(socketError(failure).text), ...about }));
        else this.socket.sendText(JSON.stringify({ isFinal: true, ...about }));
        onDone(failure);
      },
    });
  }
}

const forceOf = ({ flush, try_trigger_generation }: StreamMessage) => ({
  flush: flush === true,
  attempt: try_trigger_generation === true,
});

class SingleStream extends StreamSocket {
  #context: SpokenContext | null = null;

  busy(): boolean {
    return this.#context?.busy ?? false;
  }

  protected take(message: StreamMessage): void {
    if (this.#context?.ended) return;
    this.#context ??= this.begin(message, null, (failure) => {
      this.inactivity.stop();
      this.socket.close(failure ? socketError(failure).code : NORMAL, failure?.code ?? '');
    });
    if (message.text === '') this.#context.end();
    else this.#context.append(message.text ?? '', forceOf(message));
  }

  protected closeAll(): void {
    this.#context?.close();
  }
}

class MultiStream extends StreamSocket {
  readonly #contexts = new Map<string, SpokenContext>();
  #leaving = false;

  busy(): boolean {
    return this.#leaving || [...this.#contexts.values()].some((context) => context.busy);
  }

  protected take(message: StreamMessage): void {
    if (message.close_socket) {
      this.#leaving = true;
      for (const context of this.#contexts.values()) context.end();
      this.#leaveIfDone();
      return;
    }
    const id = message.context_id ?? DEFAULT_CONTEXT;
    const context = this.#contexts.get(id);
    if (message.close_context) {
      if (message.immediate && context) this.#drop(id, context);
      else this.#speak(message, id, context, true)?.end();
    } else {
      this.#speak(message, id, context, false);
    }
  }

  protected closeAll(): void {
    for (const context of this.#contexts.values()) context.close();
    this.#contexts.clear();
  }

  #speak(
    message: StreamMessage,
    id: string,
    known: SpokenContext | undefined,
    isLast: boolean,
  ): SpokenContext | undefined {
    const text = message.text ?? '';
    // Nothing to say to a context that is not there: a client keeps the socket alive, or closes what is over.
    if (!known && (text === '' || isLast)) return undefined;
    if (known && message.voice_settings) {
      throw new VisavisError('bad_order', `voice_settings belong into the first message of context "${id}"`);
    }
    if (known?.ended && text !== '') {
      throw new VisavisError(
        'bad_order',
        `context "${id}" is closed; wait for its isFinal, or choose another context_id`,
      );
    }
    const context = known ?? this.#open(message, id);
    if (!context.ended) context.append(text, forceOf(message));
    return context;
  }

  #open(message: StreamMessage, id: string): SpokenContext {
    if (this.#contexts.size >= MAX_CONTEXTS) {
      const way = `at most ${MAX_CONTEXTS} contexts may be open on a socket; close one of ${[...this.#contexts.keys()].join(', ')}`;
      throw new VisavisError('too_many_utterances', way);
    }
    const context = this.begin(message, id, () => {
      this.#contexts.delete(id);
      this.#leaveIfDone();
    });
    this.#contexts.set(id, context);
    return context;
  }

  #drop(id: string, context: SpokenContext): void {
    context.close();
    this.#contexts.delete(id);
    this.socket.sendText(JSON.stringify({ isFinal: true, contextId: id, context_id: id }));
  }

  #leaveIfDone(): void {
    if (this.#leaving && this.#contexts.size === 0) this.socket.close(NORMAL, '');
  }
}

/** Opens a socket for the voice of its path. @throws {VisavisError} */
export const openStream =
  (kind: 'single' | 'multi', voiceOf: (call: Call, host: SpeechHost) => Promise<Voice>) =>
  async (call: Call, socket: AdapterSocket, host: SpeechHost): Promise<SocketPeer> => {
    const voice = await voiceOf(call, host);
    return kind === 'single' ? new SingleStream(host, call, socket, voice) : new MultiStream(host, call, socket, voice);
  };
