import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { schemaFiles } from '../../scripts/write-schemas.ts';
import { root } from '../support/models.ts';

test.each([...schemaFiles()])(
  'the published schema is the one in force: %s (npm run schema writes it)',
  (path, content) => {
    expect(JSON.parse(readFileSync(join(root, path), 'utf8'))).toEqual(JSON.parse(content));
  },
);
