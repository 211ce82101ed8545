/** The messages of a session (`visavis.v1`) as a client sees them. Times are milliseconds of media time. */

/** When a word is heard, and which part (UTF-16 indices) of the utterance's text it reads. */
export interface SpokenWord {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly charStart: number;
  readonly charEnd: number;
}

/** What a session sends, and how. */
export interface MediaWish {
  readonly transport: 'webrtc' | 'websocket';
  readonly audio?: {
    readonly codec: 'opus' | 'pcm_s16le';
    /** Of PCM; the voice's own if left out. */
    readonly sampleRateHz?: 8000 | 12000 | 16000 | 22050 | 24000 | 32000 | 44100 | 48000;
  };
  readonly video?: boolean;
  /** Descriptors of the face's motion, float32[59], 25 a second. */
  readonly motion?: boolean;
  /** How far ahead of real time media may come over the WebSocket; null: as fast as it is made. */
  readonly leadMs?: number | null;
}

/** Named movements of face and head. */
export type Gesture = 'smile' | 'nod' | 'think' | 'surprise';

/** Control by hand, blended over the face's own motion. */
export interface MotionWish {
  /** Weights, 0…1, by ARKit name, such as `mouthSmile_L`. */
  readonly expression?: Readonly<Record<string, number>>;
  /** Degrees, added to the head's own movement. */
  readonly rotation?: { readonly yaw?: number; readonly pitch?: number; readonly roll?: number };
  /** -1…1; x > 0: to the person's left, y > 0: up. */
  readonly gaze?: { readonly x: number; readonly y: number };
  /** Played once, over the rest. */
  readonly gesture?: Gesture;
  readonly blendMs?: number;
  readonly holdMs?: number;
}

export type ClientMessage =
  | {
      readonly type: 'session.open';
      readonly voice?: string;
      readonly avatar?: string;
      /** 0.5…2; 1 is the voice's own. */
      readonly speed?: number;
      readonly seed?: number;
      readonly media: MediaWish;
    }
  | { readonly type: 'webrtc.offer'; readonly sdp: string }
  | { readonly type: 'webrtc.candidate'; readonly candidate: RTCIceCandidateInit | null }
  | { readonly type: 'utterance.append'; readonly utterance: string; readonly text: string }
  | { readonly type: 'utterance.end'; readonly utterance: string }
  | { readonly type: 'interrupt'; readonly utterance?: string }
  | {
      readonly type: 'playback';
      readonly mediaTimeMs: number;
      readonly shownTimeMs?: number;
      readonly skewMs?: number;
      readonly framesDropped?: number;
    }
  | ({ readonly type: 'motion.set' } & MotionWish)
  /** Asks the server's language model; the answer is an utterance of that id. */
  | { readonly type: 'chat'; readonly utterance: string; readonly text: string }
  | { readonly type: 'chat.clear' }
  | { readonly type: 'avatar.set'; readonly avatar: string }
  | { readonly type: 'voice.set'; readonly voice?: string; readonly speed?: number };

export type ServerMessage =
  | {
      readonly type: 'session.opened';
      readonly session: string;
      readonly voice: string;
      readonly avatar: string;
      readonly fps: number;
      readonly size: number;
      readonly audio: { readonly codec: 'opus' | 'pcm_s16le'; readonly sampleRateHz: number };
      /** The language model that answers, if there is one. */
      readonly chat?: { readonly model: string } | undefined;
      /** Pictures whose face the avatar imitates, if the server has a reader of faces. */
      readonly imitation?:
        | {
            readonly size: number;
            /** Whose faces the reader has learnt; it reads no others well. */
            readonly avatars: readonly string[];
            readonly maxPictureBytes: number;
            readonly maxPicturesPerSecond: number;
          }
        | undefined;
      /** Everything that comes is made by a machine. */
      readonly ai: true;
    }
  | {
      readonly type: 'webrtc.answer';
      readonly sdp: string;
      /** RTP timestamps of media time 0, in ticks of 48 and 90 kHz. */
      readonly mediaTimeBase: { readonly audio: number; readonly video: number };
    }
  | { readonly type: 'utterance.started'; readonly utterance: string; readonly startMs: number }
  | { readonly type: 'utterance.words'; readonly utterance: string; readonly words: readonly SpokenWord[] }
  | {
      readonly type: 'utterance.finished';
      readonly utterance: string;
      readonly reason: 'completed' | 'interrupted';
      /** The exact prefix of the text that was heard. */
      readonly spokenText: string;
      readonly durationMs: number;
    }
  | { readonly type: 'chat.started'; readonly utterance: string; readonly text: string }
  | { readonly type: 'chat.delta'; readonly utterance: string; readonly text: string }
  | {
      readonly type: 'chat.finished';
      readonly utterance: string;
      readonly reason: 'completed' | 'interrupted' | 'failed';
      /** What was heard of the answer. */
      readonly text: string;
    }
  | {
      readonly type: 'stats';
      readonly textToAudioMs: number | null;
      readonly textToVideoMs: number | null;
      readonly fps: number;
      readonly lateFrames: number;
      /** How much of the picture a busy server leaves out; sound is whole on all of them. */
      readonly degradation?: 'none' | 'fewer-frames' | 'smaller' | 'mouth-only' | 'still';
    }
  | {
      readonly type: 'error';
      readonly code: string;
      readonly message: string;
      readonly fatal: boolean;
      readonly utterance?: string | undefined;
    };

/** The server's message of one type. */
export type ServerMessageOf<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>;

/** The fields without which a message cannot be used; a newer server may send more fields and more types. */
const NEEDED: {
  readonly [T in ServerMessage['type']]: Readonly<Record<string, 'string' | 'number' | 'array' | 'object'>>;
} = {
  'session.opened': { session: 'string', voice: 'string', avatar: 'string', size: 'number', audio: 'object' },
  'webrtc.answer': { sdp: 'string', mediaTimeBase: 'object' },
  'utterance.started': { utterance: 'string', startMs: 'number' },
  'utterance.words': { utterance: 'string', words: 'array' },
  'utterance.finished': { utterance: 'string', reason: 'string', spokenText: 'string', durationMs: 'number' },
  'chat.started': { utterance: 'string', text: 'string' },
  'chat.delta': { utterance: 'string', text: 'string' },
  'chat.finished': { utterance: 'string', reason: 'string', text: 'string' },
  stats: {},
  error: { code: 'string', message: 'string' },
};

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);

const isKnownType = (type: unknown): type is ServerMessage['type'] =>
  typeof type === 'string' && Object.hasOwn(NEEDED, type);

/**
 * Reads one text frame of the server.
 *
 * @returns the message, or null for a type that this client does not know.
 * @throws {TypeError} when the frame is not JSON or a needed field is missing.
 */
export const parseServerMessage = (frame: string): ServerMessage | null => {
  let message: unknown;
  try {
    message = JSON.parse(frame);
  } catch (cause) {
    throw new TypeError('The server sent a frame that is not JSON.', { cause });
  }
  if (typeof message !== 'object' || message === null) throw new TypeError('The server sent JSON that is no object.');
  const fields: Readonly<Record<string, unknown>> = { ...message };
  const type = fields['type'];
  if (!isKnownType(type)) return null;
  for (const [name, kind] of Object.entries(NEEDED[type])) {
    if (kindOf(fields[name]) !== kind) {
      throw new TypeError(`The server's "${type}" has no ${name} (${kind}).`);
    }
  }
  return message as ServerMessage;
};
