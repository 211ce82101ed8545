import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { schemaFiles } from '../../scripts/write-schemas.ts';
import { root } from '../support/models.ts';

test.each([...schemaFiles()])(
  'what is published of the schemas is what is in force: %s (npm run schema writes it)',
  (path, content) => {
    const read = (text: string): unknown => (path.endsWith('.json') ? JSON.parse(text) : text);
    expect(read(readFileSync(join(root, path), 'utf8'))).toEqual(read(content));
  },
);
