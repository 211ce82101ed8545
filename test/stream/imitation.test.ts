/** Pictures of a face in a session: which are read, and what is said of the others. */
import { describe, expect, test } from 'vitest';
import { VisavisError } from '../../src/errors.ts';
import { type FaceReader, OverdueError } from '../../src/models/inference.ts';
import { encodeBinaryFrame } from '../../src/stream/binary-frame.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeMediaServer } from '../support/fake-media.ts';
import { fakeInference } from '../support/fake-models.ts';
import { createSessionClient } from '../support/session-client.ts';

const YAW = 53;
const OPEN = { type: 'session.open', media: { transport: 'websocket', motion: true } };

const settle = async () => {
  for (let i = 0; i < 12; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A reader that is done with a picture when the test says so; it reads its first byte as a turn of the head. */
const createReader = () => {
  const calls: { readonly jpeg: Uint8Array; done(error?: Error): Promise<void> }[] = [];
  const reader: FaceReader = {
    size: 256,
    avatars: ['alex', 'mia'],
    read: (jpeg) =>
      new Promise((resolve, reject) => {
        calls.push({
          jpeg,
          async done(error) {
            if (error) reject(error);
            else resolve(Float32Array.from({ length: 59 }, (_, i) => (i === YAW ? (jpeg[0] ?? 0) : 0)));
            await settle();
          },
        });
      }),
  };
  return { reader, calls };
};

const connect = async ({
  open = OPEN,
  limits = {},
  readsFaces = true,
}: {
  readonly open?: object;
  readonly limits?: Record<string, number>;
  readonly readsFaces?: boolean;
} = {}) => {
  const media = fakeMediaServer();
  const clock = new FakeClock();
  const { reader, calls } = createReader();
  const inference = readsFaces ? { ...fakeInference(), reader } : fakeInference();
  const client = createSessionClient({ media, clock, inference, limits });
  client.send(open);
  await settle();
  return {
    ...client,
    calls,
    clock,
    picture(bytes: Uint8Array, last = false) {
      client.session.onBinary(encodeBinaryFrame({ kind: 5, sequence: 0, mediaTimeMs: 0, last, payload: bytes }));
    },
    /** Plays slots; gives the turn of the head in each. */
    async play(slots: number) {
      const before = client.frames.length;
      for (let i = 0; i < slots; i += 1) {
        clock.advance(40);
        media.channels[0]?.play();
        await settle();
      }
      return client.frames
        .slice(before)
        .filter((frame) => frame[0] === 2)
        .map((frame) => new DataView(frame.buffer, frame.byteOffset + 12).getFloat32(4 * YAW, true));
    },
    errors: () => client.of('error').map(({ code, message, fatal }) => ({ code, message, fatal })),
  };
};

describe('pictures of a face', () => {
  test('are announced, and move the head until no more come', async () => {
    const client = await connect();

    expect(client.of('session.opened')[0]?.imitation).toEqual({
      size: 256,
      avatars: ['alex', 'mia'],
      maxPictureBytes: 65_536,
      maxPicturesPerSecond: 25,
    });
    for (let i = 0; i < 12; i += 1) {
      client.picture(Uint8Array.of(10));
      await client.calls[i]!.done();
      await client.play(1);
    }
    expect((await client.play(3)).at(-1)).toBeCloseTo(10, 1);
    client.picture(new Uint8Array(), true);
    expect((await client.play(25)).at(-1)).toBe(0);
    expect(client.errors()).toEqual([]);
  });

  test('are read one at a time, the newest first: what waits is replaced', async () => {
    const client = await connect();

    for (const turn of [1, 2, 3, 4]) client.picture(Uint8Array.of(turn));
    await client.calls[0]!.done();
    await client.calls[1]!.done();

    expect(client.calls.map(({ jpeg }) => jpeg[0])).toEqual([1, 4]);
  });

  test('that were on their way when imitating ended move nothing any more', async () => {
    const client = await connect();

    client.picture(Uint8Array.of(20));
    client.picture(new Uint8Array(), true);
    await client.calls[0]!.done();

    expect(new Set(await client.play(10))).toEqual(new Set([0]));
  });

  test('that cannot be read are told, those too late are not, and the next is read', async () => {
    const client = await connect();

    client.picture(Uint8Array.of(1));
    await client.calls[0]!.done(new VisavisError('bad_message', 'expected a baseline JPEG, got something else'));
    client.picture(Uint8Array.of(2));
    await client.calls[1]!.done(new OverdueError('needed 3 ms ago'));
    client.picture(Uint8Array.of(3));
    await client.calls[2]!.done();

    expect(client.errors()).toEqual([
      { code: 'bad_message', message: 'expected a baseline JPEG, got something else', fatal: false },
    ]);
  });

  test.each([
    ['empty', 0],
    ['too large', 2_000],
  ])('that are %s are refused with what may come', async (_, bytes) => {
    const client = await connect({ limits: { pictureBytes: 1_024 } });

    client.picture(new Uint8Array(bytes));

    expect(client.calls).toEqual([]);
    expect(client.errors()).toEqual([
      expect.objectContaining({ code: 'bad_message', message: expect.stringContaining('at most 1024 bytes, got') }),
    ]);
  });

  test('that come too fast are not read, which is told once in a while', async () => {
    const client = await connect({ limits: { picturesPerSecond: 5 } });

    for (let i = 0; i < 100; i += 1) client.picture(Uint8Array.of(1));
    for (const call of client.calls) await call.done();

    expect(client.errors()).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/at most 5 pictures a second, got more/) }),
    ]);
    expect(client.calls.length).toBeLessThan(3);
    client.clock.advance(60_000);
    client.picture(Uint8Array.of(7));
    expect(client.calls.at(-1)?.jpeg[0]).toBe(7);
  });

  test.each([
    [
      'a session that shows nothing',
      { open: { type: 'session.open', media: { transport: 'websocket' } } },
      /media.video or media.motion/,
    ],
    ['a server that reads no faces', { readsFaces: false }, /no reader of faces/],
  ])('are refused by %s', async (_, options, reason) => {
    const client = await connect(options);

    client.picture(Uint8Array.of(1));

    expect(client.errors()).toEqual([
      expect.objectContaining({ code: 'bad_order', message: expect.stringMatching(reason), fatal: false }),
    ]);
  });
});
