import { expect, test } from 'vitest';
import { openDoor } from '../../../src/stream/access/open-door.ts';

const KEYS = ['a-key-of-this-test'];
const access = (keys: string[]) => ({ keys, origins: ['*'] });

test.each([
  ['127.0.0.1', [], undefined, null],
  ['localhost', [], 10_200, null],
  ['::1', [], undefined, null],
  ['0.0.0.0', [], undefined, 'access.keys'],
  ['192.0.2.7', [], undefined, 'access.keys'],
  ['0.0.0.0', KEYS, undefined, null],
  ['0.0.0.0', KEYS, 10_200, 'Wyoming'],
])('at %s with the keys %j, operators are warned as they should be', (host, keys, wyomingPort, warning) => {
  const door = openDoor({ host, wyomingPort, access: access(keys) });

  if (warning === null) expect(door).toBeNull();
  else expect(door).toContain(warning);
});
