/** ElevenLabs' forms of an error: `detail` over HTTP, `message`, `error`, `code` over a WebSocket. */
import type { ErrorCode, VisavisError } from '../../errors.ts';
import { type HttpAnswer, type SocketFailure, jsonAnswer } from '../core/adapter.ts';
import { BadField } from '../core/read-json.ts';

const POLICY = 1008;
const INTERNAL = 1011;
const TRY_LATER = 1013;

const NAMES: Readonly<Partial<Record<ErrorCode, string>>> = {
  unauthorized: 'invalid_api_key',
  unknown_voice: 'voice_not_found',
  unsupported_media: 'invalid_output_format',
  server_full: 'too_many_concurrent_requests',
  timeout: 'input_timeout_exceeded',
  too_many_utterances: 'max_active_contexts_exceeded',
};

const closeCodes: Readonly<Partial<Record<ErrorCode, number>>> = {
  internal: INTERNAL,
  inference_failed: INTERNAL,
  server_full: TRY_LATER,
  shutting_down: TRY_LATER,
};

export const socketError = (error: VisavisError): SocketFailure => {
  const code = closeCodes[error.code] ?? POLICY;
  return { text: JSON.stringify({ message: error.message, error: NAMES[error.code] ?? error.code, code }), code };
};

export const httpError = (error: VisavisError, status: number): HttpAnswer =>
  error instanceof BadField
    ? jsonAnswer(
        { detail: [{ loc: ['body', ...(error.field?.split('.') ?? [])], msg: error.message, type: 'value_error' }] },
        422,
      )
    : jsonAnswer({ detail: { status: NAMES[error.code] ?? error.code, message: error.message } }, status);
