import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { root } from '../support/models.ts';

const LIMIT_BYTES = 15_000;

it.each(['visavis.js', 'visavis.global.js'])('%s is one file without dependencies, below 15 kB compressed', (name) => {
  const code = readFileSync(join(root, 'dist/client', name));

  const { length } = gzipSync(code);
  console.log(`${name}: ${code.length} bytes, ${length} compressed`);
  expect(length).toBeLessThan(LIMIT_BYTES);
  expect(code.toString()).not.toMatch(/\bimport\s*[({"']|\brequire\s*\(/);
});
