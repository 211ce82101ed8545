/** The messages of ElevenLabs' two WebSockets: their schemas, and what they are for. */
import { z } from 'zod';
import type { ChannelAbout, ChannelMessage, Param } from '../../api-description.ts';
import { outputFormatName } from './output-format.ts';

const flag = z.enum(['true', 'false', 'True', 'False']).transform((value) => value.toLowerCase() === 'true');

export const streamQuery = z.object({
  output_format: outputFormatName,
  inactivity_timeout: z.coerce
    .number()
    .min(1)
    .max(180)
    .default(20)
    .describe('Seconds without a message after which the socket is closed'),
  sync_alignment: flag
    .default(false)
    .describe("Characters come with the sound that they are in, at times from the context's beginning"),
  auto_mode: flag.default(false).describe('Every message is spoken as it is'),
  seed: z.coerce.number().int().min(0).max(0xff_ff_ff_ff).optional().describe('The same seed gives the same sound'),
});

/** Every field may be there and null. */
export const streamMessage = z.object({
  text: z.string().nullish(),
  context_id: z.string().min(1).max(200).nullish().describe('Of multi-stream-input'),
  voice_settings: z
    .object({ speed: z.number().min(0.7).max(1.2).nullish() })
    .nullish()
    .describe('In the first message; the other settings are taken and have no effect'),
  generation_config: z
    .object({ chunk_length_schedule: z.array(z.number().min(5).max(500)).max(100).nullish() })
    .nullish(),
  pronunciation_dictionary_locators: z.array(z.unknown()).nullish(),
  try_trigger_generation: z.boolean().nullish(),
  flush: z.boolean().nullish().describe('Speak what has come'),
  close_context: z.boolean().nullish(),
  immediate: z.boolean().nullish().describe("KugelAudio's: do not speak what was flushed"),
  close_socket: z.boolean().nullish(),
  xi_api_key: z.string().max(1000).nullish().describe('In the first message, where the request has no key'),
  authorization: z.string().max(1000).nullish().describe('The same, as the header has it'),
});
export type StreamMessage = z.infer<typeof streamMessage>;

const alignment = z
  .object({
    chars: z.array(z.string()),
    charStartTimesMs: z.array(z.number()),
    charDurationsMs: z.array(z.number()),
  })
  .nullable();
const context = { contextId: z.string().optional(), context_id: z.string().optional() };
const sound = z.object({
  audio: z.string().describe('Base64'),
  isFinal: z.null(),
  alignment,
  normalizedAlignment: alignment,
  ...context,
});
const final = z.object({ isFinal: z.literal(true), ...context });
const failure = z.object({ message: z.string(), error: z.string(), code: z.int(), ...context });

/** The key of a first message. */
export const keyInMessage = (text: string): string | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Whoever reads the message says what is wrong with it.
    return undefined;
  }
  const { success, data } = streamMessage.safeParse(value);
  if (!success) return undefined;
  return data.xi_api_key ?? data.authorization?.replace(/^Bearer\s+/i, '') ?? undefined;
};

export const voiceParam: Readonly<Record<string, Param>> = {
  voice: {
    description: 'A name of GET /v1/voices, an alias of the configuration, or an id of ElevenLabs',
    example: 'rms',
  },
};

const said = (name: string, summary: string, example: z.input<typeof streamMessage>): ChannelMessage => ({
  name,
  summary,
  schema: streamMessage,
  example,
});

const fromServer: readonly ChannelMessage[] = [
  { name: 'sound', summary: 'A piece of the sound, and the characters that go with it', schema: sound },
  { name: 'final', summary: 'All has been sent', schema: final },
  { name: 'error', summary: 'What went wrong', schema: failure },
];

export const singleStreamAbout: ChannelAbout = {
  name: 'elevenlabs.stream-input',
  summary: 'ElevenLabs: one text as it comes, and its sound',
  params: voiceParam,
  query: streamQuery,
  fromClient: [
    said('text', 'More text, with the spaces between words', { text: 'Hello, I am here. ' }),
    said('flush', 'Speak what has come', { text: ' ', flush: true }),
    said('keep-alive', 'Keep the socket open', { text: ' ' }),
    said('end', 'No more text: the socket closes after the last sound', { text: '' }),
  ],
  fromServer,
};

export const multiStreamAbout: ChannelAbout = {
  name: 'elevenlabs.multi-stream-input',
  summary: 'ElevenLabs: up to five texts at once, each a context',
  params: voiceParam,
  query: streamQuery,
  fromClient: [
    said('text', 'More text of a context; the first opens it', { text: 'Hello, I am here. ', context_id: 'c1' }),
    said('flush', 'Speak what has come', { context_id: 'c1', flush: true }),
    said('close-context', 'No more text of a context', { context_id: 'c1', close_context: true }),
    said('silence', 'End a context at once', { context_id: 'c1', close_context: true, immediate: true }),
    said('keep-alive', 'Keep the socket open', { text: '' }),
    said('close', 'Speak the rest, then close', { close_socket: true }),
  ],
  fromServer,
};
