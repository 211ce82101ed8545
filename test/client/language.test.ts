import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bestLanguage, LANGUAGES } from '../../client/page/language.ts';
import { root } from '../support/models.ts';

describe('bestLanguage', () => {
  it.each([
    [['zh-CN', 'en'], 'zh-Hans'],
    [['zh-TW'], 'zh-Hans'],
    [['en-GB'], 'en'],
    [['de-DE', 'zh', 'en'], 'zh-Hans'],
    [['fr'], 'en'],
    [[], 'en'],
  ] as const)('of %j is %s', (wanted, best) => {
    expect(bestLanguage(wanted)).toBe(best);
  });
});

it('has every text that the page asks for', () => {
  const html = readFileSync(join(root, 'client/page/index.html'), 'utf8');
  const keys = [...html.matchAll(/data-text(?:-[a-z-]+)?="(\w+)"/g)].map(([, key]) => key);
  expect(keys.length).toBeGreaterThan(10);
  for (const texts of Object.values(LANGUAGES)) expect(Object.keys(texts)).toEqual(expect.arrayContaining(keys));
});
