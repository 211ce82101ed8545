import { describe, expect, test } from 'vitest';
import { Keyring, keyOf } from '../../../src/stream/access/api-keys.ts';

describe('a key', () => {
  test.each([
    ['Authorization: Bearer', { headers: { authorization: 'Bearer abc' } }],
    ['Authorization: Token', { headers: { authorization: 'token abc' } }],
    ['xi-api-key', { headers: { 'xi-api-key': 'abc' } }],
    ['the subprotocol after token', { headers: { 'sec-websocket-protocol': 'token, abc' } }],
    ['the subprotocol after bearer', { headers: { 'sec-websocket-protocol': 'bearer,abc' } }],
    ['the query', { headers: {}, url: '/v1/session?key=abc' }],
    ['the query of an ElevenLabs socket', { headers: {}, url: '/x?authorization=Bearer%20abc' }],
  ])('is found in %s', (_where, request) => {
    expect(keyOf(request)).toBe('abc');
  });

  test.each([
    ['nothing', { headers: {} }],
    ['another scheme', { headers: { authorization: 'Basic abc' } }],
    ['an empty query', { headers: {}, url: '/?key=' }],
    ['another subprotocol', { headers: { 'sec-websocket-protocol': 'visavis.v1, abc' } }],
    ['no address at all', { headers: {}, url: '//' }],
  ])('is not found in %s', (_where, request) => {
    expect(keyOf(request)).toBeNull();
  });
});

describe('a keyring', () => {
  test('admits its keys and no others', () => {
    const ring = new Keyring(['first-key', 'second-key']);

    expect(['first-key', 'second-key'].map((key) => ring.admits(key))).toEqual([true, true]);
    expect(['', 'first-ke', 'first-keyy', 'FIRST-KEY', null].map((key) => ring.admits(key))).toEqual(
      Array.from({ length: 5 }, () => false),
    );
  });

  test('without keys admits everybody', () => {
    const ring = new Keyring([]);

    expect([ring.admits(null), ring.admits('any')]).toEqual([true, true]);
  });
});
