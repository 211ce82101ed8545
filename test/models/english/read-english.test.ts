import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEnglish } from '../../../src/models/english/index.ts';
import { ARPABET } from '../../../src/models/english/phones.ts';

/** What is said, without where it stands: the reading of one text can be given as another text. */
const sounds = (text: string) =>
  readEnglish(text)
    .flatMap(({ phonemes }) => phonemes)
    .map((phones) => phones.join(' '));

const marks = (text: string) =>
  readEnglish(text)
    .filter(({ phonemes }) => phonemes.length > 0)
    .map(({ text: token, punctuation }) => token + punctuation)
    .join(' ');

const READINGS: readonly (readonly [written: string, said: string])[] = [
  // whole numbers, decimals, signs
  ['0', 'zero'],
  ['7', 'seven'],
  ['42 cats', 'forty two cats'],
  ['1,204', 'one thousand two hundred four'],
  ['1000000', 'one million'],
  ['12,345,678', 'twelve million three hundred forty five thousand six hundred seventy eight'],
  ['3.14', 'three point one four'],
  ['.5', 'point five'],
  ['-5', 'minus five'],
  ['It is −5 today', 'it is minus five today'],
  ['007', 'zero zero seven'],
  ['5 + 3 = 8', 'five plus three equals eight'],
  ['6 × 7', 'six times seven'],
  // ordinals
  ['the 1st', 'the first'],
  ['the 22nd of May', 'the twenty second of may'],
  ['the 3rd, 4th and 100th', 'the third fourth and one hundredth'],
  // money
  ['$3.50', 'three dollars and fifty cents'],
  ['$1', 'one dollar'],
  ['$1.01', 'one dollar and one cent'],
  ['$0.99', 'ninety nine cents'],
  ['$1,200', 'one thousand two hundred dollars'],
  ['£5.20', 'five pounds and twenty pence'],
  ['€10', 'ten euros'],
  ['3 €', 'three euros'],
  ['$5 million', 'five million dollars'],
  ['$2.5B', 'two point five billion dollars'],
  ['$5-10', 'five to ten dollars'],
  ['20 USD', 'twenty dollars'],
  ['¥500', 'five hundred yen'],
  // percent
  ['50%', 'fifty percent'],
  ['5.5 %', 'five point five percent'],
  ['10-15%', 'ten to fifteen percent'],
  // years and dates
  ['1984', 'nineteen eighty four'],
  ['in 1905', 'in nineteen oh five'],
  ['1900', 'nineteen hundred'],
  ['2000', 'two thousand'],
  ['2005', 'two thousand five'],
  ['2024', 'twenty twenty four'],
  ['the 1980s', 'the nineteen eighties'],
  ["the '90s", 'the nineties'],
  ['1914–1918', 'nineteen fourteen to nineteen eighteen'],
  ['2024-03-05', 'march fifth twenty twenty four'],
  ['3/4/2024', 'march fourth twenty twenty four'],
  ['24.12.2023', 'december twenty fourth twenty twenty three'],
  ['March 3rd, 2024', 'march third twenty twenty four'],
  ['March 3, 2024', 'march third twenty twenty four'],
  ['Jan. 5', 'january fifth'],
  ['3 March 2024', 'the third of march twenty twenty four'],
  // times
  ['10:30', 'ten thirty'],
  ['at 5:05 p.m. we', 'at five oh five P M we'],
  ['5pm', 'five P M'],
  ['10:00', "ten o'clock"],
  ['7:00 am', 'seven A M'],
  ['17:45', 'seventeen forty five'],
  ['Mon-Fri', 'monday to friday'],
  ['on Tues. we', 'on tuesday we'],
  // telephone
  ['555-1234', 'five five five one two three four'],
  ['(555) 123-4567', 'five five five one two three four five six seven'],
  ['+1 555 123 4567', 'plus one five five five one two three four five six seven'],
  // units
  ['5 km', 'five kilometers'],
  ['1 km', 'one kilometer'],
  ['5kg', 'five kilograms'],
  ['100 km/h', 'one hundred kilometers per hour'],
  ['25°C', 'twenty five degrees celsius'],
  ['-3 °F', 'minus three degrees fahrenheit'],
  ['16GB', 'sixteen gigabytes'],
  ['200 MB', 'two hundred megabytes'],
  ['6 ft', 'six feet'],
  ['20 m²', 'twenty square meters'],
  ['3.5mm', 'three point five millimeters'],
  ['2000 kg', 'two thousand kilograms'],
  ['250ms', 'two hundred fifty milliseconds'],
  ['45°', 'forty five degrees'],
  // ranges, fractions, ratios
  ['10-15', 'ten to fifteen'],
  ['pages 3–7', 'pages three to seven'],
  ['1/2', 'one half'],
  ['3/4', 'three quarters'],
  ['2/3 of it', 'two thirds of it'],
  ['½', 'one half'],
  ['3½', 'three and a half'],
  ['2 1/4', 'two and a quarter'],
  ['50/50', 'fifty fifty'],
  ['10 m²', 'ten square meters'],
  ['x²', 'X squared'],
  ['4K', 'four K'],
  ['10M', 'ten million'],
  ['24/7', 'twenty four seven'],
  ['3:1', 'three to one'],
  ['1920x1080', 'nineteen twenty by ten eighty'],
  ['version 2.0.1', 'version two point zero point one'],
  // roman numerals
  ['Henry VIII', 'henry the eighth'],
  ['World War II', 'world war two'],
  ['Chapter IV', 'chapter four'],
  ['Rocky III', 'rocky three'],
  ['I think', 'I think'],
  // letters, acronyms, mixed case
  ['the FBI', 'the F B I'],
  ['RSS', 'R S S'],
  ['NASA', 'nasa'],
  ['the US', 'the U S'],
  ['U.S. law', 'U S law'],
  ['STOP IT NOW', 'stop it now'],
  ['GPT-4', 'G P T four'],
  ['COVID-19', 'covid nineteen'],
  ['B2B', 'B two B'],
  ['iPhone', 'iphone'],
  ['JavaScript', 'javascript'],
  ['OpenStreetMap', 'open street map'],
  ['snake_case', 'snake case'],
  ['Plan B', 'plan B'],
  // abbreviations
  ['Mr. Smith', 'mister smith'],
  ['Dr. Jones', 'doctor jones'],
  ['St. John', 'saint john'],
  ['5 Main St. is', 'five main street is'],
  ['e.g. this', 'for example this'],
  ['cats, dogs, etc.', 'cats dogs et cetera'],
  ['No. 5', 'number five'],
  ['no.', 'no'],
  ['J. Smith', 'J smith'],
  ['#1', 'number one'],
  // addresses
  ['x.b@mail.com', 'X dot B at mail dot com'],
  ['https://example.com/a', 'example dot com slash A'],
  ['www.test.org', 'W W W dot test dot org'],
  ['example.io', 'example dot I O'],
  ['index.css', 'index dot C S S'],
  ['@sam', 'at sam'],
  // contractions and quotes
  ["don't", 'don’t'],
  ['it’s', "it's"],
  ["GitHub's", "github's"],
  [`5'10"`, 'five foot ten'],
  ['in NYC', 'in N Y C'],
  ['CO2', 'C O two'],
  ['H2O', 'H two O'],
  ['“Hello”', 'hello'],
  ['‘hello’ he said', 'hello he said'],
  ['rock ’n’ roll', "rock 'n roll"],
  ['R&B', 'R and B'],
  ['and/or', 'and or'],
  ['well-known', 'well known'],
  // markup
  ['**bold** and _slanted_', 'bold and slanted'],
  ['un**believ**able', 'unbelievable'],
  ['# Title', 'title'],
  ['- one\n- two', 'one two'],
  ['see [the page](https://a.b/c)', 'see the page'],
  ['![a cat](cat.png)', 'a cat'],
  ['`code`', 'code'],
  ['```js\ncode\n```', 'code'],
  ['> quoted', 'quoted'],
  ['<b>bold</b>', 'bold'],
  ['wait <break time="1s"/> here', 'wait here'],
  ['a < b', 'A less than B'],
  // accents and other scripts
  ['café', 'cafe'],
  ['cafe\u0301', 'cafe'],
  ['naïve', 'naive'],
  ['ｈｅｌｌｏ', 'hello'],
  ['soft\u00adware', 'software'],
  ['你好 hello', 'hello'],
  ['привет', ''],
  ['🙂', ''],
  ['great👍', 'great'],
  ['\u0000\u0007hi', 'hi'],
  // raw phonemes
  ['say [[HH AH0 L OW1]] now', 'say hello now'],
];

/** Processor time, µs, that reading 100 kB takes only when its cost grows with the square of the length. */
const QUADRATIC_US = 10_000_000;

describe('readEnglish', () => {
  it.each(READINGS)('reads %j as %j', (written, said) => {
    expect(sounds(written)).toEqual(sounds(said));
  });

  it('gives each visible token once, with its place in the text', () => {
    const text = 'It costs $3.50, “really”! 👍';

    const words = readEnglish(text);

    expect(words.map((word) => word.text)).toEqual(['It', 'costs', '$3.50', 'really', '👍']);
    expect(words.map(({ charStart, charEnd }) => text.slice(charStart, charEnd))).toEqual(
      words.map((word) => word.text),
    );
    expect(words[2]?.phonemes).toHaveLength(5);
    expect(words[4]?.phonemes).toEqual([]);
  });

  it.each([
    ['Hello, world.', 'Hello, world.'],
    ['Really?! Yes!', 'Really? Yes!'],
    ['one (two) three', 'one, two, three'],
    ['one — two', 'one, two'],
    ['one—two', 'one, two'],
    ['one -- two', 'one, two'],
    ['one - two', 'one, two'],
    ['wait... what', 'wait, what'],
    ['wait… what', 'wait, what'],
    ['first; second: third', 'first, second, third'],
    ['He said "stop." Then', 'He said stop. Then'],
    ['Mr. Smith, Jr. came', 'Mr. Smith, Jr. came'],
    ['in the U.S. He', 'in the U.S.. He'],
    ['# Title\ntext', 'Title. text'],
    ['- one\n- two', 'one. two'],
    ['one\ntwo', 'one two'],
    ['one\n\ntwo', 'one. two'],
  ])('hears the marks of %j as %j', (text, heard) => {
    expect(marks(text)).toBe(heard);
  });

  it('says "the" before a vowel sound as DH IY0, whatever the spelling', () => {
    expect(sounds('the apple')[0]).toBe('DH IY0');
    expect(sounds('the hour')[0]).toBe('DH IY0');
    expect(sounds('the unit')[0]).toBe('DH AH0');
    expect(sounds('the 8th')[0]).toBe('DH IY0');
    expect(sounds('the $1 note')[0]).toBe('DH AH0');
  });

  it.each([
    'A.',
    'A!',
    'A, B, C',
    'A B C',
    'A. B. C.',
    'Plan A failed',
    'Vitamin A is',
    'B A D',
    'Is this C I A or not?',
  ])('names the letter in %j', (text) => {
    expect(sounds(text)).toContain('EY1');
    expect(sounds(text)).not.toContain('AH0');
  });

  it.each(['A dog', 'A U.S. city', 'A Boston man', 'A 5 is big', 'This Is A test'])(
    'says the article in %j',
    (text) => {
      expect(sounds(text)).toContain('AH0');
    },
  );

  it.each([
    ['a dog', 'AH0'],
    ['to me', 'T AH0'],
    ['hello', 'HH AH0 L OW1'],
    ["dog's", 'D AO1 G Z'],
    ['blorged', 'B L AO1 R JH D'],
    ['PDFs', 'P IY2 D IY2 EH1 F S'],
  ])('pronounces %j from its beginning as %j', (text, phones) => {
    expect(sounds(text)[0]).toBe(phones);
  });

  it('reads 100 kB of words that it does not know at a cost that grows with its length and no faster', () => {
    const name = (i: number) =>
      `zu${Array.from(String(i * 7919), (digit) => 'aebodiluzt'.charAt(Number(digit))).join('')}`;
    const text = Array.from({ length: 10_000 }, (_, i) => name(i)).join(' ');

    const start = process.cpuUsage();
    readEnglish(text);

    expect(process.cpuUsage(start).user).toBeLessThan(QUADRATIC_US);
  });

  it('gives valid places and known phonemes for any string', () => {
    const pieces = fc.constantFrom(
      '3',
      '$',
      '.5',
      '-',
      ' ',
      '\n',
      'km',
      '%',
      '°C',
      '[[',
      'AH0',
      ']]',
      '**',
      '_',
      '`',
      '<b',
      '>',
      '(',
      ')',
      '](',
      '[',
      'http://',

      "'",
      's',
      '@',
      'a.b',
      '.com',
      'Dr.',
      'U.S.',
      '½',
      '℅',
      '👩‍👩‍👧',
      '\ud83d',
      'é',
      '你',
      ':',
      '10:30',
      '/',
      ',000',
      'st',
      'VIII',
      'Henry',
      'the',
      '#',
    );
    const strings = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(strings, (text) => {
        let end = 0;
        for (const word of readEnglish(text)) {
          expect(word.charStart).toBeGreaterThanOrEqual(end);
          expect(word.charEnd).toBeGreaterThan(word.charStart);
          expect(word.text).toBe(text.slice(word.charStart, word.charEnd));
          expect(['', ',', '.', '?', '!']).toContain(word.punctuation);
          for (const phones of word.phonemes) {
            expect(phones.length).toBeGreaterThan(0);
            expect(phones.filter((phone) => !ARPABET.has(phone))).toEqual([]);
          }
          end = word.charEnd;
        }
        expect(end).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['sentences', 'The quick brown fox paid $3.50 on March 3rd, 2024, and Dr. Brown ran 5 km. '],
    ['one word', 'a'],
    ['dots', '.'],
    ['digits', '7'],
    ['digits and commas', '1,'],
    ['open brackets', '['],
    ['open tags', '<a '],
    ['stars', '*'],
    ['underscores', '_a'],
    ['hyphens', 'a-'],
    ['dotted letters', 'a.'],
    ['at signs', 'a@'],
    ['slashes', '1/'],
    ['quotes', "'"],
    ['spaces', ' '],
    ['lines', '\n'],
    ['tabs and lines', ' \t\n'],
    ['emoji', '👍'],
    ['Chinese', '你好'],
    ['backticks', '`'],
    ['pipes', '| '],
    ['parentheses', '[a]('],
    ['colons', '1:'],
    ['plus signs', '+1 '],
  ])('reads 100 kB of %s at a cost that grows with its length and no faster', (_, unit) => {
    const text = unit.repeat(Math.ceil(100_000 / unit.length));

    const start = process.cpuUsage();
    readEnglish(text);

    expect(process.cpuUsage(start).user).toBeLessThan(QUADRATIC_US);
  });
});
