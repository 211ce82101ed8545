import type { Config } from '../../../config/schema.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|::1)$/;

/** What operators should know when others than this machine's own programs may use the server; null: they cannot, or have a key. */
export const openDoor = ({
  host,
  wyomingPort,
  access,
}: Pick<Config, 'host' | 'wyomingPort' | 'access'>): string | null => {
  if (LOOPBACK.test(host)) return null;
  if (access.keys.length === 0) {
    return 'anybody who reaches this address may use the server: access.keys, or VISAVIS_KEYS, makes it ask for a key';
  }
  if (wyomingPort === undefined) return null;
  return 'Wyoming knows no keys: anybody who reaches its port may use the server';
};
