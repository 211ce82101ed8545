/** The server's API as OpenAPI and AsyncAPI documents. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.ts';
import { adapterChannels, adapterOperations } from './adapter-operations.ts';
import { asyncApiDocument } from './asyncapi.ts';
import { type ApiInfo, type Json, openApiDocument } from './openapi.ts';
import { ownChannels, ownOperations } from './own-operations.ts';

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { readonly version: string };

const info = (title: string): ApiInfo => ({
  title,
  version,
  description:
    'A talking avatar, served live: text in, a person answers out loud. All that is heard and seen is AI-generated.',
});

/** Everything over HTTP. */
export const openApi = (): Json => openApiDocument(info('visavis over HTTP'), [...ownOperations, ...adapterOperations]);

/** Everything over WebSockets. @param host - Where the server is, such as `127.0.0.1:8080`. */
export const asyncApi = (host: string): Json =>
  asyncApiDocument(info('visavis over WebSockets'), host, [...ownChannels, ...adapterChannels]);
