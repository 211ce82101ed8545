import { describe, expect, test } from 'vitest';
import { allowsOrigin, corsHeaders, preflightHeaders } from '../../../src/stream/access/origins.ts';

const LISTED = ['https://example.org'];
const host = 'avatar.example:8080';

describe('a page', () => {
  test.each([
    ['of any origin may ask where all may', ['*'], 'https://stranger.example', true],
    ['of a listed origin may ask', LISTED, 'https://example.org', true],
    ['of another origin may not', LISTED, 'https://stranger.example', false],
    ['of another port is of another origin', LISTED, 'https://example.org:8443', false],
    ['of the server itself always may', LISTED, 'http://avatar.example:8080', true],
    ['without an origin of its own may not', LISTED, 'null', false],
    ['whose origin is no address may not', LISTED, 'nonsense', false],
  ])('%s', (_what, allowed, origin, may) => {
    expect(allowsOrigin(allowed, { origin, host })).toBe(may);
  });

  test('is told that it may read the answer only when it may', () => {
    expect(corsHeaders(['*'], {})).toMatchObject({ 'access-control-allow-origin': '*' });
    expect(corsHeaders(LISTED, { origin: 'https://example.org', host })).toMatchObject({
      'access-control-allow-origin': 'https://example.org',
      vary: 'Origin',
    });
    expect(corsHeaders(LISTED, { origin: 'https://stranger.example', host })).toEqual({ vary: 'Origin' });
  });
});

test('programs that are no browser name no origin, and may ask', () => {
  expect(allowsOrigin([], { host })).toBe(true);
});

test('a preflight allows the headers that are asked for, if they are names', () => {
  const allowed = (asked: string) =>
    preflightHeaders({ 'access-control-request-headers': asked })['access-control-allow-headers'];

  expect(allowed('authorization,x-stainless-os')).toBe('authorization,x-stainless-os');
  expect(allowed('<script>')).toContain('Authorization');
});
