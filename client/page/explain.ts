/** Why there is no session, or why something was not said: for people, in their language. */
import { SessionError } from '../library/errors.ts';
import type { Texts } from './texts/en.ts';

interface Readiness {
  readonly status: string;
  readonly sessions: number;
  readonly full: boolean;
}

/** A refusal by its code. The server's own words, which are English, where the page has none. */
export const explainCode = (
  { code, message }: { readonly code: string; readonly message: string },
  texts: Texts,
): string => {
  const known: Readonly<Record<string, string>> = {
    unreachable: texts.lost,
    timeout: texts.unreachable,
    shutting_down: texts.draining,
    webrtc_failed: texts.webrtcFailed,
    unknown_voice: texts.unknownVoice,
    unknown_avatar: texts.unknownAvatar,
    text_too_long: texts.textTooLong,
    too_many_utterances: texts.tooManyUtterances,
    bad_text: texts.badText,
    chat_failed: texts.chatFailed(message),
  };
  return Object.hasOwn(known, code) ? (known[code] ?? message) : message;
};

/** Why a session was refused or lost. A refused WebSocket does not say why; the server's readiness does. */
export const explain = async (reason: SessionError, texts: Texts): Promise<string> => {
  if (reason.code !== 'unreachable') return explainCode(reason, texts);
  try {
    const response = await fetch('/readyz');
    const { status, sessions, full } = (await response.json()) as Readiness;
    if (status === 'draining') return texts.draining;
    return full ? texts.full(sessions) : texts.lost;
  } catch {
    return texts.unreachable;
  }
};
