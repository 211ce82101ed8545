/**
 * Drops datagrams that do not come from the session's other side. Werift takes media and DTLS from any address, and a DTLS
 * record in plain text from a stranger ends the session; it also takes a stranger's unsigned connectivity check as a new
 * remote address. So: a check must be signed with our password (RFC 8445 §7.3, RFC 8489 §14.5), and everything that is not
 * STUN must come from the remote address of a candidate pair.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

const STUN_HEADER_BYTES = 20;
const STUN_COOKIE = 0x2112_a442;
const BINDING_REQUEST = 0x0001;
const USERNAME = 0x0006;
const MESSAGE_INTEGRITY = 0x0008;
const SIGNATURE_BYTES = 20;
/** STUN's first byte is 0…3 (RFC 7983 §7). */
const LAST_STUN_BYTE = 3;

/** What the guard knows of a session. */
export interface GuardedSession {
  /** Whether a candidate pair leads there. */
  isRemote(host: string, port: number): boolean;
  /** Whether an address may come to those that are known. */
  hasRoom(): boolean;
  /** Our ICE password for one of our user name fragments (an older one after a restart); undefined: not ours. */
  passwordOf(usernameFragment: string): string | undefined;
}

/** Whether a datagram may reach the ICE layer. */
export const isAllowed = (datagram: Uint8Array, host: string, port: number, session: GuardedSession): boolean => {
  const first = datagram[0];
  if (first === undefined) return false;
  if (first > LAST_STUN_BYTE) return session.isRemote(host, port);
  return (session.hasRoom() || session.isRemote(host, port)) && isAllowedStun(datagram, session);
};

/** Responses and errors pass: werift takes only those that answer one of its transactions, signed. */
const isAllowedStun = (datagram: Uint8Array, session: GuardedSession): boolean => {
  if (datagram.length < STUN_HEADER_BYTES) return false;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  if (view.getUint32(4) !== STUN_COOKIE || view.getUint16(2) + STUN_HEADER_BYTES !== datagram.length) return false;
  if (view.getUint16(0) !== BINDING_REQUEST) return (view.getUint16(0) & 0x0110) !== 0;
  let password: string | undefined;
  for (let at = STUN_HEADER_BYTES; at + 4 <= datagram.length;) {
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    const value = datagram.subarray(at + 4, at + 4 + length);
    if (value.length !== length) return false;
    if (type === USERNAME) password = session.passwordOf(new TextDecoder().decode(value).split(':')[0] ?? '');
    if (type === MESSAGE_INTEGRITY) {
      return (
        password !== undefined && length === SIGNATURE_BYTES && isSigned(datagram.subarray(0, at), value, password)
      );
    }
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return false;
};

/** RFC 8489 §14.5: the signed length counts up to the end of the signature itself. */
const isSigned = (before: Uint8Array, signature: Uint8Array, password: string): boolean => {
  const signed = Uint8Array.from(before);
  new DataView(signed.buffer).setUint16(2, before.length + 4 + SIGNATURE_BYTES - STUN_HEADER_BYTES);
  return timingSafeEqual(createHmac('sha1', password).update(signed).digest(), signature);
};
