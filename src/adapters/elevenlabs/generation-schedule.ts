/** A client that says "try" is heeded from so many characters on: the least that a schedule may have. */
const LEAST_CHARACTERS = 50;

/**
 * `chunk_length_schedule`: the n-th generation begins when so many characters have come; the last number goes on. Without a
 * schedule text is spoken as it comes: the text splitter knows where a clause ends.
 */
export class GenerationSchedule {
  readonly #schedule: readonly number[] | null;
  #generation = 0;
  #waiting = '';

  constructor(schedule: readonly number[] | null) {
    this.#schedule = schedule && schedule.length > 0 ? schedule : null;
  }

  /** Takes text and gives what is to be spoken now, maybe nothing. */
  take(text: string, force: { readonly flush: boolean; readonly attempt: boolean }): string {
    this.#waiting += text;
    const { length } = this.#waiting;
    const needed = this.#schedule?.[Math.min(this.#generation, this.#schedule.length - 1)] ?? 0;
    if (!force.flush && length < (force.attempt ? Math.min(needed, LEAST_CHARACTERS) : needed)) return '';
    const due = this.#waiting;
    this.#waiting = '';
    if (due !== '') this.#generation += 1;
    return due;
  }
}
