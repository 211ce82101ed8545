/** What was said so far, as a language model is told it: bounded, and no more of an answer than was heard. */
import type { ChatMessage } from './chat-model.ts';

export interface ConversationOptions {
  readonly systemPrompt: string;
  /** Characters of questions and answers that are kept; the oldest go first. */
  readonly historyCharacters: number;
}

export class Conversation {
  readonly #options: ConversationOptions;
  #turns: ChatMessage[] = [];

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /** The user says something. After a question that was never answered it continues that one: some models want roles to alternate. */
  ask(text: string): void {
    const last = this.#turns.at(-1);
    if (last?.role === 'user') {
      const content = `${last.content}\n${text}`.slice(-this.#options.historyCharacters);
      this.#turns.splice(-1, 1, { role: 'user', content });
    } else this.#turns.push({ role: 'user', content: text });
    this.#trim();
  }

  /** The avatar was heard saying this; nothing, if it was interrupted before. */
  heard(text: string): void {
    const content = text.trim();
    if (content !== '' && this.#turns.at(-1)?.role === 'user') this.#turns.push({ role: 'assistant', content });
  }

  clear(): void {
    this.#turns = [];
  }

  /** The system prompt, then user and assistant by turns, beginning with the user. */
  get messages(): readonly ChatMessage[] {
    const { systemPrompt } = this.#options;
    return [...(systemPrompt === '' ? [] : [{ role: 'system', content: systemPrompt } as const]), ...this.#turns];
  }

  /** Forgets the oldest question with its answer until the rest fits; the last question stays. */
  #trim(): void {
    const length = () => this.#turns.reduce((sum, { content }) => sum + content.length, 0);
    while (this.#turns.length > 2 && length() > this.#options.historyCharacters) this.#turns.splice(0, 2);
  }
}
