/** Writes the published JSON Schemas from the zod schemas: the configuration's, and the session protocol's. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { configSchema } from '../config/schema.ts';
import { packageRoot } from '../src/package-root.ts';
import { asyncApi, openApi } from '../src/stream/api-docs/documents.ts';
import { SUBPROTOCOL, clientMessageSchema, serverMessageSchema } from '../src/stream/messages.ts';

/** Path from the repository's root, and content, of each published schema. */
export const schemaFiles = (): ReadonlyMap<string, string> =>
  new Map(
    Object.entries({
      'config/schema.json': z.toJSONSchema(configSchema, { io: 'input' }),
      [`docs/${SUBPROTOCOL}.client.json`]: z.toJSONSchema(clientMessageSchema, { io: 'input' }),
      [`docs/${SUBPROTOCOL}.server.json`]: z.toJSONSchema(serverMessageSchema),
      'docs/openapi.json': openApi(),
      'docs/asyncapi.json': asyncApi('127.0.0.1:8080'),
    }).map(([path, schema]) => [path, `${JSON.stringify(schema, null, 2)}\n`]),
  );

if (process.argv[1]?.endsWith('write-schemas.js')) {
  mkdirSync(join(packageRoot, 'docs'), { recursive: true });
  for (const [path, content] of schemaFiles()) writeFileSync(join(packageRoot, path), content);
}
