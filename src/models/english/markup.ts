/**
 * Hides from a text what is not meant to be said: Markdown, tags, control characters. What is hidden keeps its length, so that
 * an index in the result is an index in the original text.
 */

/** Stands for hidden characters inside a word, which stays one word: "un**believ**able". */
export const HIDDEN = '\u200b';

/** Tags longer than this are text with a "<" in it. */
const TAG = /<(?![a-zA-Z]{2,8}:\/\/|mailto:|[^<>\s]{1,100}@)[/!?]?[a-zA-Z][^<>]{0,500}>|<!--[^<>]{0,2000}-->/g;
const FENCE = /^[ \t]{0,8}(?:```|~~~)[^\n`]{0,80}$/gm;
const IMAGE = /!\[([^[\]]{0,300})\]\([^()\s]{0,2000}(?:\s"[^"\n]{0,200}")?\)/g;
const LINK = /(?<![![])\[([^[\]]{1,300})\]\((?:[^()\s]|\([^()\s]{0,200}\)){0,1000}(?:\s"[^"\n]{0,200}")?\)/g;
const LINE_START = /^[ \t]{0,12}(?:#{1,6}[ \t]|>[ \t>]{0,8}|[-*+•][ \t]{1,4}(?:\[[ xX]\][ \t])?)/gm;
const RULE =
  /^[ \t]{0,3}(?:-[ \t]?){3,80}$|^[ \t]{0,3}(?:\*[ \t]?){3,80}$|^[ \t]{0,3}(?:_[ \t]?){3,80}$|^[ \t|:-]{3,200}$/gm;
const EMPHASIS =
  /\*{1,3}(?=\S)|(?<=\S)\*{1,3}|~~|`{1,3}|(?<![\p{L}\p{N}_])_{1,3}(?=[\p{L}\p{N}])|(?<=[\p{L}\p{N}.,!?])_{1,3}(?![\p{L}\p{N}_])/gu;
// Control and format characters (soft hyphen, zero-width, direction marks) and variation selectors; line ends stay.
const INVISIBLE = /[\p{Cc}\p{Cf}\ufe00-\ufe0f]/gu;
const LINE_SPACE = /[\t\n\r\v\f\u0085]/;

const FOOTNOTE = /\[\^[\w-]{1,20}\]/g;
const EMOTICON = /(?<=^|\s)(?:[:;=][-']?[)(DPpOo|\\/*]|<3|[xX]D)(?=\s|$|[.,!?])/gm;
/** Characters that HTML escapes, by name. */
const ENTITY = /&(amp|lt|gt|quot|apos|nbsp|#39|#34|mdash|ndash|hellip);/g;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  '#39': "'",
  '#34': '"',
  mdash: '—',
  ndash: '–',
  hellip: '…',
};

const blank = (length: number) => ' '.repeat(length);
const hidden = (length: number) => HIDDEN.repeat(length);

/** Keeps one part of a match and blanks the rest. */
const keep = (match: string, part: string) => {
  const at = match.indexOf(part, 1);
  return hidden(at) + part + hidden(match.length - at - part.length);
};

/** The text with everything silent hidden; the same length as `text`. */
export const hideMarkup = (text: string): string =>
  text
    .replace(INVISIBLE, (c) => (LINE_SPACE.test(c) ? c : hidden(c.length)))
    .replace(FENCE, (m) => blank(m.length))
    .replace(TAG, (m) => (/^<\/?(?:br|p|div|li|h\d|tr|s|break)\b/i.test(m) ? blank(m.length) : hidden(m.length)))
    .replace(IMAGE, (m, alt: string) => keep(m, alt))
    .replace(LINK, (m, label: string) => keep(m, label))
    .replace(RULE, (m) => blank(m.length))
    .replace(LINE_START, (m) => blank(m.length))
    .replace(FOOTNOTE, (m) => hidden(m.length))
    .replace(EMOTICON, (m) => blank(m.length))
    .replace(EMPHASIS, (m) => hidden(m.length))
    .replace(ENTITY, (m, name: string) => (ENTITIES[name] ?? '') + hidden(m.length - 1));
