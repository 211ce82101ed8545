/** The protocols of other services that this server speaks. */
import type { Adapter } from './core/adapter.ts';
import { deepgramAdapter } from './deepgram.ts';
import { elevenLabsAdapter } from './elevenlabs/index.ts';
import { openAiAdapter } from './openai.ts';
import { piperAdapter } from './piper.ts';

/** Those over HTTP and WebSockets; Wyoming, over TCP, is in `wyoming.ts`. */
export const ADAPTERS: readonly Adapter[] = [openAiAdapter, elevenLabsAdapter, deepgramAdapter, piperAdapter];
