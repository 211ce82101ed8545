import { describe, expect, test } from 'vitest';
import { decodeClientFrame, encodeBinaryFrame } from '../../src/stream/binary-frame.ts';
import { parseClientMessage } from '../../src/stream/messages.ts';

describe('a text frame', () => {
  test('is read with its defaults', () => {
    const message = parseClientMessage('{"type":"session.open","media":{"transport":"websocket"}}');

    expect(message).toEqual({
      type: 'session.open',
      speed: 1,
      media: { transport: 'websocket', motion: false, leadMs: 500 },
    });
  });

  test.each([
    ['not json', 'expected a JSON object with a "type", got not json'],
    ['[]', 'got none'],
    ['{"type":"session.oepn"}', 'got "session.oepn"'],
    ['{"type":"utterance.append","utterance":"a"}', 'utterance.append: text'],
    ['{"type":"utterance.append","utterance":"","text":"x"}', 'utterance.append: utterance'],
    ['{"type":"interrupt","now":true}', 'now'],
    ['{"type":"session.open","media":{"transport":"carrier pigeon"}}', 'media.transport'],
    ['{"type":"session.open","media":{"transport":"webrtc"},"speed":9}', 'speed'],
  ])('that is wrong is answered with what is wrong: %s', (frame, reason) => {
    expect(() => parseClientMessage(frame)).toThrow(reason);
  });
});

describe('a binary frame', () => {
  test('has a header of 12 bytes, little-endian', () => {
    const bytes = encodeBinaryFrame({
      kind: 1,
      first: true,
      last: true,
      sequence: 0x01020304,
      mediaTimeMs: 258,
      payload: Uint8Array.of(9, 8),
    });

    expect([...bytes]).toEqual([1, 3, 0, 0, 4, 3, 2, 1, 2, 1, 0, 0, 9, 8]);
  });

  test('of sound is read back', () => {
    const bytes = encodeBinaryFrame({
      kind: 3,
      first: true,
      sequence: 7,
      mediaTimeMs: 40,
      payload: Uint8Array.of(1, 2),
    });

    expect(decodeClientFrame(bytes)).toMatchObject({ kind: 3, first: true, last: false, sequence: 7, mediaTimeMs: 40 });
  });

  test.each([
    ['too short', Uint8Array.of(3, 0, 0)],
    ['of another kind', new Uint8Array(12)],
    ['of half a sample', Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)],
  ])('that is %s is refused', (_, bytes) => {
    expect(() => decodeClientFrame(bytes)).toThrow('expected a binary frame of kind 3');
  });
});
