import { expect, test } from 'vitest';
import { ChunkCache, type ChunkKey } from '../../src/models/worker/chunk-cache.ts';

const keyOf = (text: string, seed = 1): ChunkKey => ({ voice: 'rms', text, options: { speed: 1, seed } });

const counting = () => {
  const asked: string[] = [];
  const cache = new ChunkCache(async ({ text, options }) => {
    asked.push(`${text} ${options.seed}`);
    return { speech: text, frameCount: 1, words: [] };
  });
  return { asked, cache };
};

test('a chunk is encoded once, and once for each seed', async () => {
  const { asked, cache } = counting();

  const chunks = [await cache.get(keyOf('a')), await cache.get(keyOf('a')), await cache.get(keyOf('a', 2))];

  expect(asked).toEqual(['a 1', 'a 2']);
  expect(chunks[1]).toBe(chunks[0]);
});

test('what was not used for long is forgotten, and encoded again', async () => {
  const { asked, cache } = counting();

  await cache.get(keyOf('first'));
  await cache.get(keyOf('second'));
  for (let i = 0; i < 60; i++) {
    await cache.get(keyOf('first'));
    await cache.get(keyOf(`other ${i}`));
  }
  asked.length = 0;
  await cache.get(keyOf('first'));
  await cache.get(keyOf('second'));

  expect(asked).toEqual(['second 1']);
});

test('a chunk that could not be encoded is tried again', async () => {
  let fails = true;
  const cache = new ChunkCache(async () => {
    if (fails) throw new Error('not now');
    return { speech: null, frameCount: 1, words: [] };
  });

  await expect(cache.get(keyOf('a'))).rejects.toThrow('not now');
  fails = false;

  await expect(cache.get(keyOf('a'))).resolves.toMatchObject({ frameCount: 1 });
});
