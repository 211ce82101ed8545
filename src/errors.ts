/** What can go wrong, by name. The same codes go to clients in `error` messages and HTTP bodies. */
export type ErrorCode =
  | 'bad_message' // not JSON, unknown type, wrong field
  | 'bad_order' // a message that cannot come now
  | 'bad_text' // text that cannot be spoken as it is
  | 'text_too_long'
  | 'too_many_utterances'
  | 'unknown_voice'
  | 'unknown_avatar'
  | 'unknown_utterance'
  | 'unsupported_media'
  | 'webrtc_failed'
  | 'chat_failed' // the language model
  | 'unauthorized' // no API key, or a wrong one
  | 'forbidden_origin' // a page that may not ask
  | 'server_full'
  | 'slow_consumer'
  | 'timeout'
  | 'stalled' // the server stood still for a while
  | 'bad_config'
  | 'bad_model'
  | 'inference_failed'
  | 'shutting_down'
  | 'internal';

/**
 * An error that a client or an operator can act on: the message says what was expected, what came and the way out.
 */
export class VisavisError extends Error {
  override readonly name = 'VisavisError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The error as a `VisavisError`: itself, or wrapped as `code` with the original as its cause. */
export const asVisavisError = (error: unknown, code: ErrorCode = 'internal'): VisavisError =>
  error instanceof VisavisError
    ? error
    : new VisavisError(code, error instanceof Error ? error.message : String(error), { cause: error });
