/** Reads a stream of server-sent events (HTML Living Standard §9.2.6): the data of each, without names, ids and comments. */
import { VisavisError } from '../errors.ts';

/** Longer lines and events are no answer of a chat API. */
const MAX_EVENT_CHARACTERS = 1_048_576;

/** Text goes in as it comes, whole events come out. */
export class EventReader {
  #rest = '';
  #data: string[] = [];
  #dataCharacters = 0;

  /** The data of the events that this text completes. @throws {VisavisError} `chat_failed` when an event has no end. */
  push(text: string): string[] {
    const events: string[] = [];
    // A carriage return at the end may be half of a line's end.
    const pending = this.#rest + text;
    const isHalf = pending.endsWith('\r');
    const lines = (isHalf ? pending.slice(0, -1) : pending).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? '') + (isHalf ? '\r' : '');
    for (const line of lines) {
      if (line === '') events.push(...this.#dispatch());
      else this.#field(line);
    }
    if (this.#rest.length + this.#dataCharacters > MAX_EVENT_CHARACTERS) {
      throw new VisavisError(
        'chat_failed',
        `the model's server sent an event of more than ${MAX_EVENT_CHARACTERS} characters`,
      );
    }
    return events;
  }

  #field(line: string): void {
    const [, value] = /^data(?:: ?(.*))?$/s.exec(line) ?? [];
    if (value === undefined && line !== 'data') return;
    this.#data.push(value ?? '');
    this.#dataCharacters += (value ?? '').length;
  }

  #dispatch(): string[] {
    const data = this.#data;
    this.#data = [];
    this.#dataCharacters = 0;
    return data.length === 0 ? [] : [data.join('\n')];
  }
}

/** The data of each event of a body. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  const reader = new EventReader();
  for await (const bytes of body) yield* reader.push(decoder.decode(bytes, { stream: true }));
}
