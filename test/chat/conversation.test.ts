import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Conversation } from '../../src/chat/conversation.ts';

const create = (historyCharacters = 1000) => new Conversation({ systemPrompt: 'Be kind.', historyCharacters });

describe('a conversation', () => {
  test('tells the model who it is, and what was asked and heard', () => {
    const conversation = create();
    conversation.ask('Who are you?');
    conversation.heard(' I am Alex. ');
    conversation.ask('Nice to meet you.');

    expect(conversation.messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Who are you?' },
      { role: 'assistant', content: 'I am Alex.' },
      { role: 'user', content: 'Nice to meet you.' },
    ]);
  });

  test('joins a question to the one before when nothing was heard between them', () => {
    const conversation = create();
    conversation.ask('One');
    conversation.heard('  ');
    conversation.ask('Two');

    expect(conversation.messages.at(-1)).toEqual({ role: 'user', content: 'One\nTwo' });
  });

  test('forgets all when it is cleared', () => {
    const conversation = create();
    conversation.ask('One');
    conversation.heard('Two');
    conversation.clear();

    expect(conversation.messages).toEqual([{ role: 'system', content: 'Be kind.' }]);
  });

  test('is bounded, begins and ends with the user, and roles alternate, whatever is said', () => {
    const turn = fc.record({
      question: fc.string({ minLength: 1, maxLength: 60 }),
      answer: fc.string({ maxLength: 60 }),
    });
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 30 }), fc.string({ minLength: 1, maxLength: 60 }), (turns, last) => {
        const conversation = create(200);
        for (const { question, answer } of turns) {
          conversation.ask(question);
          conversation.heard(answer);
        }
        conversation.ask(last);

        const [system, ...rest] = conversation.messages;
        expect(system?.role).toBe('system');
        expect(rest.map(({ role }) => role)).toEqual(rest.map((_, i) => (i % 2 === 0 ? 'user' : 'assistant')));
        expect(rest.length % 2).toBe(1);
        expect(rest.at(-1)?.content.endsWith(last)).toBe(true);
        // Its last turn may go over the bound alone: the question, which is bounded itself.
        expect(rest.slice(0, -1).reduce((sum, { content }) => sum + content.length, 0)).toBeLessThanOrEqual(260);
      }),
    );
  });
});
