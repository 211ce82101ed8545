/** Why a session could not open, ended, or did not do something. */

/** `code` is one of the server's (docs/protocol.md), or `unreachable`, `timeout`, `closed`. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
