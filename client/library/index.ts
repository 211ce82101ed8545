/** The client library: a session as an object, for pages and for Node. `element.ts` has it as an HTML element. */
export { SessionError } from './errors.ts';
export { Screen } from './screen.ts';
export { connect, Session } from './session.ts';
export type { SessionEvents, SessionOptions, SessionState, Speech, Transport } from './session-types.ts';
export type { MediaFrame } from './binary-frame.ts';
export type { MediaFigures, ShownFrame } from './media-path.ts';
export type { Gesture, MediaWish, MotionWish, SpokenWord } from './messages.ts';
export type { Spoken } from './utterance-book.ts';
