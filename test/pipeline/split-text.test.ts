import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TextChunk } from '../../src/media.ts';
import { createTextSplitter } from '../../src/pipeline/split-text.ts';

/** All chunks of a text that comes in these pieces. */
const split = (deltas: readonly string[]): TextChunk[] => {
  const splitter = createTextSplitter();
  return [...deltas.flatMap((delta) => splitter.push(delta)), ...splitter.end()];
};

const show = (chunks: readonly TextChunk[]) => chunks.map(({ text }) => text).join('|');

/** A first chunk is behind us: "Go on. |" has been cut off already. */
const LATER = 'Go on. |';

/** Where these texts are cut, whether they come whole or by the character. */
const CUTS: readonly string[] = [
  // the first chunk: a clause of three words, or a sentence
  'Hello.',
  'Hello. |How are you?',
  'Yes! |Of course.',
  'Well, I think so.',
  'As you know, |it is late.',
  'I came, I saw, |I won.',
  'Let me see: |it is red.',
  'It was late; |we left.',
  'We were tired — |all of us — and cold.',
  'He is here (I think) and well.',
  'Is it so? |Yes.',
  'Oh no! |Wait.',
  'Wait... what is that?',
  'Wait... |What is that?',
  'Wait… |What is that?',
  '“Come in,” she said, |“and sit down.”',
  '"Stop!" |He ran.',
  '(Really.) |Yes.',
  // the first chunk: eight words
  'one two three four five six seven eight |nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen.',
  'this sentence has no clause before its tenth |word comes along and then it goes on for quite some time more.',
  'the people who came to see the old |house that stands upon a hill beyond river and wood were many.',
  // sentences
  `${LATER}I am here. |You are there.`,
  `${LATER}Who is it? |It is me!  |Come in.`,
  `${LATER}He said “Stop.” |Then he left.`,
  `${LATER}He said "Stop." |Then he left.`,
  `${LATER}He left (at last). |She stayed.`,
  `${LATER}**Bold.** |Then plain.`,
  `${LATER}What?! |No!`,
  `${LATER}Hm... |Right.`,
  `${LATER}Hm... right you are.`,
  `${LATER}“No!” she cried out loud.`,
  `${LATER}Wow! nice. |Good.`,
  `${LATER}She came, saw and won. |Then she left.`,
  // abbreviations
  `${LATER}Mr. Smith is here. |Good.`,
  `${LATER}Mrs. Jones and Ms. Brown met. |Fine.`,
  `${LATER}Dr. Who saw Prof. Plum. |Fine.`,
  `${LATER}St. John is a saint. |Fine.`,
  `${LATER}Gen. Grant met Col. Mustard. |Fine.`,
  `${LATER}We like fruit, e.g. apples. |Fine.`,
  `${LATER}It is late, i.e. dark. |Fine.`,
  `${LATER}Cats, dogs, etc. are pets. |Fine.`,
  `${LATER}Cats, dogs, etc. |They are pets.`,
  `${LATER}He lives in the U.S. now. |Fine.`,
  `${LATER}The U.S. Army came. |Fine.`,
  `${LATER}J. R. R. Tolkien wrote it. |Fine.`,
  `${LATER}John F. Kennedy spoke. |Fine.`,
  `${LATER}So do I. |Come.`,
  `${LATER}At 5 p.m. we left. |Fine.`,
  `${LATER}We left at 5 p.m. |Then we slept.`,
  `${LATER}See No. 5 there. |Fine.`,
  `${LATER}I say no. |Fine.`,
  `${LATER}Look at fig. 3 now. |Fine.`,
  `${LATER}On Jan. 5 it rained. |Fine.`,
  `${LATER}Smith vs. Jones is on. |Fine.`,
  `${LATER}Acme Inc. makes it. |Fine.`,
  `${LATER}He works for Acme Inc. |She does not.`,
  `${LATER}She has a Ph.D. in law. |Fine.`,
  `${LATER}Martin Luther King Jr. spoke. |Fine.`,
  `${LATER}Capt. Kirk and Lt. Uhura left. |Fine.`,
  `${LATER}Mt. Everest is high. |Fine.`,
  `${LATER}Approx. 5 came. |Fine.`,
  // numbers
  `${LATER}It costs $3.50 now. |Fine.`,
  `${LATER}It is 3.14 or so. |Fine.`,
  `${LATER}There are 1,204.50 of them. |Fine.`,
  `${LATER}I have 5. |You have 6.`,
  `${LATER}It was 1984. |Then 1985.`,
  `${LATER}Use version 2.0.1 now. |Fine.`,
  `${LATER}At 10:30 we go. |Fine.`,
  `${LATER}On March 3, 2024, we left. |Fine.`,
  'On March 3, 2024, |we left town.',
  'There are 1, 2, 3, |and more to come.',
  `${LATER}Call (555) 123-4567. |Fine.`,
  `${LATER}It is .5 of it. |Fine.`,
  `${LATER}It rose by 5%. |Fine.`,
  // addresses
  `${LATER}See https://a.b/c?d=e!f now. |Fine.`,
  `${LATER}See www.test.com. |Fine.`,
  `${LATER}Write to a.b@mail.com now. |Fine.`,
  `${LATER}Open index.html first. |Fine.`,
  `${LATER}Use Node.js here. |Fine.`,
  `${LATER}Visit example.com/a.b?c today. |Fine.`,
  'Go to http://a.b/c,d;e:f now please.',
  // tags and brackets
  `${LATER}Wait <break time="1. 5s"/> here. |Fine.`,
  `${LATER}It is <b title="a. B">bold</b>. |Fine.`,
  `${LATER}He (Dr. X. Yes.) is here. |Fine.`,
  `${LATER}See [the page. Now](https://a.b). |Fine.`,
  `${LATER}Say [[HH AH0 L OW1]] now. |Fine.`,
  `${LATER}It {is. So} it is. |Fine.`,
  'He came (as you know, late) and sat.',
  `${LATER}I am sad :( But I go. |Fine.`,
  `${LATER}A (b. C`,
  `${LATER}5 < 6. |Fine.`,
  // lines
  `${LATER}One\n\n|two`,
  `${LATER}List:\n|- one\n|- two\n|- three`,
  `${LATER}# Title\n\n|Text.`,
  `${LATER}1. One\n|2. Two\n|3. Three`,
  `${LATER}Here:\n|* one\n|* two`,
  `${LATER}First line\nsecond line.`,
  '1. One thing.',
  // other scripts
  '你好。|我很好。|再见！',
  '你好吗？|好。',
  'こんにちは。|元気ですか？|はい。',
  '「はい。」|そうです。',
  '今天天气很好，|我们去公园吧。',
  'مرحبا. |كيف حالك؟ |بخير.',
  'یہ اچھا ہے۔ |شکریہ۔',
  'नमस्ते। |आप कैसे हैं? |ठीक।',
  'আমি ভালো। |তুমি?',
  'Привет. |Как дела?',
  'Բարեւ։ |Ինչպես ես։',
  `${LATER}Это дом. |Да.`,
  'สวัสดี ครับ',
  'ជំរាបសួរ។|អរគុណ។',
  'မင်္ဂလာပါ။|ကျေးဇူးတင်ပါတယ်။',
  'ሰላም። |እንዴት ነህ?',
  'வணக்கம். |நன்றி.',
  'ಹೇಗಿದ್ದೀರಿ? |ಚೆನ್ನಾಗಿ.',
  'ಸರಿ॥ |ಹೌದು।',
  'היי. |מה שלומך?',
  'سلام؛ خوبم، مرسی.',
  'هل أنت بخير؟ |نعم!',
  '¿Qué tal? |¡Bien!',
  'Здравствуйте… |Как дела?',
  '他说：“好的。”|然后走了。',
  '价格是3.50元。|很便宜。',
  '他有1,204.5元，我没有。',
  '「行こう！」|と言った。',
  `${LATER}Er kommt z.B. morgen. |Gut.`,
  `${LATER}Frau Dr. Weiß und Nr. 5 sind da. |Gut.`,
  `${LATER}La Sra. García vino. |Bien.`,
  `${LATER}Mme. Dupont est là. |Bien.`,
  // token streams of language models
  `${LATER}Use \`a.b(c); d.e()\` here. |Fine.`,
  `${LATER}Call \`x. Y\`. |Fine.`,
  `${LATER}\`\`\`js\nlet a = 1;\n\`\`\`\nDone.`,
  `${LATER}It is **very. |Very** big. |Fine.`,
  `${LATER}It is *so*! |Fine.`,
  `${LATER}Sure! |Here it is:\n\n|1. **One**: a thing.\n|2. **Two**: another.`,
  `${LATER}## Steps\n\n|Do this.\n\n|Then that.`,
  `${LATER}> A quote. |More of it.\n\n|After.`,
  `${LATER}See [1]. |And [2].`,
  `${LATER}It works [see (a. B)]. |Fine.`,
  `${LATER}He said (“Stop. Now.”) twice. |Fine.`,
  `${LATER}The file a_b.ts is here. |Fine.`,
  `${LATER}Version v1.2.3-beta.4 is out. |Fine.`,
  `${LATER}Mail me at a+b@c.co.uk. |Fine.`,
  `${LATER}Try http://localhost:8080/. |Fine.`,
  `${LATER}Go to [a](http://b.c/d). |Fine.`,
  `${LATER}<speak>Hi. |There.</speak> |Fine.`,
  // numbers and money
  `${LATER}It is -3.5 °C. |Fine.`,
  `${LATER}He paid US$3.5 million. |Fine.`,
  `${LATER}The ratio is 16:9. |Fine.`,
  `${LATER}At 5:30 a.m. it rang. |Fine.`,
  `${LATER}It was 3 p.m. |Then 4.`,
  `${LATER}On 3.4.2024 it began. |Fine.`,
  `${LATER}The IP is 192.168.0.1. |Fine.`,
  `${LATER}Pages 3, 4, and 5. |Fine.`,
  `${LATER}It has 1.5M users. |Fine.`,
  `${LATER}She is no. 1. |Fine.`,
  `${LATER}No. 10 it is. |Fine.`,
  `${LATER}Vol. 3, ch. 4, p. 5. |Fine.`,
  `${LATER}Sec. 2.1 says so. |Fine.`,
  'Call me at 555-1234, |then we talk.',
  'It costs $3.50, 20% less, |than it did before.',
  // names and abbreviations
  `${LATER}Rev. Green and Hon. Judge Lee met. |Fine.`,
  `${LATER}Sen. Warren and Rep. Lewis spoke. |Fine.`,
  `${LATER}Messrs. Brown and Lee left. |Fine.`,
  `${LATER}Lee et al. found it. |Fine.`,
  `${LATER}Washington, D.C. is big. |Fine.`,
  `${LATER}The U.K. and the E.U. met. |Fine.`,
  `${LATER}M.I.T. students came. |Fine.`,
  `${LATER}George W. Bush won. |Fine.`,
  `${LATER}It is Vitamin C. |Fine.`,
  `${LATER}Plan B. is on.`,
  `${LATER}Yahoo! is a firm. |Fine.`,
  `${LATER}I live on Main St. in town. |Fine.`,
  `${LATER}See p. 5 and pp. 6-7. |Fine.`,
  `${LATER}Born c. 1500. |Died 1560.`,
  // emoji and stray marks
  `${LATER}Great 👍. |Fine.`,
  `${LATER}Great! |👍 Fine.`,
  '👍 Yes. |No.',
  '... Yes. |No.',
  '   Hello. |There.   ',
  '',
  ' ',
  '\n\n',
  '.',
  '!?',
  '👍',
];

describe('createTextSplitter', () => {
  it.each(CUTS)('cuts %j', (cut) => {
    const text = cut.replaceAll('|', '');

    expect(show(split([text]))).toBe(cut);
    expect(show(split(Array.from(text)))).toBe(cut);
  });

  it('joins to the text, and counts characters from its beginning, for any text in any pieces with any pauses', () => {
    const pieces = fc.constantFrom(
      'Mr. ',
      'U.S.',
      '. ',
      '! ',
      ', ',
      '(',
      ')',
      '[',
      ']',
      '<b',
      '>',
      '"',
      '\n',
      '- ',
      ' ',
      '3',
      ',',
      '.',
      '5 ',
      'word ',
      'the ',
      'http://a.b/',
      '。',
      '你好',
      '👍',
      '\ud83d',
      '…',
      ':(',
      'a'.repeat(90),
      ' '.repeat(150),
    );
    const deltas = fc.array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 8 }), fc.constant(undefined)), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(deltas, (steps) => {
        const splitter = createTextSplitter();
        const chunks = steps.flatMap((step) => (step === undefined ? splitter.idle() : splitter.push(step)));
        chunks.push(...splitter.end());

        expect(chunks.map(({ text }) => text).join('')).toBe(steps.join(''));
        let at = 0;
        for (const { text, charStart } of chunks) {
          expect(charStart).toBe(at);
          expect(text).not.toBe('');
          at += text.length;
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('cuts only between words, however the text comes', () => {
    const words = fc.array(fc.constantFrom('Hello', 'the', 'cat,', 'sat.', 'on', '3.50', '(a', 'mat)', 'e.g.', 'it;'), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        words,
        fc.array(fc.integer({ min: 1, max: 9 })),
        fc.array(fc.boolean()),
        (tokens, lengths, pauses) => {
          const text = tokens.join(' ');
          const splitter = createTextSplitter();
          const chunks: TextChunk[] = [];
          for (let at = 0, i = 0; at < text.length; i++) {
            const length = lengths[i % (lengths.length || 1)] ?? 4;
            chunks.push(...splitter.push(text.slice(at, at + length)));
            if (pauses[i] === true) chunks.push(...splitter.idle());
            at += length;
          }
          chunks.push(...splitter.end());

          for (const { charStart } of chunks) expect(text.slice(0, charStart)).toMatch(/^$|\s$|[.,;)]$/);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives the same chunks by the character as by the word once the first is out', () => {
    const text =
      'Well then, here we go. It is 3.50 (or so. Yes) and Mr. X. came. No. 5 is, i.e. was, alive! And so on.';

    expect(show(split(Array.from(text)))).toBe(show(split(text.split(/(?<= )/))));
  });

  it('waits for what follows a terminator', () => {
    const splitter = createTextSplitter();

    expect(splitter.push('It costs 3.')).toEqual([]);
    expect(splitter.push('50 now.')).toEqual([]);
    expect(splitter.push(' ')).toEqual([]);
    expect(splitter.push('G')).toEqual([{ text: 'It costs 3.50 now. ', charStart: 0 }]);
    expect(splitter.end()).toEqual([{ text: 'G', charStart: 19 }]);
  });

  it('gives the words that there are when no text comes, but not a word that may go on', () => {
    const splitter = createTextSplitter();
    splitter.push('I do not kn');

    const early = splitter.idle();
    splitter.push('ow');

    expect(show(early)).toBe('I do not ');
    expect(show(splitter.end())).toBe('know');
  });

  it('takes silence after a terminator for the end of the sentence', () => {
    const splitter = createTextSplitter();
    splitter.push('Hello.');

    expect(show(splitter.idle())).toBe('Hello.');
    splitter.push(' And here I');
    expect(splitter.idle()).toEqual([]);
    splitter.push(' am.');
    expect(show(splitter.idle())).toBe(' And here I am.');
  });

  it.each([
    'It costs 3.',
    'There are 1,',
    'Meet me at 10:',
    'See www.test.',
    'Write to a.b@mail.',
    'Look at https://a.b/c?page.',
  ])('holds %j in a pause, as it may go on, and gives it in a second one', (text) => {
    const splitter = createTextSplitter();
    splitter.push('Go on. ');
    splitter.push(text);
    const after = (chunks: readonly TextChunk[]) => chunks.filter(({ charStart }) => charStart > 0);

    expect(after(splitter.idle())).toEqual([]);
    expect(show(after(splitter.idle()))).toBe(text);
  });

  it('gives nothing for silence alone', () => {
    const splitter = createTextSplitter();

    expect([
      ...splitter.idle(),
      ...splitter.push(''),
      ...splitter.idle(),
      ...splitter.end(),
      ...splitter.end(),
    ]).toEqual([]);
  });

  it('cuts a long sentence at a clause, else between words that do not lean on each other', () => {
    const clause = `Go on. ${'some words of it '.repeat(8)}here, ${'and more of the same '.repeat(8)}end.`;
    const plain = `Go on. ${'some words of the thing '.repeat(20)}end.`;

    const [, first] = split([clause]);
    const chunks = split([plain]);

    expect(first?.text.endsWith('here, ')).toBe(true);
    expect(chunks.every(({ text }) => text.length <= 200)).toBe(true);
    expect(chunks.slice(1, -1).every(({ text }) => !/ (?:of|the) $/.test(text))).toBe(true);
  });

  it('keeps chunks to 200 characters whatever comes', () => {
    for (const unit of ['a', 'word ', '你', '👍', '(', '<b ', ' ', '3,', 'a(b ', '.', '\n']) {
      const chunks = split([unit.repeat(2000)]);

      expect(Math.max(...chunks.map(({ text }) => text.length))).toBeLessThanOrEqual(200);
      expect(chunks.every(({ text }) => !/[\ud800-\udbff]$/.test(text))).toBe(true);
    }
  });

  it('keeps a long address whole', () => {
    const address = `https://example.com/${'path/'.repeat(100)}`;

    const chunks = split([`Go on. See ${address} now. Fine.`]);

    expect(chunks.some(({ text }) => text.includes(address))).toBe(true);
  });

  it('splits 300 kB, with marks or without, at a cost that does not grow with the text (or this test would time out)', () => {
    const text = 'The quick brown fox paid $3.50 on March 3rd, 2024, and (as Dr. Brown said) ran 5 km. '.repeat(3600);

    expect(split([text]).length).toBeGreaterThan(3600 / 2);
    expect(split([text.replaceAll(/[ .,]/g, '')]).length).toBeGreaterThan(1000);
  });
});
