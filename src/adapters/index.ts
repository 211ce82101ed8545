/** The protocols of other services that this server speaks. */
import type { Adapter, SpeechHost } from './core/adapter.ts';
import { createDeepgramAdapter } from './deepgram.ts';
import { createElevenLabsAdapter } from './elevenlabs/index.ts';
import { createOpenAiAdapter } from './openai.ts';
import { createPiperAdapter } from './piper.ts';

/** Those over HTTP and WebSockets; Wyoming, over TCP, is in `wyoming.ts`. */
export const createAdapters = (host: SpeechHost): readonly Adapter[] => [
  createOpenAiAdapter(host),
  createElevenLabsAdapter(host),
  createDeepgramAdapter(host),
  createPiperAdapter(host),
];
