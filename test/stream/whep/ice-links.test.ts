import { expect, test } from 'vitest';
import { iceLinks } from '../../../src/stream/whep/ice-links.ts';

test('ICE servers are told as RFC 9725 has them', () => {
  const links = iceLinks([
    { url: 'stun:stun.example.net' },
    { url: 'turn:turn.example.net?transport=udp', username: 'user', credential: 'my"Pass\\word\r\n' },
  ]);

  expect(links).toEqual([
    '<stun:stun.example.net>; rel="ice-server"',
    '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="my\\"Pass\\\\word"; credential-type="password"',
  ]);
});
