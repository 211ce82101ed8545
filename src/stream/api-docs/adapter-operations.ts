/** The routes and sockets of the adapters, described by themselves. */
import type { Adapter, HttpRoute } from '../../adapters/core/adapter.ts';
import { ADAPTERS } from '../../adapters/index.ts';
import { type Answer, type Channel, type Operation, inBraces } from '../../api-description.ts';

/** What the statuses mean that many routes have. */
const REFUSALS: Readonly<Record<number, string>> = {
  400: 'Something is wrong with the request; the message says what',
  401: 'No key, or a wrong one',
  403: 'A page that may not ask',
  404: 'There is no such voice',
  413: 'The request is too long',
  422: 'A field is wrong; the message says which',
  429: 'Too much is waiting to be said',
  500: 'The server has failed',
  503: 'All places are taken, or the server is about to stop: come back after Retry-After',
};

const refusal = (adapter: Adapter, status: number): Answer => ({
  description: REFUSALS[status] ?? 'Refused',
  content: [{ type: 'application/json', schema: adapter.failure }],
});

const operationOf = (adapter: Adapter, { method, path, speaks, about }: HttpRoute): Operation => {
  const statuses = [401, 403, ...(speaks ? adapter.refusals : [])];
  return {
    ...about,
    method: method === 'GET' ? 'get' : 'post',
    path: inBraces(path),
    tag: adapter.title,
    answers: {
      ...Object.fromEntries(statuses.map((status) => [status, refusal(adapter, status)])),
      ...about.answers,
    },
  };
};

export const adapterOperations: readonly Operation[] = ADAPTERS.flatMap((adapter) =>
  adapter.routes.map((route) => operationOf(adapter, route)),
);

export const adapterChannels: readonly Channel[] = ADAPTERS.flatMap(({ sockets }) =>
  sockets.map(({ path, about }) => ({ ...about, path: inBraces(path) })),
);
