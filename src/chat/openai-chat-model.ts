/**
 * A language model behind an OpenAI-compatible API: `POST {url}/chat/completions` with `stream: true`, as OpenAI, Ollama,
 * llama.cpp, vLLM and others serve it (https://platform.openai.com/docs/api-reference/chat/create).
 */
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { VisavisError, asVisavisError } from '../errors.ts';
import type { ChatMessage, ChatModel } from './chat-model.ts';
import { readEvents } from './server-sent-events.ts';
import { ThinkingFilter } from './thinking.ts';

/** Of an error's body, so much is read. */
const MAX_ERROR_BYTES = 4_096;
/** And so much is shown. */
const MAX_ERROR_CHARACTERS = 300;
/** The event that ends a stream. */
const DONE = '[DONE]';

export interface OpenAiChatOptions {
  /** Address of the API, such as `http://127.0.0.1:11434/v1`. */
  readonly url: string;
  readonly model: string;
  /** Sent as a bearer token; it appears in no message and no log. */
  readonly apiKey: string | null;
  readonly temperature?: number | undefined;
  readonly maxTokens?: number | undefined;
  /** How long the first piece may take, and how long the next ones. */
  readonly firstTokenMs: number;
  readonly stallMs: number;
  readonly clock: Clock;
}

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish() }).nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  error: z.unknown().optional(),
});

export const createOpenAiChatModel = (options: OpenAiChatOptions): ChatModel => ({
  name: options.model,
  answer: (messages, signal) => streamAnswer(options, messages, signal),
});

async function* streamAnswer(
  options: OpenAiChatOptions,
  messages: readonly ChatMessage[],
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const patience = new Patience(options.clock, signal);
  try {
    patience.wait(options.firstTokenMs, `the model has said nothing for ${options.firstTokenMs} ms`);
    const body = await request(options, messages, patience.signal);
    const filter = new ThinkingFilter();
    let isDone = false;
    for await (const data of readEvents(readAll(body, patience.signal))) {
      patience.wait(options.stallMs, `the model has stopped in the middle for ${options.stallMs} ms`);
      if (data === DONE) {
        isDone = true;
        break;
      }
      const { piece, finished } = readChunk(data, options.apiKey);
      isDone ||= finished;
      const text = filter.push(piece);
      if (text !== '') yield text;
    }
    const last = filter.flush();
    if (last !== '') yield last;
    if (!isDone)
      throw new VisavisError('chat_failed', 'the connection to the model broke off in the middle of its answer');
  } catch (error) {
    signal.throwIfAborted();
    if (patience.failure) throw patience.failure;
    throw error instanceof VisavisError ? error : brokenOff(error);
  } finally {
    patience.end();
  }
}

/** Aborts what takes too long, and what is not wanted any more. */
class Patience {
  failure: VisavisError | null = null;
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, outer: AbortSignal) {
    this.#clock = clock;
    this.#outer = outer;
    if (outer.aborted) this.#controller.abort(outer.reason);
    // Not `AbortSignal.any`: Node holds such a signal weakly, and forgets to abort it after a garbage collection.
    outer.addEventListener('abort', this.#follow);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts to wait anew. */
  wait(ms: number, complaint: string): void {
    this.#cancel();
    this.#cancel = this.#clock.at(this.#clock.nowMs() + ms, () => {
      this.failure = new VisavisError('chat_failed', `${complaint}; ask again, or try a smaller model`);
      this.#controller.abort(this.failure);
    });
  }

  /** Ends the wait, and the request if it still runs. */
  end(): void {
    this.#cancel();
    this.#outer.removeEventListener('abort', this.#follow);
    this.#controller.abort();
  }

  readonly #follow = (): void => this.#controller.abort(this.#outer.reason);
}

/**
 * The body until it ends or is aborted, which also ends its connection: `fetch` holds its signal weakly and does not
 * always hear of an abort once the answer's head is there.
 */
async function* readAll(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  const hangUp = () => {
    reader.cancel(signal.reason).catch(() => undefined);
  };
  signal.addEventListener('abort', hangUp);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', hangUp);
    hangUp();
  }
}

const request = async (
  { url, model, apiKey, temperature, maxTokens }: OpenAiChatOptions,
  messages: readonly ChatMessage[],
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> => {
  const response = await fetch(`${url.replace(/\/+$/, '')}/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify({
      model,
      messages,
      stream: true,
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    }),
    // The key belongs to this server alone.
    redirect: 'error',
    signal,
  });
  const type = response.headers.get('content-type') ?? 'nothing';
  if (response.ok && response.body && type.includes('text/event-stream')) return response.body;
  if (response.ok) {
    await response.body?.cancel();
    throw new VisavisError(
      'chat_failed',
      `the model's server was expected to answer with text/event-stream, got ${type}`,
    );
  }
  const said = messageOf(await beginningOf(response), apiKey);
  const refused = response.status === 401 || response.status === 403;
  const detail = refused ? ': it wants another API key' : said === '' ? '' : `: ${said}`;
  throw new VisavisError('chat_failed', `the model's server answered ${response.status}${detail}`);
};

/** What one event says. @throws {VisavisError} `chat_failed` */
const readChunk = (data: string, apiKey: string | null): { readonly piece: string; readonly finished: boolean } => {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (cause) {
    throw new VisavisError('chat_failed', "the model's server sent an event that is not JSON", { cause });
  }
  const chunk = chunkSchema.safeParse(value);
  if (!chunk.success) throw new VisavisError('chat_failed', "the model's server sent an event without choices");
  if (chunk.data.error !== undefined && chunk.data.error !== null) {
    throw new VisavisError('chat_failed', `the model failed: ${messageOf(data, apiKey)}`);
  }
  const choice = chunk.data.choices?.[0];
  return { piece: choice?.delta?.content ?? '', finished: typeof choice?.finish_reason === 'string' };
};

/** What an error's body says: `{"error": {"message"}}`, `{"error": "…"}`, or its text; never the key. */
const messageOf = (body: string, apiKey: string | null): string => {
  const message = z
    .union([
      z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
      z.object({ error: z.string() }).transform(({ error }) => error),
      z.object({ message: z.string() }).transform(({ message }) => message),
    ])
    .safeParse(parsed(body));
  const text = (message.success ? message.data : '').replaceAll(/\s+/g, ' ').trim();
  const safe = apiKey === null || apiKey === '' ? text : text.replaceAll(apiKey, '…');
  return safe.slice(0, MAX_ERROR_CHARACTERS);
};

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
};

const beginningOf = async (response: Response): Promise<string> => {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.length;
    if (bytes >= MAX_ERROR_BYTES) break;
  }
  return text;
};

const brokenOff = (cause: unknown): VisavisError => {
  const { message } = asVisavisError(cause);
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : message;
  return new VisavisError('chat_failed', `the model's server cannot be reached, or broke off: ${inner}`, { cause });
};
