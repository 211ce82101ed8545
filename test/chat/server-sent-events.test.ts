import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventReader, readEvents } from '../../src/chat/server-sent-events.ts';

const read = (...texts: string[]) => {
  const reader = new EventReader();
  return texts.flatMap((text) => reader.push(text));
};

describe('a stream of server-sent events', () => {
  test('gives the data of each event, whatever ends its lines', () => {
    expect(read('data: a\n\ndata: b\r\n\r\ndata:c\r\rdata:  d\n\n')).toEqual(['a', 'b', 'c', ' d']);
  });

  test('joins the lines of one event, and leaves out comments, names, ids and events without data', () => {
    expect(read(': ping\n\nevent: x\nid: 1\ndata: a\ndata\ndata: b\n\nretry: 5\n\n')).toEqual(['a\n\nb']);
  });

  test('gives nothing of an event that has not ended', () => {
    expect(read('data: a\n\ndata: b\n')).toEqual(['a']);
  });

  test('means the same however it is cut', () => {
    const stream = 'data: {"a":1}\r\n\r\n: c\n\rdata: é😀\ndata: z\r\n\r\ndata: [DONE]\n\n';
    const whole = read(stream);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        expect(read(...edges.slice(1).map((end, i) => stream.slice(edges[i], end)))).toEqual(whole);
      }),
    );
  });

  test('keeps a character whole that comes in two pieces', async () => {
    const bytes = new TextEncoder().encode('data: é\n\n');
    const body = async function* () {
      for (const byte of bytes) yield Uint8Array.of(byte);
    };

    const events: string[] = [];
    for await (const data of readEvents(body())) events.push(data);

    expect(events).toEqual(['é']);
  });

  test('that never ends an event is given up', () => {
    const reader = new EventReader();
    const endless = () => {
      for (let i = 0; i < 100; i += 1) reader.push('x'.repeat(100_000));
    };

    expect(endless).toThrow(expect.objectContaining({ code: 'chat_failed' }));
  });
});
