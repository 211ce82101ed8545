/** When each character of the text is spoken, from when its words are. */
import type { SpokenText } from './speech-session.ts';

/** Characters (Unicode code points) of a text in order; each starts where the one before it ends. Whole ms. */
export interface CharacterAlignment {
  readonly chars: readonly string[];
  /** From the session's first sample. */
  readonly startsMs: readonly number[];
  readonly durationsMs: readonly number[];
}

/**
 * Spreads each word over its characters, and each pause over the marks and spaces that it stands for. The characters joined
 * are the text; their durations add up to the sound of the text, rounded to a millisecond.
 */
export const alignCharacters = ({ text, charStart, startMs, durationMs, words }: SpokenText): CharacterAlignment => {
  /** Places in the text and the times at which speech reaches them; both never go back. */
  const marks = [{ at: 0, ms: startMs }];
  const mark = (at: number, ms: number) => {
    const last = marks.at(-1)!;
    marks.push({ at: Math.max(last.at, at), ms: Math.max(last.ms, ms) });
  };
  for (const word of words) {
    mark(word.charStart - charStart, word.startMs);
    mark(word.charEnd - charStart, word.endMs);
  }
  mark(text.length, startMs + durationMs);

  const chars = Array.from(text);
  const edges: number[] = [];
  let at = 0;
  let next = 0;
  for (const char of chars) {
    // Of several marks at one place the last counts: what lies between them is the pause of the character before it.
    while (next < marks.length && marks[next]!.at <= at) next += 1;
    const before = marks[next - 1]!;
    const after = marks[next] ?? before;
    const share = after.at > before.at ? (at - before.at) / (after.at - before.at) : 0;
    edges.push(Math.round(at === 0 ? startMs : before.ms + share * (after.ms - before.ms)));
    at += char.length;
  }
  edges.push(Math.round(startMs + durationMs));
  return {
    chars,
    startsMs: edges.slice(0, chars.length),
    durationsMs: chars.map((_, i) => edges[i + 1]! - edges[i]!),
  };
};
