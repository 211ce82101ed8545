/** From text to the symbols that a voice was trained on. */

/** The symbols of a text chunk. */
export interface SymbolSequence {
  /** Ids for the encoder; none when there is nothing to say. */
  readonly ids: readonly number[];
  /** Tone of each id, for voices that take tones beside symbols. */
  readonly tones?: readonly number[];
  /** How each id is written: '' for a pad. */
  readonly symbols: readonly string[];
  /** Words that are heard, in order: ids `first` to before `end` speak `text`, characters `charStart` to before `charEnd`. */
  readonly words: readonly SequenceWord[];
  /** What of the text the voice has no symbols for, in a sentence; missing when it has all. */
  readonly leftOut?: string;
}

export interface SequenceWord {
  readonly text: string;
  readonly charStart: number;
  readonly charEnd: number;
  readonly first: number;
  readonly end: number;
}

/** Reads texts for one voice. */
export interface TextFrontEnd {
  /**
   * @throws {VisavisError} `bad_text` when the voice cannot speak it, `inference_failed` when a program that reads it died
   */
  read(text: string): Promise<SymbolSequence>;
  /** A few words in symbols of the voice, for trying it out; needs no other program. */
  readonly sample: SymbolSequence;
  /** Ends what was started for reading. */
  close(): Promise<void>;
}

/** Nothing to say. */
export const SILENCE: SymbolSequence = { ids: [], symbols: [], words: [] };

/** Puts a sequence together, symbol by symbol, and remembers which of them belong to which word. */
export class SequenceBuilder {
  readonly ids: number[] = [];
  readonly tones: number[] = [];
  readonly symbols: string[] = [];
  readonly words: SequenceWord[] = [];
  #spoken = 0;

  /** Adds one id. */
  push(id: number, symbol: string, tone = 0): void {
    this.ids.push(id);
    this.symbols.push(symbol);
    this.tones.push(tone);
  }

  /** Everything pushed since id `first` speaks this part of the text; nothing is noted when nothing was pushed. */
  word(text: string, charStart: number, first: number, end = this.ids.length): void {
    if (end <= first) return;
    this.#spoken++;
    this.words.push({ text, charStart, charEnd: charStart + text.length, first, end });
  }

  /** The sequence, or silence when no word is in it. */
  build(): SymbolSequence {
    if (this.#spoken === 0) return SILENCE;
    return { ids: this.ids, tones: this.tones, symbols: this.symbols, words: this.words };
  }
}
