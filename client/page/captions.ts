/** Captions whose words light up as they are heard. The timeline is pure; the view draws it. */
import type { SpokenWord } from '../library/messages.ts';

/** Words kept on the page: more than fit, and few enough for an hour of speech. */
const SHOWN_WORDS = 160;

/** A word with the punctuation around it and the white space after it. */
export interface CaptionWord {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Index of its first character in the utterance's text. */
  readonly charStart: number;
}

/** What the caption shows at one moment. */
export interface Caption {
  readonly utterance: string;
  readonly words: readonly CaptionWord[];
  /** Index of the last word that has begun; -1 before the first. */
  readonly current: number;
  /** Whether that word is being said now. */
  readonly speaking: boolean;
}

interface Track {
  readonly utterance: string;
  readonly startMs: number;
  readonly words: CaptionWord[];
}

/** Index of the last word that has begun at `mediaMs`, by bisection; -1 if none. */
export const lastBegun = (words: readonly CaptionWord[], mediaMs: number): number => {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((words[middle]?.startMs ?? Infinity) <= mediaMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

/**
 * The words as they stand in the text, each with the punctuation that sticks to it and the white space after it.
 *
 * @param from - index in the text where the first word may begin: its opening quotation mark, for example.
 */
export const withPunctuation = (words: readonly SpokenWord[], text: string, from: number): CaptionWord[] =>
  words.map(({ startMs, endMs, charStart, charEnd, text: spoken }, index) => {
    const before = words[index - 1];
    const begin = before ? wordBreak(text, before.charEnd, charStart) : from;
    const next = words[index + 1];
    const end = next ? wordBreak(text, charEnd, next.charStart) : charEnd + tail(text, charEnd).length;
    const shown = text.slice(begin, end).trimStart();
    return { text: next && shown ? shown : `${shown.trimEnd() || spoken} `, startMs, endMs, charStart };
  });

/** Where one word ends and the next begins: after the last white space between them, or right at the next. */
const wordBreak = (text: string, from: number, to: number): number => {
  const gap = text.slice(from, to);
  return to - (/\s/.test(gap) ? (/\S*$/.exec(gap)?.[0].length ?? 0) : 0);
};

/** The punctuation that sticks to a word ending at `from`. */
const tail = (text: string, from: number): string => /^\S*/.exec(text.slice(from))?.[0] ?? '';

/** All utterances of a session on the media clock. */
export class CaptionTimeline {
  #tracks: Track[] = [];

  /** An utterance begins at that media time. */
  start(utterance: string, startMs: number): void {
    if (!this.#find(utterance)) this.#tracks.push({ utterance, startMs, words: [] });
    // The one before is still on the page until this one begins; older ones are gone.
    this.#tracks = this.#tracks.slice(-2);
  }

  /** More words of an utterance whose text so far is `text`. Words may come before `start`. */
  add(utterance: string, words: readonly SpokenWord[], text: string): void {
    const [first] = words;
    if (!first) return;
    if (!this.#find(utterance)) this.start(utterance, first.startMs);
    const track = this.#find(utterance);
    const from = track?.words.length ? first.charStart : 0;
    track?.words.push(...withPunctuation(words, text, from));
  }

  /** Takes away the words that were not heard: those beyond the first `length` characters of the text. */
  cut(utterance: string, length: number): void {
    const track = this.#find(utterance);
    const unheard = track?.words.findIndex(({ charStart }) => charStart >= length) ?? -1;
    if (track && unheard !== -1) track.words.length = unheard;
  }

  /** What is said at that media time: the last utterance that has begun; null before the first. */
  at(mediaMs: number): Caption | null {
    const track = this.#tracks.findLast(({ startMs }) => startMs <= mediaMs);
    if (!track) return null;
    const current = lastBegun(track.words, mediaMs);
    return {
      utterance: track.utterance,
      words: track.words,
      current,
      speaking: mediaMs < (track.words[current]?.endMs ?? 0),
    };
  }

  #find(utterance: string): Track | undefined {
    return this.#tracks.find((track) => track.utterance === utterance);
  }
}

/** Draws captions into an element, touching only the words that change. */
export class CaptionView {
  readonly #element: HTMLElement;
  #utterance: string | null = null;
  #spans: HTMLSpanElement[] = [];
  #current = -1;
  /** How many of the utterance's first words have left the page. */
  #gone = 0;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  draw(caption: Caption): void {
    if (caption.utterance !== this.#utterance || caption.words.length < this.#gone + this.#spans.length) {
      this.#clear(caption.utterance);
    }
    for (const { text } of caption.words.slice(this.#gone + this.#spans.length)) this.#append(text);
    const current = caption.current - this.#gone;
    if (current !== this.#current) this.#light(current);
    this.#element.toggleAttribute('data-speaking', caption.speaking);
  }

  #clear(utterance: string): void {
    this.#utterance = utterance;
    this.#spans = [];
    this.#current = -1;
    this.#gone = 0;
    this.#element.replaceChildren();
  }

  #append(text: string): void {
    const span = document.createElement('span');
    span.textContent = text;
    this.#element.append(span);
    this.#spans.push(span);
    if (this.#spans.length <= SHOWN_WORDS || this.#current < SHOWN_WORDS / 2) return;
    this.#spans.shift()?.remove();
    this.#gone += 1;
    this.#current -= 1;
  }

  #light(current: number): void {
    for (const [index, span] of this.#spans.entries()) {
      span.className = index < current ? 'said' : index === current ? 'saying' : '';
    }
    this.#current = current;
    const word = this.#spans[current];
    if (word) this.#element.scrollTo({ top: word.offsetTop - this.#element.clientHeight / 2 + word.offsetHeight / 2 });
  }
}
