/** What is asked of the server for a way that media come, and of this browser's decoders. */
import type { MediaWish } from './messages.ts';
import { canDecodePicture } from './picture-queue.ts';
import type { SessionOptions, Transport } from './session-types.ts';
import { canDecodeOpus } from './sound-decoder.ts';
import { OUTPUT_RATE_HZ } from './sound-output.ts';

export const mediaWish = async (
  transport: Transport,
  { screen, media }: Pick<SessionOptions, 'screen' | 'media'>,
): Promise<MediaWish> => {
  if (!screen) return { audio: { codec: 'pcm_s16le' }, ...media, transport: 'websocket' };
  if (transport === 'webrtc') return { transport: 'webrtc' };
  const [opus, video] = await Promise.all([canDecodeOpus(), canDecodePicture()]);
  const audio = opus ? ({ codec: 'opus' } as const) : ({ codec: 'pcm_s16le', sampleRateHz: OUTPUT_RATE_HZ } as const);
  // Media are held back here, for as long as the network asks for and no moment longer.
  return { transport: 'websocket', audio, video, leadMs: 0 };
};
