/** Takes a model's thoughts out of its answer: some servers send them in front of it, between `<think>` and `</think>`. */

const OPEN = '<think>';
const CLOSE = '</think>';

/** Pieces of an answer go in, what is to be said comes out; a few characters may wait for the next piece. */
export class ThinkingFilter {
  #state: 'start' | 'thinking' | 'answering' = 'start';
  #held = '';

  push(piece: string): string {
    if (this.#state === 'answering') return piece;
    this.#held += piece;
    if (this.#state === 'start') {
      const begun = this.#held.trimStart();
      if (begun.length < OPEN.length && OPEN.startsWith(begun)) return '';
      this.#state = begun.startsWith(OPEN) ? 'thinking' : 'answering';
    }
    if (this.#state === 'answering') return this.flush();
    const end = this.#held.indexOf(CLOSE);
    if (end < 0) {
      this.#held = this.#held.slice(1 - CLOSE.length);
      return '';
    }
    this.#state = 'answering';
    this.#held = this.#held.slice(end + CLOSE.length);
    return this.flush();
  }

  /** What still waits when the answer ends. */
  flush(): string {
    const held = this.#state === 'thinking' ? '' : this.#held;
    this.#held = '';
    return held;
  }
}
