/** What is said in the benchmarks. */

/** Sentences of twelve words, one clause each. */
export const SENTENCES: readonly string[] = [
  'The old clock in the kitchen told the wrong time for years.',
  'My brother keeps three brown hens in the garden behind his house.',
  'We walked along the river until every light in town went out.',
  'She found a letter between the pages of a book about islands.',
  'Every morning the baker opens his door before the first bus comes.',
  'You can leave your coat on the chair by the open window.',
  'The train to the coast was late because snow lay on it.',
  'Nobody in the room could remember who had written that sad song.',
];

/** Several hundred words of plain narrative, about three minutes. */
export const STORY = `
When the lighthouse keeper retired, the harbour office sent nobody to replace him. The lamp had been turning by itself for
eleven years, they said, and all that it needed was a visit now and then from someone with a ladder. So the old man packed his
books into four wooden boxes, locked the door, and carried the key up the hill to his sister, who hung it on a nail beside the
stove. For a week he slept badly. He was used to the low hum of the motor under the floor, and the house on the hill made other
noises: a tap that dripped, a branch that brushed the roof, the slow steps of the cat on the stairs.

In the second week he began to walk. Each morning he followed the path along the cliff as far as the broken wall, sat down on
the flat stone there, and watched the boats go out. He knew every one of them by the sound of its engine. The blue one coughed
twice before it settled, the two grey ones ran together like sisters, and the red one, which belonged to the youngest crew in
the harbour, always left last and came home first. He counted them in the morning and counted them again at night, because
counting was a habit that he had no reason to give up.

One evening in October the number was wrong. The wind had gone round to the north, the sea was the colour of slate, and the red
boat was missing. He waited on his stone until he could no longer see the water. Then he went up to the house, took the key from
its nail, and told his sister not to keep the soup warm. He had not run for thirty years, and he did not run now, but he walked
faster than she had ever seen him walk.

The tower smelled of oil and salt. He climbed the hundred and nine steps without a rest, put his hand on the brass rail, and
found the lamp turning as it should, bright and patient and entirely alone. But a lamp that turns says the same thing to
everyone, and what he wanted to say was meant for three young men and a dog. So he stopped the motor, took hold of the handle
that nobody had touched since the war, and turned the light by hand. He swept it low across the water, slowly from left to
right, and then slowly back again, the way that his father had done it when the boats had no engines and the maps had no names.

It took an hour and a half. His arms ached, then burned, then stopped belonging to him. He thought about the blue boat and the
grey ones, safe at their ropes, and about how quiet it must be out there between the waves with nothing running. At last a small
light answered from the dark, not where he had been looking but further south, close to the rocks that are called the Teeth. He
held the beam on it and did not let it go. Down in the harbour somebody shouted, a motor coughed twice before it settled, and
he knew who was going out.

They brought the red boat home a little before midnight, with its engine drowned and its dog asleep in a coat. The harbour
office wrote a letter about the motor that had been stopped without permission. He used it to light the stove. In the spring
they sent another letter, which was shorter, and asked whether he would like to have his key back. He answered by return of
post that he had never given it away, and that he would need a new chair, a bigger kettle, and somebody young enough to learn
the names of the boats.
`
  .replaceAll(/\s+/g, ' ')
  .trim();

/** Speech is never faster than this, in words a second. */
const FASTEST = 4;

/** The story, again and again, for at least that long. */
export const textFor = (seconds: number): string => {
  const words = STORY.split(' ').length;
  return Array.from({ length: Math.ceil((seconds * FASTEST) / words) }, () => STORY).join(' ');
};

/** The beginning of an answer as a language model gives it: pieces of up to seven letters, four on average, each with the space before it. */
export const tokensOf = (answer: number, count: number): readonly string[] => {
  const sentences = STORY.match(/[^.?!]+[.?!] ?/g) ?? [];
  const from = answer % (sentences.length - 8);
  const text = sentences.slice(from).join('');
  return (text.match(/ ?(?:\p{L}{1,7}|[^\p{L} ])/gu) ?? []).slice(0, count);
};
