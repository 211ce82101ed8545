/**
 * A conversation with the avatar: questions go to a language model, its answer goes to the voice as it is made. Only what was
 * heard of an answer becomes part of the conversation.
 */
import { VisavisError, asVisavisError } from '../errors.ts';
import type { ChatModel } from './chat-model.ts';
import { Conversation, type ConversationOptions } from './conversation.ts';

export type ChatReason = 'completed' | 'interrupted' | 'failed';

/** What a conversation tells. */
export type ChatEvent =
  | { readonly type: 'chat.started'; readonly utterance: string; readonly text: string }
  | { readonly type: 'chat.delta'; readonly utterance: string; readonly text: string }
  | {
      readonly type: 'chat.finished';
      readonly utterance: string;
      readonly reason: ChatReason;
      /** What was heard, and so what the model will know of its answer. */
      readonly text: string;
    };

/** Says the answers, each as one utterance. */
export interface ChatVoice {
  /** @throws {VisavisError} when it cannot be said. */
  append(utterance: string, text: string): void;
  end(utterance: string): void;
  interrupt(utterance: string): void;
}

export interface ChatOptions extends ConversationOptions {
  /** A longer answer is ended. */
  readonly answerCharacters: number;
}

export interface ChatSessionDeps {
  readonly model: ChatModel;
  readonly options: ChatOptions;
  readonly voice: ChatVoice;
  tell(event: ChatEvent): void;
  /** An answer that failed; what was made of it is said. */
  report(error: VisavisError, utterance: string): void;
}

interface Question {
  readonly utterance: string;
  readonly text: string;
}

/** The answer that is being made or said. */
interface Answer {
  readonly utterance: string;
  readonly abort: AbortController;
  /** Whether the voice has got some of it. */
  begun: boolean;
  characters: number;
  reason: ChatReason;
}

export class ChatSession {
  readonly #deps: ChatSessionDeps;
  readonly #conversation: Conversation;
  #answer: Answer | null = null;
  #next: Question | null = null;
  /** What was asked while another question waited; the model is told it, but it gets no answer of its own. */
  #unanswered = '';
  #closed = false;

  constructor(deps: ChatSessionDeps) {
    this.#deps = deps;
    this.#conversation = new Conversation(deps.options);
  }

  /**
   * The user says something. An answer that is being given is interrupted first.
   * @param utterance - The id that the answer will have.
   * @throws {VisavisError} `bad_text`, `text_too_long`, `bad_order`
   */
  ask(utterance: string, text: string): void {
    const { historyCharacters } = this.#deps.options;
    if (text.trim() === '') throw new VisavisError('bad_text', 'say something: the text is empty');
    if (text.length > historyCharacters) {
      throw new VisavisError(
        'text_too_long',
        `at most ${historyCharacters} characters may be said, got ${text.length}`,
      );
    }
    if (utterance === this.#answer?.utterance || utterance === this.#next?.utterance) {
      throw new VisavisError('bad_order', `"${utterance}" is the id of another answer; choose a new one`);
    }
    const question = { utterance, text };
    if (this.#answer === null) {
      this.#begin(question);
      return;
    }
    const { begun, utterance: current } = this.#answer;
    this.#keepUnanswered();
    this.#next = question;
    if (begun) this.#deps.voice.interrupt(current);
    this.interrupt(current);
  }

  /** Whether an answer is being made or said. */
  get busy(): boolean {
    return this.#answer !== null;
  }

  /**
   * Stops the model. What the voice still says is interrupted by whoever calls.
   * @param utterance - Only this answer; without it, any.
   * @returns whether that answer has not begun to be said, so that there is nothing else to interrupt.
   */
  interrupt(utterance?: string): boolean {
    const waiting = this.#next;
    if (waiting !== null && waiting.utterance === utterance) {
      this.#keepUnanswered();
      return true;
    }
    const answer = this.#answer;
    if (answer === null || (utterance !== undefined && answer.utterance !== utterance)) return false;
    if (answer.reason === 'completed') answer.reason = 'interrupted';
    answer.abort.abort();
    if (answer.begun) return false;
    this.#finish(answer, '');
    return true;
  }

  /** An utterance has ended, of which this was heard. */
  spoken(utterance: string, reason: 'completed' | 'interrupted', text: string): void {
    const answer = this.#answer;
    if (answer?.utterance !== utterance) return;
    answer.abort.abort();
    if (reason === 'interrupted' && answer.reason === 'completed') answer.reason = 'interrupted';
    this.#finish(answer, text);
  }

  /** Forgets what was said before; an answer that is being given goes on. */
  clear(): void {
    this.#unanswered = '';
    this.#conversation.clear();
  }

  /** Ends the request that may be under way. */
  close(): void {
    this.#closed = true;
    this.#next = null;
    this.#answer?.abort.abort();
  }

  /** A question that waits is not answered any more; it stays part of the conversation. */
  #keepUnanswered(): void {
    const question = this.#next;
    this.#next = null;
    if (question === null) return;
    const { historyCharacters } = this.#deps.options;
    this.#unanswered = `${this.#unanswered}${question.text}\n`.slice(-historyCharacters);
    this.#deps.tell({ type: 'chat.started', ...question });
    this.#deps.tell({ type: 'chat.finished', utterance: question.utterance, reason: 'interrupted', text: '' });
  }

  #begin(question: Question): void {
    const { utterance, text } = question;
    this.#conversation.ask(`${this.#unanswered}${text}`);
    this.#unanswered = '';
    const answer: Answer = {
      utterance,
      abort: new AbortController(),
      begun: false,
      characters: 0,
      reason: 'completed',
    };
    this.#answer = answer;
    this.#deps.tell({ type: 'chat.started', utterance, text });
    this.#run(answer).catch((error: unknown) => this.#fail(answer, error));
  }

  async #run(answer: Answer): Promise<void> {
    const { model, options } = this.#deps;
    for await (const piece of model.answer(this.#conversation.messages, answer.abort.signal)) {
      if (answer.abort.signal.aborted) return;
      this.#say(answer, piece);
      if (answer.characters >= options.answerCharacters) break;
    }
    if (answer.abort.signal.aborted) return;
    if (!answer.begun) throw new VisavisError('chat_failed', 'the model gave an empty answer; ask in other words');
    this.#deps.voice.end(answer.utterance);
  }

  #say(answer: Answer, piece: string): void {
    // An utterance of white space would have nothing to be heard.
    const text = answer.begun ? piece : piece.trimStart();
    if (text === '') return;
    this.#deps.voice.append(answer.utterance, text);
    answer.begun = true;
    answer.characters += text.length;
    this.#deps.tell({ type: 'chat.delta', utterance: answer.utterance, text });
  }

  /** What was made is said to its end, and kept. */
  #fail(answer: Answer, cause: unknown): void {
    if (this.#closed || this.#answer !== answer || answer.abort.signal.aborted) return;
    answer.reason = 'failed';
    answer.abort.abort();
    this.#deps.report(asVisavisError(cause, 'chat_failed'), answer.utterance);
    if (answer.begun) this.#deps.voice.end(answer.utterance);
    else this.#finish(answer, '');
  }

  #finish(answer: Answer, heard: string): void {
    if (this.#closed || this.#answer !== answer) return;
    this.#answer = null;
    this.#conversation.heard(heard);
    this.#deps.tell({ type: 'chat.finished', utterance: answer.utterance, reason: answer.reason, text: heard });
    const next = this.#next;
    this.#next = null;
    if (next !== null) this.#begin(next);
  }
}
