import { expect, test } from 'vitest';
import { createRandom, gaussianNoise } from '../../src/models/random.ts';

const take = (count: number, next: () => number) => Array.from({ length: count }, next);

test('a seed gives the same numbers on every machine', () => {
  const random = createRandom(7);

  const uniform = take(3, () => random.uniform());
  const gaussian = take(3, () => random.gaussian());

  expect(uniform).toMatchInlineSnapshot(`
    [
      0.5881464304402471,
      0.43316223635338247,
      0.6306781840976328,
    ]
  `);
  expect(gaussian).toMatchInlineSnapshot(`
    [
      0.8795332332582863,
      -0.011542627323938764,
      0.5262518952672233,
    ]
  `);
});

test('seeds and streams differ from one another, those above 32 bits too', () => {
  const firsts = [
    ...Array.from({ length: 1000 }, (_, seed) => createRandom(seed).uniform()),
    ...Array.from({ length: 1000 }, (_, stream) => createRandom(3, stream + 1).uniform()),
    ...Array.from({ length: 100 }, (_, i) => createRandom(2 ** 32 * (i + 1)).uniform()),
  ];

  expect(new Set(firsts).size).toBe(firsts.length);
});

test('normal numbers have mean 0, deviation 1 and the tails of a bell curve', () => {
  const count = 200_000;
  const noise = gaussianNoise(createRandom(1), count);

  const mean = noise.reduce((sum, x) => sum + x, 0) / count;
  const variance = noise.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
  const beyond = (limit: number) => noise.filter((x) => Math.abs(x) > limit).length / count;

  expect(mean).toBeCloseTo(0, 1.9);
  expect(variance).toBeCloseTo(1, 1.7);
  expect(beyond(1)).toBeCloseTo(0.3173, 2);
  expect(beyond(2)).toBeCloseTo(0.0455, 2);
  expect(beyond(3)).toBeCloseTo(0.0027, 3);
});

test('the first numbers of neighbouring streams are as normal as those within a stream', () => {
  const count = 50_000;
  const firsts = Array.from({ length: count }, (_, stream) => createRandom(5, stream).gaussian());

  const mean = firsts.reduce((sum, x) => sum + x, 0) / count;
  const variance = firsts.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
  const lag = firsts.slice(1).reduce((sum, x, i) => sum + x * firsts[i]!, 0) / count;

  expect(Math.abs(mean)).toBeLessThan(0.02);
  expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  expect(Math.abs(lag)).toBeLessThan(0.02);
});

test('filling gives the numbers that asking one by one gives', () => {
  const [filling, asking] = [createRandom(9, 3), createRandom(9, 3)];
  const places = new Float32Array(40);

  filling.fillGaussian(places, 2, 9);
  const between = filling.gaussian();
  filling.fillGaussian(places, 9, 40);

  const asked = Float32Array.from({ length: 39 }, () => asking.gaussian());
  expect(places.subarray(0, 2)).toEqual(new Float32Array(2));
  expect([...places.subarray(2, 9), Math.fround(between), ...places.subarray(9)]).toEqual([...asked]);
  expect(filling.uniform()).toBe(asking.uniform());
});
