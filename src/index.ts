/** What a program that embeds visavis may use. */
export { loadConfig, type ConfigOverrides } from '../config/load.ts';
export type { Config } from '../config/schema.ts';
export { systemClock, type Clock } from './clock.ts';
export { VisavisError, type ErrorCode } from './errors.ts';
export { MOTION_SIZE, type AudioSlot, type VideoFrame, type WordTiming } from './media.ts';
export { createInference, type InferenceOptions } from './models/create-inference.ts';
export type { AvatarInfo, Face, Inference, MotionModel, SpeechPlan, Voice, VoiceInfo } from './models/inference.ts';
export { record, type RecordingOptions, type RecordingSink } from './recording.ts';
export type { MediaServer } from './stream/media/media-channel.ts';
export { createMediaServer, type MediaServerOptions } from './stream/media/media-client.ts';
export type { ClientMessage, ServerMessage } from './stream/messages.ts';
export { startServer, type Server, type ServerDeps } from './stream/server.ts';
