/** Writes what is published of the zod schemas: JSON Schemas of the configuration and the session protocol, and the table of limits. */
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
    })
      .map(([path, schema]): [string, string] => [path, `${JSON.stringify(schema, null, 2)}\n`])
      .concat([['docs/limits.md', limitsTable()]]),
  );

/** Every limit with its default and range, as a page. */
const limitsTable = (): string => {
  const { limits } = z.toJSONSchema(configSchema, { io: 'input' }).properties as Record<
    string,
    z.core.JSONSchema.JSONSchema
  >;
  const rows = Object.entries(limits?.properties ?? {}).map(([name, schema]) => {
    const { default: preset, minimum, maximum, description } = schema as z.core.JSONSchema.JSONSchema;
    const [of, from, to] = [preset, minimum, maximum].map((value) => Number(value).toLocaleString('en'));
    return `| \`${name}\` | ${of} | ${from} … ${to} | ${description} |`;
  });
  return `${LIMITS_HEAD}\n\n| limit | default | range | what it bounds |\n|---|---|---|---|\n${rows.join('\n')}\n\n${LIMITS_TAIL}\n`;
};

const LIMITS_HEAD = `# Limits

All that a client can make the server hold, read, wait for or do is bounded by a field of \`limits\` in the configuration file; this page is
made from \`config/schema.ts\` (\`npm run schema\`). What is over a limit is answered with an error that says so, or waits.`;

const LIMITS_TAIL = `Ids, names and numbers in messages have the bounds that their schemas say ([protocol.md](protocol.md),
\`visavis.v1.client.json\`), and queues between the parts of the server those of [ARCHITECTURE.md](../ARCHITECTURE.md). Models and
languages set limits of their own: a text chunk has at most 1,000 symbols, and longer ones are cut.

Against floods of connections from many addresses a reverse proxy or a firewall is the better place: the server counts none by
address. How many sessions may be open is set by what they cost ([operations.md](operations.md)), below \`sessions\`.`;

if (process.argv[1]?.endsWith('write-schemas.js')) {
  mkdirSync(join(packageRoot, 'docs'), { recursive: true });
  for (const [path, content] of schemaFiles()) writeFileSync(join(packageRoot, path), content);
}
