import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAllowed, type GuardedSession } from '../../../../src/stream/media/webrtc/source-guard.ts';

const session: GuardedSession = {
  isRemote: (host, port) => host === '192.0.2.1' && port === 5000,
  hasRoom: () => true,
  passwordOf: (usernameFragment) => (usernameFragment === 'ours' ? 'secret' : undefined),
};
const fromViewer = (datagram: Uint8Array) => isAllowed(datagram, '192.0.2.1', 5000, session);
const fromStranger = (datagram: Uint8Array) => isAllowed(datagram, '198.51.100.9', 4000, session);

const attribute = (type: number, value: Buffer) => {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
};

/** A STUN message; signed with `password` unless that is null, and followed by a fingerprint's place. */
const stun = (type: number, username: string, password: string | null) => {
  const head = Buffer.from('0001000021 12a442 000102030405060708090a0b'.replaceAll(' ', ''), 'hex');
  head.writeUInt16BE(type, 0);
  const body = [attribute(0x0006, Buffer.from(username)), attribute(0x0024, Buffer.from([110, 0, 1, 255]))];
  if (password !== null) {
    const before = Buffer.concat([head, ...body]);
    before.writeUInt16BE(before.length - 20 + 24, 2);
    body.push(attribute(0x0008, createHmac('sha1', password).update(before).digest()));
    body.push(attribute(0x8028, Buffer.alloc(4)));
  }
  const message = Buffer.concat([head, ...body]);
  message.writeUInt16BE(message.length - 20, 2);
  return message;
};

describe('source guard', () => {
  it('lets media and DTLS pass from the remote address only', () => {
    const media = fc.uint8Array({ minLength: 1, maxLength: 100 }).filter(([first = 0]) => first > 3);
    fc.assert(fc.property(media, (datagram) => fromViewer(datagram) && !fromStranger(datagram)));
  });

  it('lets checks pass from anywhere when they are signed with our password', () => {
    expect(fromStranger(stun(0x0001, 'ours:theirs', 'secret'))).toBe(true);
    expect(fromStranger(stun(0x0001, 'ours:theirs', 'guess'))).toBe(false);
    expect(fromStranger(stun(0x0001, 'ours:theirs', null))).toBe(false);
    expect(fromStranger(stun(0x0001, 'other:theirs', 'secret'))).toBe(false);
  });

  it('lets no further address in when it knows enough of them', () => {
    const full = { ...session, hasRoom: () => false };
    const check = stun(0x0001, 'ours:theirs', 'secret');
    expect(isAllowed(check, '198.51.100.9', 4000, full)).toBe(false);
    expect(isAllowed(check, '192.0.2.1', 5000, full)).toBe(true);
  });

  it('lets responses pass, which the ICE layer checks, and no other requests', () => {
    expect(fromStranger(stun(0x0101, '', null))).toBe(true);
    expect(fromStranger(stun(0x0003, 'ours:theirs', 'secret'))).toBe(false);
  });

  it('stands every damage to a signed check', () => {
    const good = stun(0x0001, 'ours:theirs', 'secret');
    const signedBytes = good.length - 8;
    fc.assert(
      fc.property(
        fc.nat({ max: good.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.nat({ max: good.length }),
        (at, flip, length) => {
          const damaged = Uint8Array.from(good);
          damaged[at] = (damaged[at] ?? 0) ^ flip;
          if (at < signedBytes && (damaged[0] ?? 0) <= 3 && (damaged[0] ?? 0) + (damaged[1] ?? 0) === 1) {
            expect(fromStranger(damaged)).toBe(false);
          }
          expect(fromStranger(good.subarray(0, length))).toBe(length === good.length);
        },
      ),
    );
  });
});
