import { schemasWithoutId } from '@asyncapi/specs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../config/load.ts';
import { systemClock } from '../../../src/clock.ts';
import { asyncApi, openApi } from '../../../src/stream/api-docs/documents.ts';
import { type Server, startServer } from '../../../src/stream/server.ts';
import { fakeMediaServer } from '../../support/fake-media.ts';
import { fakeInference } from '../../support/fake-models.ts';
import { root } from '../../support/models.ts';

interface Body {
  readonly content?: Readonly<Record<string, { readonly schema?: object; readonly example?: unknown }>>;
}
interface OperationObject {
  readonly operationId: string;
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
}

const http = openApi() as { readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>> };
const sockets = asyncApi('127.0.0.1:8080') as {
  readonly channels: Readonly<Record<string, { readonly messages: Readonly<Record<string, { payload?: object }>> }>>;
};
const operations = Object.entries(http.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);
const ajv2020 = formats.default(new Ajv2020({ strict: false }));
const ajv7 = formats.default(new Ajv({ strict: false }));

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

  test('has schemas that can be used, examples that they allow, and an id for each operation', () => {
    for (const { operation } of operations) {
      for (const body of [operation.requestBody, ...Object.values(operation.responses)]) {
        for (const { schema, example } of Object.values(body?.content ?? {})) {
          const allows = ajv2020.compile(schema ?? {});
          if (example !== undefined) expect([example, allows(example)]).toEqual([example, true]);
        }
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
    for (const { payload } of messages) ajv7.compile(payload ?? {});
    expect(messages.length).toBeGreaterThan(40);
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
      config: loadConfig(undefined, { port: 0, voice: 'fake', avatar: 'fake' }),
      clock: systemClock,
      log: pino({ level: 'silent' }),
      inference: fakeInference(),
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

  test.each(operations)('tell of $method $path only what it does', async ({ path, method, operation }) => {
    const address = new URL(path.replaceAll(/\{\w+\}/g, 'fake'), server.address);
    const [type] = Object.keys(operation.requestBody?.content ?? {});

    const response = await fetch(address, {
      method,
      ...(type ? { headers: { 'content-type': type }, body: '{}' } : {}),
    });

    const contents = operation.responses[response.status]?.content;
    expect(Object.keys(operation.responses)).toContain(String(response.status));
    const got = response.headers.get('content-type')?.split(';')[0] ?? '';
    const body = await response.text();
    expect(body).not.toContain('nothing is at');
    if (body !== '') expect(Object.keys(contents ?? {})).toContain(got);
    const schema = contents?.[got]?.schema;
    if (schema && got.endsWith('json')) expect(ajv2020.validate(schema, JSON.parse(body))).toBe(true);
  });
});
