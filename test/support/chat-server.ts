/** A server that speaks the OpenAI chat API over real HTTP, and does what a test tells it. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the next request gets. */
export type ChatReply =
  /** An answer, a piece every `paceMs`; `cutAfter`: the connection breaks after so many pieces; `hold`: it stays silent then. */
  | {
      readonly pieces: readonly string[];
      readonly paceMs?: number;
      readonly headersMs?: number;
      readonly cutAfter?: number;
      readonly hold?: boolean;
    }
  | { readonly status: number; readonly body: string; readonly type?: string }
  /** The body as it is. */
  | { readonly raw: string };

export interface ChatRequest {
  readonly authorization: string | undefined;
  readonly body: { readonly model: string; readonly stream: boolean; readonly messages: readonly ChatTurn[] };
  /** Whether the client went away before the answer's end. */
  aborted: boolean;
}

interface ChatTurn {
  readonly role: string;
  readonly content: string;
}

export interface ChatServer extends AsyncDisposable {
  /** Address of the API. */
  readonly url: string;
  readonly requests: ChatRequest[];
  /** What the next requests get, one each; the last one for all that follow. */
  replies: ChatReply[];
}

export const startChatServer = async (...replies: ChatReply[]): Promise<ChatServer> => {
  const requests: ChatRequest[] = [];
  const state = { replies };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    for await (const bytes of request) text += String(bytes);
    const body = JSON.parse(text) as ChatRequest['body'];
    const record: ChatRequest = { authorization: request.headers.authorization, body, aborted: false };
    requests.push(record);
    response.on('close', () => {
      record.aborted = !response.writableFinished;
    });
    const reply = (state.replies.length > 1 ? state.replies.shift() : state.replies[0]) ?? { pieces: [] };
    if (request.method !== 'POST' || request.url !== '/v1/chat/completions') response.writeHead(404).end();
    else await send(reply, response, body.model);
  };
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    get replies() {
      return state.replies;
    },
    set replies(next) {
      state.replies = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const send = async (reply: ChatReply, response: ServerResponse, model: string): Promise<void> => {
  if ('status' in reply) {
    response.writeHead(reply.status, { 'content-type': reply.type ?? 'application/json' }).end(reply.body);
    return;
  }
  const stream = { 'content-type': 'text/event-stream; charset=utf-8' };
  if ('raw' in reply) {
    response.writeHead(200, stream).end(reply.raw);
    return;
  }
  await wait(reply.headersMs ?? 0);
  response.writeHead(200, stream).flushHeaders();
  const event = (delta: object, finishReason: string | null) =>
    `data: ${JSON.stringify({ object: 'chat.completion.chunk', model, choices: [{ index: 0, delta, finish_reason: finishReason }] })}\n\n`;
  response.write(event({ role: 'assistant', content: '' }, null));
  for (const piece of reply.pieces.slice(0, reply.cutAfter)) {
    response.write(event({ content: piece }, null));
    await wait(reply.paceMs ?? 0);
    if (response.destroyed) return;
  }
  if (reply.cutAfter !== undefined) response.destroy();
  else if (!reply.hold) response.end(`${event({}, 'stop')}data: [DONE]\n\n`);
};
