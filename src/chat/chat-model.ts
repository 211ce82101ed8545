/** What a conversation needs of a language model. */

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatModel {
  readonly name: string;
  /**
   * The model's answer, piece by piece as it is made. Aborting ends the request.
   * @throws {VisavisError} `chat_failed`; the signal's reason when that aborts.
   */
  answer(messages: readonly ChatMessage[], signal: AbortSignal): AsyncIterable<string>;
}
