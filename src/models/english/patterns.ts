/** Parts of the readers' patterns. All repetitions are bounded, so that a pattern costs the same on any text. */

/** A number without its sign. */
export const AMOUNT = String.raw`(?:\d{1,3}(?:,\d{3}){1,6}|\d{1,40})(?:\.\d{1,20})?`;
/** A hyphen or dash of any length. */
export const DASH = '[-–—]';
/** No letter or figure follows. */
export const ENDS = String.raw`(?![\p{L}\p{N}])`;

/** A pattern that matches where it is set to only. */
export const sticky = (source: string, flags = ''): RegExp => new RegExp(source, `uy${flags}`);
