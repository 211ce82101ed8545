/**
 * Speech into a file: the same pipeline as a session's, played as fast as it is made. For `npm run say` and the benchmarks.
 */
import { Subject, concatMap, filter, lastValueFrom, of, takeWhile, tap } from 'rxjs';
import type { VisavisError } from './errors.ts';
import { FRAMES_PER_SECOND, MOTION_SIZE, type VideoFrame, type WordTiming } from './media.ts';
import type { Inference } from './models/inference.ts';
import { createRandom, gaussianNoise } from './models/random.ts';
import {
  type InterruptStep,
  type PipelineEvent,
  type UtteranceInput,
  createAvatarPipeline,
} from './pipeline/avatar-pipeline.ts';
import { MotionControl } from './pipeline/motion-control.ts';
import { laterBy } from './pipeline/word-times.ts';

/** What is made besides sound. */
export type RecordingContent = 'sound' | 'motion' | 'video';

export interface RecordingOptions {
  readonly text: string;
  readonly voice: string;
  readonly avatar: string;
  /** 0.5…2 */
  readonly speed: number;
  /** The same seed gives the same bytes of sound. */
  readonly seed: number;
  readonly content: RecordingContent;
  /** Silence before and after the speech, ms; a face wants some. */
  readonly marginMs: number;
}

/** Takes what is made, each kind in order; making waits for it. */
export interface RecordingSink {
  /** float32 in -1…1, 40 ms at the voice's rate. */
  sound(pcm: Float32Array): Promise<void>;
  /** float32[59] */
  motion(descriptor: Float32Array): void;
  video(frame: VideoFrame): Promise<void>;
  /** Words, in ms from the start of the recording. */
  words(words: readonly WordTiming[]): void;
  /** Something in the text is not spoken; all else is. */
  problem(error: VisavisError): void;
}

/**
 * Speaks a text into a sink. Resolves when everything has been handed over; rejects with what the models threw.
 * @throws {VisavisError} `unknown_voice`, `unknown_avatar`
 */
export const record = async (
  inference: Inference,
  options: RecordingOptions,
  sinkOf: (format: { readonly sampleRateHz: number; readonly size: number }) => Promise<RecordingSink>,
): Promise<void> => {
  const { text, speed, seed, content, marginMs } = options;
  const [voice, face, motion] = await Promise.all([
    inference.voice(options.voice),
    inference.face(options.avatar),
    content === 'sound' ? null : inference.motion(),
  ]);
  const { sampleRateHz } = voice;
  const sink = await sinkOf({ sampleRateHz, size: face.size });
  const margin = new Float32Array(Math.round((marginMs / 1000) * sampleRateHz));
  const temperature = motion?.temperature ?? 0;
  const noise = (sequence: number): Float32Array =>
    gaussianNoise(createRandom(seed, sequence), MOTION_SIZE, temperature);
  const pipeline = createAvatarPipeline(
    { motion, face: content === 'video' ? () => face : null, control: new MotionControl(), noise, nowMs: null },
    { sampleRateHz, idle: false, idleLeadSlots: 0 },
  );

  const played$ = new Subject<number>();
  const utterance$ = new Subject<UtteranceInput>();
  let lastSequence = Infinity;
  /** A slot is played when its last part has been taken. */
  const take = async (event: PipelineEvent): Promise<number | null> => {
    switch (event.type) {
      case 'audio':
        for (const { mark, offsetMs } of event.marks) {
          const fromMs = (event.slot.sequence * 1000) / FRAMES_PER_SECOND + offsetMs;
          if (mark.kind === 'words') sink.words(mark.words.map((word) => laterBy(word, fromMs)));
          if (mark.kind === 'end' && mark.utterance === 'after') lastSequence = event.slot.sequence;
        }
        await sink.sound(event.slot.pcm);
        return content === 'sound' ? event.slot.sequence : null;
      case 'motion':
        sink.motion(event.descriptor);
        return content === 'motion' ? event.sequence : null;
      case 'video':
        await sink.video(event.frame);
        return event.frame.sequence;
      case 'skipped':
      case 'behind-silence':
        return null;
      case 'problem':
        sink.problem(event.error);
        return null;
      case 'failed':
        throw event.error;
    }
  };

  const finished = lastValueFrom(
    pipeline({ utterance$, played$, interrupt$: new Subject<InterruptStep>() }).pipe(
      concatMap(take),
      filter((sequence) => sequence !== null),
      tap((sequence) => played$.next(sequence)),
      takeWhile((sequence) => sequence < lastSequence),
    ),
    { defaultValue: null },
  );
  utterance$.next({ kind: 'sound', id: 'before', pcm$: of(margin) });
  utterance$.next({ kind: 'text', id: 'text', text$: of(text), voice, options: { speed, seed } });
  utterance$.next({ kind: 'sound', id: 'after', pcm$: of(margin) });
  played$.next(-1);
  await finished;
};
