/** Makes an AsyncAPI 3.0 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0) of WebSockets. */
import { z } from 'zod';
import { type Channel, type ChannelMessage, type Param, pathNames } from '../../api-description.ts';
import type { ApiInfo, Json } from './openapi.ts';
import { SECURITY_SCHEMES } from './security.ts';

/** The document, as JSON. What the server `receive`s is what a client sends. */
export const asyncApiDocument = (info: ApiInfo, host: string, channels: readonly Channel[]): Json => ({
  asyncapi: '3.0.0',
  info,
  defaultContentType: 'application/json',
  servers: {
    local: {
      host,
      protocol: 'ws',
      description: 'This server; wss behind a proxy with a certificate',
      security: Object.keys(SECURITY_SCHEMES.asyncApi).map((name) => ({
        $ref: `#/components/securitySchemes/${name}`,
      })),
    },
  },
  channels: Object.fromEntries(channels.map((channel) => [channel.name, channelObject(channel)])),
  operations: Object.fromEntries(
    channels.flatMap((channel) => [
      [`${channel.name}.receive`, operationObject('receive', channel, channel.fromClient)],
      [`${channel.name}.send`, operationObject('send', channel, channel.fromServer)],
    ]),
  ),
  components: { securitySchemes: SECURITY_SCHEMES.asyncApi },
});

/** Names of messages, which client and server may share. */
const keyOf = (action: 'receive' | 'send', { name }: ChannelMessage): string =>
  `${action === 'receive' ? 'client' : 'server'}.${name}`;

const channelObject = (channel: Channel): Json => {
  const { path, summary, subprotocol, params = {}, query, fromClient, fromServer } = channel;
  const names = pathNames(path);
  return {
    address: path,
    summary,
    ...(subprotocol === undefined ? {} : { description: `WebSocket subprotocol: ${subprotocol}` }),
    ...(names.length > 0
      ? { parameters: Object.fromEntries(names.map((name) => [name, parameterObject(params[name])])) }
      : {}),
    messages: Object.fromEntries([
      ...fromClient.map((message) => [keyOf('receive', message), messageObject(message, 'input')]),
      ...fromServer.map((message) => [keyOf('send', message), messageObject(message, 'output')]),
    ]),
    bindings: {
      ws: { method: 'GET', ...(query ? { query: schemaObject(query, 'input') } : {}), bindingVersion: '0.1.0' },
    },
  };
};

const parameterObject = ({ description, example }: Param = { description: '' }): Json => ({
  ...(description === '' ? {} : { description }),
  ...(example === undefined ? {} : { examples: [example] }),
});

const operationObject = (action: 'receive' | 'send', { name }: Channel, messages: readonly ChannelMessage[]): Json => ({
  action,
  channel: { $ref: `#/channels/${name}` },
  messages: messages.map((message) => ({ $ref: `#/channels/${name}/messages/${keyOf(action, message)}` })),
});

const messageObject = ({ name, summary, schema, example }: ChannelMessage, io: 'input' | 'output'): Json => ({
  name,
  ...(summary === undefined ? {} : { summary }),
  ...(example === undefined ? {} : { examples: [{ payload: example }] }),
  ...(schema
    ? { contentType: 'application/json', payload: schemaObject(schema, io) }
    : { contentType: 'application/octet-stream' }),
});

/** AsyncAPI has the schemas of JSON Schema draft 7. */
const schemaObject = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...object } = z.toJSONSchema(schema, { io, target: 'draft-7', unrepresentable: 'any' });
  return object;
};
