import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEnglish } from '../../../src/models/english/index.ts';

const sounds = (text: string) =>
  readEnglish(text)
    .flatMap(({ phonemes }) => phonemes)
    .map((phones) => phones.join(' '));

/** Lines as people and language models write them, and the words that they are read in; capitals are letters by name. */
const READINGS: readonly (readonly [written: string, said: string])[] = [
  // days without a year, and what is a fraction
  ['on 12/25 we rest', 'on december twenty fifth we rest'],
  ['12/25', 'december twenty fifth'],
  ['due 3/15', 'due march fifteenth'],
  ['on 3/4', 'on march fourth'],
  ['by 1/2', 'by january second'],
  ['Tue 5/6', 'tuesday may sixth'],
  ['since 9/11', 'since nine eleven'],
  ['on 3/4 of the days', 'on three quarters of the days'],
  ['Add 1/2 cup and 3/4 tsp of salt', 'add one half cup and three quarters teaspoons of salt'],
  ['a 5/8 inch drill', 'a five eighths inch drill'],
  ['10 / 2 = 5', 'ten divided by two equals five'],
  ['120/80 mmHg', 'one hundred twenty over eighty millimeters of mercury'],
  // rooms, routes and forms
  ['221B Baker Street', 'two twenty one B baker street'],
  ['He lives at 221B Baker St.', 'he lives at two twenty one B baker street'],
  ['apartment 4B', 'apartment four B'],
  ['Room 12A', 'room twelve A'],
  ['seat 23F', 'seat twenty three F'],
  ['revenue of 3B', 'revenue of three billion'],
  ['a 10A fuse', 'a ten amps fuse'],
  ['$221B', 'two hundred twenty one billion dollars'],
  ['flight BA 24', 'flight B [[EY1]] twenty four'],
  ['IN 1984', 'in nineteen eighty four'],
  ['Boeing 747', 'boeing seven forty seven'],
  ['Highway 101', 'highway one oh one'],
  ['Form 1040', 'form ten forty'],
  ['my 401(k) plan', 'my four oh one K plan'],
  // telephone and other long figures
  ['Call 911 now', 'call nine one one now'],
  ['1-800-555-0199', 'one eight zero zero five five five zero one nine nine'],
  ['1-800-FLOWERS', 'one eight hundred flowers'],
  ['555.123.4567', 'five five five one two three four five six seven'],
  ['+44 20 7946 0958', 'plus four four two zero seven nine four six zero nine five eight'],
  ['(555) 123-4567 ext. 89', 'five five five one two three four five six seven extension eighty nine'],
  ['4111 1111 1111 1111', 'four one one one one one one one one one one one one one one one'],
  ['123-45-6789', 'one two three four five six seven eight nine'],
  ['1234567890', 'one two three four five six seven eight nine zero'],
  ['ZIP 90210', 'zip nine zero two one zero'],
  ['1 000 000', 'one million'],
  ["1'000'000", 'one million'],
  ['1.000.000', 'one million'],
  ['10 000 €', 'ten thousand euros'],
  // money
  ['$.50', 'fifty cents'],
  ['-$5', 'minus five dollars'],
  ['$-5', 'minus five dollars'],
  ['$1.5M-$2M', 'one point five million dollars to two million dollars'],
  ['$10-$20', 'ten to twenty dollars'],
  ['$1.5 billion', 'one point five billion dollars'],
  ['€ 5', 'five euros'],
  ['100 CHF', 'one hundred swiss francs'],
  ['0.5 BTC', 'zero point five bitcoins'],
  ['£3m', 'three million pounds'],
  ['5¢', 'five cents'],
  // dates and times
  ['Jan 5, 2024', 'january fifth twenty twenty four'],
  ['5 Jan 2024', 'the fifth of january twenty twenty four'],
  ['Mon, Jan 5', 'monday january fifth'],
  ['2024/01/05', 'january fifth twenty twenty four'],
  ['the 2023/24 season', 'the twenty twenty three twenty four season'],
  ['mid-1990s', 'mid nineteen nineties'],
  ['in her 30s', 'in her thirties'],
  ['wait 30s', 'wait thirty seconds'],
  ['c. 1500', 'circa fifteen hundred'],
  ['in 1066', 'in ten sixty six'],
  ['1,066', 'one thousand sixty six'],
  ['9:00-17:00', "nine o'clock to seventeen hundred"],
  ['9am-5pm', 'nine A M to five P M'],
  ['10-11 am', 'ten to eleven A M'],
  ['00:00', 'midnight'],
  ['2h30m', 'two hours thirty minutes'],
  ['1h 15m', 'one hour fifteen minutes'],
  ['3m 20s', 'three minutes twenty seconds'],
  ['2:05:30', 'two oh five and thirty seconds'],
  // units
  ['2 tbsp', 'two tablespoons'],
  ['1 tsp', 'one teaspoon'],
  ['30 mpg', 'thirty miles per gallon'],
  ['10 sq ft', 'ten square feet'],
  ['100 sq. ft.', 'one hundred square feet'],
  [`5'10"`, 'five foot ten'],
  ['5 ft 10 in', 'five feet ten inches'],
  ['10 in', 'ten inches'],
  ['10 in the morning', 'ten in the morning'],
  [`12' x 15'`, 'twelve by fifteen'],
  ['4 x 6', 'four by six'],
  ['2x4', 'two by four'],
  ['10x faster', 'ten times faster'],
  ['3.5x', 'three point five X'],
  ['72 bpm', 'seventy two beats per minute'],
  ['150 hp', 'one hundred fifty horsepower'],
  // formulas and code
  ['2^10', 'two to the power of ten'],
  ['x^2', 'X squared'],
  ['10⁶', 'ten to the power of six'],
  ['6.02×10²³', 'six point zero two times ten to the power of twenty three'],
  ['1e6', 'one times ten to the six'],
  ['1.5e-3', 'one point five times ten to the minus three'],
  ['H₂O', 'H two O'],
  ['CO₂', 'C O two'],
  ['latency < 5 ms', 'latency less than five milliseconds'],
  ['x >= 3', 'X is greater than or equal to three'],
  ['x != y', 'X does not equal Y'],
  ['if (x > 0 && y < 1)', 'if X greater than zero and Y less than one'],
  ['H.264', 'H two sixty four'],
  ['C++', 'C plus plus'],
  ['C# and F#', 'C sharp and F sharp'],
  ['.NET', 'dot net'],
  ['tell &amp; show', 'tell and show'],
  ['a note[^1] here', 'a note here'],
  ['a word¹ here', 'a word here'],
  ['<https://a.io>', '[[EY1]] dot I O'],
  // roman numerals
  ['World War I began', 'world war one began'],
  ['Chapter I', 'chapter one'],
  ['In this part I think', 'in this part I think'],
  ['Act II, Scene iv', 'act two scene four'],
  ['Super Bowl LVIII', 'super bowl fifty eight'],
  ['XXI century', 'twenty first century'],
  ["King Charles III's crown", 'king charles the thirds crown'],
  ['Queen Elizabeth I of England', 'queen elizabeth the first of england'],
  ['Pope John Paul II', 'pope john paul the second'],
  ['Malcolm X', 'malcolm X'],
  // letters and names
  ['AT&T', '[[EY1]] T and T'],
  ['R&D', 'R and D'],
  ['two CEOs', `two C E O’s`],
  ['our APIs', `our A P I’s`],
  ['TCP/IP', 'T C P I P'],
  ['J.R.R. Tolkien', 'J R R tolkien'],
  ['J. K. Rowling', 'J K rowling'],
  ['a B.Sc. in law', 'a B S C in law'],
  ['w/o sugar, w/ milk', 'without sugar with milk'],
  ['№ 5', 'number five'],
  ['Wi-Fi', 'wifi'],
  ['Sooooo gooood', 'so good'],
  ['whaaat', 'what'],
  ["1's and 0's", 'ones and zeros'],
  ['Hi :-) there <3', 'hi there'],
  ['100%!', 'one hundred percent'],
  ['Nguyễn', 'nguyen'],
];

describe('text as it is written in real life', () => {
  it.each(READINGS)('%j is read as %j', (written, said) => {
    expect(sounds(written)).toEqual(sounds(said));
  });

  it('leaves no letter and no figure out, and gives each its place', () => {
    const plain = fc.constantFrom(
      'Hello',
      'the',
      '12/25',
      '221B',
      '$3.50',
      '3.5x',
      '1e6',
      '10:30',
      '7',
      '1,204',
      'B2B',
      '5km',
      'x2',
      "don't",
    );
    const odd = fc
      .stringMatching(/^[A-Za-z0-9$€%.,:'/+-]{1,12}$/)
      .filter((word) => !/[:;=]['-]?[oOpPD]|[xX]D/.test(word));
    const texts = fc.array(fc.oneof(plain, odd), { maxLength: 12 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(texts, (text) => {
        const covered = new Set(
          readEnglish(text).flatMap(({ charStart, charEnd }) =>
            Array.from({ length: charEnd - charStart }, (_, i) => charStart + i),
          ),
        );
        const bare = Array.from(text, (character, i) =>
          /[A-Za-z0-9]/.test(character) && !covered.has(i) ? i : -1,
        ).filter((i) => i >= 0);

        expect(bare.map((i) => text.slice(Math.max(0, i - 5), i + 6))).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });
});
