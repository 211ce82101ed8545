/**
 * Accuracy for words outside the dictionary, measured on the twentieth of the dictionary that
 * `letter_to_sound.py --held-out` and `letter_network.py --held-out` have not seen: the rules alone, and with the inflections
 * of the other words. Choices such as the network's weight are made on one half of these words, figures are told of the other.
 *
 *     npm run build && node training/english/evaluate.mjs HELD_OUT.bin NETWORK.bin [--chosen] [--wrong]
 */
import { crc32 } from 'node:zlib';
import { dictionary } from 'cmu-pronouncing-dictionary';
import { lookUp } from '../../dist/src/models/english/dictionary.js';
import { loadLetterToSound } from '../../dist/src/models/english/letter-to-sound.js';
import { guess } from '../../dist/src/models/english/pronounce.js';

const HELD_OUT_SHARE = 20;
const isHeldOut = (word) => crc32(word) % HELD_OUT_SHARE === 0;
// --chosen: the half by which choices are made.
const half = process.argv.includes('--chosen') ? 0 : HELD_OUT_SHARE;
const words = Object.keys(dictionary).filter(
  (w) => /^[a-z]{2,}$/.test(w) && /[aeiouy]/.test(w) && crc32(w) % (2 * HELD_OUT_SHARE) === half,
);
const withoutHeldOut = (word) => (isHeldOut(word) ? undefined : lookUp(word));
const rules = loadLetterToSound({ ngram: process.argv[2], network: process.argv[3] });

const bare = (phones) => phones.replaceAll(/\d/g, '');
const entriesOf = (word) =>
  ['', '(2)', '(3)', '(4)'].map((variant) => dictionary[word + variant]).filter((entry) => entry !== undefined);

const distance = (a, b) => {
  let row = b.map((_, j) => j + 1);
  a.forEach((x, i) => {
    let diagonal = i;
    let left = i + 1;
    row = row.map((above, j) => {
      left = Math.min(left + 1, above + 1, diagonal + (x === b[j] ? 0 : 1));
      diagonal = above;
      return left;
    });
  });
  return row.at(-1) ?? a.length;
};

const measure = (name, read) => {
  const count = { first: 0, any: 0, anyBare: 0, errors: 0, phones: 0 };
  const wrong = [];
  const begun = process.cpuUsage();
  const said = words.map((word) => read(word).join(' '));
  const elapsed = process.cpuUsage(begun).user;
  words.forEach((word, i) => {
    const entries = entriesOf(word);
    count.first += entries[0] === said[i];
    count.any += entries.includes(said[i]);
    count.anyBare += entries.some((entry) => bare(entry) === bare(said[i]));
    count.errors += distance(bare(said[i]).split(' '), bare(entries[0]).split(' '));
    count.phones += entries[0].split(' ').length;
    if (!entries.includes(said[i])) wrong.push(`${word}: ${said[i]} for ${entries[0]}`);
  });
  const share = (n) => `${((100 * n) / words.length).toFixed(1)} %`;
  console.log(
    `${name}: ${words.length} words; first entry ${share(count.first)}, any entry ${share(count.any)}, ` +
      `any entry without stress ${share(count.anyBare)}; phone error rate ${((100 * count.errors) / count.phones).toFixed(1)} %; ` +
      `${(elapsed / words.length).toFixed(0)} µs a word`,
  );
  return wrong;
};

measure('rules', rules);
const wrong = measure('rules and inflections', (word) => guess(word, withoutHeldOut, rules));
if (process.argv.includes('--wrong')) console.log(wrong.join('\n'));
