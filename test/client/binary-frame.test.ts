import { expect, it } from 'vitest';
import { readMediaFrame } from '../../client/library/binary-frame.ts';
import { encodeBinaryFrame, FRAME_KIND } from '../../src/stream/binary-frame.ts';

const bytesOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

it('reads what the server writes', () => {
  const payload = Uint8Array.of(1, 2, 3);
  const written = { kind: FRAME_KIND.videoOut, keyFrame: true, last: true, sequence: 7, mediaTimeMs: 4040, payload };
  expect(readMediaFrame(bytesOf(encodeBinaryFrame(written)))).toEqual({
    kind: 'picture',
    first: false,
    last: true,
    keyFrame: true,
    sequence: 7,
    mediaMs: 4040,
    payload,
  });
});

it('passes over kinds that it does not know, and what is too short', () => {
  const strange = encodeBinaryFrame({
    kind: FRAME_KIND.audioIn,
    sequence: 0,
    mediaTimeMs: 0,
    payload: new Uint8Array(),
  });
  expect(readMediaFrame(bytesOf(strange))).toBeNull();
  expect(readMediaFrame(new ArrayBuffer(11))).toBeNull();
});
