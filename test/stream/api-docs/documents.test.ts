import { once } from 'node:events';
import { schemasWithoutId } from '@asyncapi/specs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../../config/load.ts';
import { systemClock } from '../../../src/clock.ts';
import { asyncApi, openApi } from '../../../src/stream/api-docs/documents.ts';
import { type Server, startServer } from '../../../src/stream/server.ts';
import { fakeMediaServer } from '../../support/fake-media.ts';
import { fakeFace, fakeInference, fakeVoice } from '../../support/fake-models.ts';
import { root } from '../../support/models.ts';

type Contents = Readonly<Record<string, { readonly schema?: object; readonly example?: unknown }>>;
interface Body {
  readonly content?: Contents;
}
interface Parameter {
  readonly name: string;
  readonly schema: object;
  readonly example?: string;
}
interface MessageObject {
  readonly payload?: object;
  readonly examples?: readonly { readonly payload: unknown }[];
}
interface ChannelObject {
  readonly address: string;
  readonly messages: Readonly<Record<string, MessageObject>>;
}
interface OperationObject {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
}

const http = openApi() as { readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>> };
const sockets = asyncApi('127.0.0.1:8080') as {
  readonly channels: Readonly<Record<string, ChannelObject>>;
};
const operations = Object.entries(http.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);
const channels = Object.entries(sockets.channels).map(([name, channel]) => ({ name, ...channel }));
const KEY = 'a-key-of-this-test';
const authorization = { authorization: `Bearer ${KEY}` };
const ajv2020 = formats.default(new Ajv2020({ strict: false }));
const ajv7 = formats.default(new Ajv({ strict: false }));

/** The path with something in its named parts. */
const filled = (path: string, parameters: readonly Parameter[] = []): string =>
  path.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => parameters.find((parameter) => parameter.name === name)?.example ?? 'nobody',
  );
/** A route as the server has it, as the documents have it: `GET /v1/voices/{voice}`. */
const asDocumented = (route: string): string => route.replace('*', ':file').replaceAll(/:(\w+)/g, '{$1}');
/** Every value that a schema gives itself, with that schema. */
const ownValues = (schema: unknown): (readonly [object, unknown])[] => {
  if (typeof schema !== 'object' || schema === null) return [];
  const { default: given, examples } = schema as { readonly default?: unknown; readonly examples?: unknown };
  const values = [...(given === undefined ? [] : [given]), ...(Array.isArray(examples) ? examples : [])];
  return [...values.map((value) => [schema, value] as const), ...Object.values(schema).flatMap(ownValues)];
};

/** Every `$ref` of a document. */
const refsOf = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) =>
        key === '$ref' && typeof inner === 'string' ? [inner] : refsOf(inner),
      );
const resolve = (document: unknown, ref: string): unknown =>
  ref
    .replace('#/', '')
    .split('/')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);

describe('the OpenAPI document', () => {
  test('is one of OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(http));

    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
  });

  test('has schemas that can be used, an example of every body, all that they allow, and an id for each operation', () => {
    for (const { operation } of operations) {
      const { requestBody, responses, parameters = [] } = operation;
      for (const body of [requestBody, ...Object.values(responses)]) {
        for (const { schema = {}, example } of Object.values(body?.content ?? {})) {
          const allows = ajv2020.compile(schema);
          if (example !== undefined) expect([example, allows(example)]).toEqual([example, true]);
          for (const [own, value] of ownValues(schema))
            expect([value, ajv2020.validate(own, value)]).toEqual([value, true]);
        }
      }
      for (const { schema, example } of parameters) {
        if (example !== undefined) expect([example, ajv2020.validate(schema, example)]).toEqual([example, true]);
        for (const [own, value] of ownValues(schema))
          expect([value, ajv2020.validate(own, value)]).toEqual([value, true]);
      }
      for (const content of Object.values(requestBody?.content ?? {})) {
        if (content.schema) expect([operation.operationId, content]).toMatchObject([{}, { example: {} }]);
      }
    }
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the AsyncAPI document', () => {
  test('is one of AsyncAPI 3.0', () => {
    const validate = new Ajv({ strict: false, logger: false, validateFormats: false }).compile(
      schemasWithoutId['3.0.0'] as unknown as object,
    );

    expect([validate(sockets), validate.errors]).toEqual([true, null]);
  });

  test('refers to nothing that is not there, and has schemas that can be used', () => {
    for (const ref of refsOf(sockets).filter((ref) => ref.startsWith('#/channels/'))) {
      expect([ref, typeof resolve(sockets, ref)]).toEqual([ref, 'object']);
    }
    const messages = Object.values(sockets.channels).flatMap((channel) => Object.values(channel.messages));
    for (const { payload = {}, examples = [] } of messages) {
      const allows = ajv7.compile(payload);
      for (const { payload: example } of examples) expect([example, allows(example)]).toEqual([example, true]);
      for (const [own, value] of ownValues(payload)) expect([value, ajv7.validate(own, value)]).toEqual([value, true]);
    }
    expect(messages.length).toBeGreaterThan(60);
  });

  test('takes the messages of the protocol and no others', () => {
    const append = ajv7.compile(sockets.channels['session']?.messages['client.utterance.append']?.payload ?? false);

    expect(append({ type: 'utterance.append', utterance: 'u1', text: 'Hello.' })).toBe(true);
    expect(append({ type: 'utterance.append', text: 'Hello.' })).toBe(false);
  });
});

describe('the documents, held against a server,', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({
      config: { ...loadConfig(undefined, { port: 0, wyomingPort: 0 }), access: { keys: [KEY], origins: ['*'] } },
      clock: systemClock,
      log: pino({ level: 'silent' }),
      // By the names of the examples.
      inference: fakeInference({ voice: fakeVoice('rms'), face: fakeFace('alex') }),
      media: fakeMediaServer(),
      chat: null,
      pageFolders: [`${root}/client`],
      portraitOf: () => `${root}/models/avatars/alex/portrait.png`,
    });
  });
  afterAll(() => server.close());

  test('are served, and say where the server is', async () => {
    const served = await (await fetch(`${server.address}/v1/openapi.json`)).json();
    const asynchronous = await (await fetch(`${server.address}/v1/asyncapi.json`)).json();

    expect(served).toEqual(JSON.parse(JSON.stringify(http)));
    expect(asynchronous).toMatchObject({ servers: { local: { host: new URL(server.address).host } } });
  });

  test('leave out nothing that is registered', async () => {
    const described = new Set([
      ...operations.map(({ method, path }) => `${method} ${path}`),
      ...channels.map(({ address }) => `WS ${address}`),
    ]);
    // HEAD is answered wherever GET is, OPTIONS wherever a page may ask.
    const missing = server.routes.filter(
      (route) => !/^(?:HEAD|OPTIONS) /.test(route) && !described.has(asDocumented(route)),
    );

    // Those that only say that another method is expected, or a WebSocket, are no operations.
    for (const route of missing) {
      const [method = '', path = ''] = asDocumented(route).split(' ');
      const { status } = await fetch(new URL(filled(path), server.address), { method, headers: authorization });
      expect([route, status]).toEqual([route, path === '/v1/session' ? 426 : 405]);
    }
    expect(described.size).toBe(server.routes.filter((route) => described.has(asDocumented(route))).length);
  });

  test.each(operations)('tell of $method $path only what it does', async ({ path, method, operation }) => {
    const { parameters, requestBody, responses } = operation;
    const address = new URL(filled(path, parameters), server.address);
    const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
    const ask = async (body: unknown, headers: Record<string, string>) => {
      const response = await fetch(address, {
        method,
        headers: { ...headers, ...(type ? { 'content-type': type } : {}) },
        ...(type ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
      });
      const contents = responses[response.status]?.content;
      expect(Object.keys(responses)).toContain(String(response.status));
      const got = response.headers.get('content-type')?.split(';')[0] ?? '';
      const text = await response.text();
      expect(text).not.toContain('nothing is at');
      if (text !== '') expect(Object.keys(contents ?? {})).toContain(got);
      const schema = contents?.[got]?.schema;
      if (schema && got.endsWith('json')) {
        // Some answers are a document a line.
        for (const line of text.trim().split(/\n(?=\{)/))
          expect([line, ajv2020.validate(schema, JSON.parse(line))]).toEqual([line, true]);
      }
      return response.status;
    };

    await ask({}, authorization);
    if (content?.example !== undefined) expect(await ask(content.example, authorization)).toBe(200);
    const isOpen = (operation as { readonly security?: readonly unknown[] }).security?.length === 0;
    if (!isOpen) expect(await ask({}, {})).toBe(401);
  });

  test.each(channels.filter(({ name }) => name.includes('.')))('tell of the messages of $name', async (channel) => {
    const { address, messages } = channel;
    const own = Object.entries(messages).filter(([key]) => key.startsWith('server.'));
    const allowed = own.flatMap(([, { payload }]) => (payload ? [ajv7.compile(payload)] : []));
    const url = new URL(
      filled(address, [{ name: 'voice', schema: {}, example: 'rms' }]),
      server.address.replace('http', 'ws'),
    );
    const came: string[] = [];
    const say = async (said: readonly unknown[]) => {
      const socket = new WebSocket(url, { headers: authorization });
      socket.on('message', (data: Buffer, binary) => binary || came.push(data.toString()));
      await once(socket, 'open');
      for (const message of said) socket.send(JSON.stringify(message));
      await once(socket, 'close');
    };
    // The last one ends what is said, and with it the socket.
    const examples = Object.entries(messages).flatMap(([key, { examples: given = [] }]) =>
      /^client\.(?!silence|Clear)/.test(key) ? given.map(({ payload }) => payload) : [],
    );

    await say(examples);
    await say([{ text: 7 }]);

    expect(came.length).toBeGreaterThan(2);
    for (const text of came) expect([text, allowed.some((allows) => allows(JSON.parse(text)))]).toEqual([text, true]);
  });
});
