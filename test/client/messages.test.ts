import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { parseServerMessage, type ClientMessage, type ServerMessage } from '../../client/library/messages.ts';
import type * as server from '../../src/stream/messages.ts';

describe('parseServerMessage', () => {
  it('reads a message of the server', () => {
    const message = { type: 'utterance.started', utterance: 'u1', startMs: 1200 };
    expect(parseServerMessage(JSON.stringify(message))).toEqual(message);
  });

  it('keeps fields that it does not know', () => {
    const message = { type: 'error', code: 'bad_text', message: 'No.', fatal: false, hint: 'new' };
    expect(parseServerMessage(JSON.stringify(message))).toEqual(message);
  });

  it('passes over types that it does not know', () => {
    expect(parseServerMessage('{"type":"weather"}')).toBeNull();
    expect(parseServerMessage('{"type":"toString"}')).toBeNull();
    expect(parseServerMessage('{}')).toBeNull();
  });

  it.each([
    ['{', 'not JSON'],
    ['null', 'no object'],
    ['7', 'no object'],
    ['{"type":"utterance.words","utterance":"u1","words":{}}', 'no words (array)'],
    ['{"type":"webrtc.answer"}', 'no sdp (string)'],
  ])('refuses %s', (frame, reason) => {
    expect(() => parseServerMessage(frame)).toThrow(reason);
  });
});

it('agrees with the schemas of the server', () => {
  expectTypeOf<server.ServerMessage>().toExtend<ServerMessage>();
  expectTypeOf<ClientMessage>().toExtend<z.input<typeof server.clientMessageSchema>>();
});
