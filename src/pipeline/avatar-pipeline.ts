/**
 * Text in, timed sound and frames out: the data flow of one session.
 *
 *   utterances ─ split ─ synthesize ─► [speech queue, ≤ maxQueuedMs] ─ slots of 40 ms ─┬─► sound
 *                                                                                     └─ motion ─ render ─► frames
 *
 * Slots are made when the player has played others, a few ahead: so every queue is bounded by playing itself. Text waits in
 * its utterance, sound is never dropped, frames that are late are. Unsubscribing stops everything.
 */
import {
  BehaviorSubject,
  EMPTY,
  NEVER,
  type Observable,
  type OperatorFunction,
  type SchedulerLike,
  Subject,
  asyncScheduler,
  catchError,
  concat,
  concatMap,
  connect,
  defer,
  distinctUntilChanged,
  filter,
  map,
  merge,
  mergeMap,
  of,
  share,
  startWith,
  switchMap,
  takeUntil,
  tap,
} from 'rxjs';
import type { VisavisError } from '../errors.ts';
import { type AudioSlot, FRAMES_PER_SECOND, SLOT_MS, type VideoFrame } from '../media.ts';
import type { CallOptions, CallTiming, MotionModel, SpeechOptions } from '../models/inference.ts';
import { DrawPlan } from './draw-plan.ts';
import { DrawingTime } from './drawing-time.ts';
import { MotionTrack } from './motion-track.ts';
import { Resampler } from './resampler.ts';
import { RUNGS, type Rung } from './rungs.ts';
import { type ComposedSlot, type PlacedMark, SlotComposer } from './slot-composer.ts';
import { type MotionShaper, predictMotion } from './stages/predict-motion.ts';
import { type FaceSource, type FrameTimes, renderFace } from './stages/render-face.ts';
import { splitUtterance } from './stages/split-utterance.ts';
import { type SpeechPart, type Synthesizer, synthesizeSpeech } from './stages/synthesize-speech.ts';

/** One thing to say: text that may still be coming, and the voice that says it. */
export interface SpokenUtterance {
  readonly kind: 'text';
  readonly id: string;
  /** Text as it comes; completes when the utterance is whole. Must replay: an utterance waits for its turn. */
  readonly text$: Observable<string>;
  readonly voice: Synthesizer & { readonly sampleRateHz: number };
  readonly options: SpeechOptions;
}

/** Speech that the client brings: it is played, and it drives the face. */
export interface RecordedUtterance {
  readonly kind: 'sound';
  readonly id: string;
  /** float32 in -1…1 at the session's rate. Must replay. */
  readonly pcm$: Observable<Float32Array>;
}

export type UtteranceInput = SpokenUtterance | RecordedUtterance;

/** The steps of an interruption. The player is asked where it stopped between `halt` and `resume`. */
export type InterruptStep =
  /** None of these utterances has been made into slots: they are forgotten, what plays goes on. */
  | { readonly kind: 'drop'; readonly utterances: ReadonlySet<string> }
  /** Stop making these utterances, and slots at all. */
  | { readonly kind: 'halt'; readonly utterances: ReadonlySet<string> }
  /** Forget them, and make slots again from `sequence`, the first that was not played. */
  | { readonly kind: 'resume'; readonly utterances: ReadonlySet<string>; readonly sequence: number };

/** What drives the pipeline. */
export interface PipelineInputs {
  /** In the order in which they are to be said. */
  readonly utterance$: Observable<UtteranceInput>;
  /** Slots that have been played; -1 says that the player is ready. */
  readonly played$: Observable<number>;
  readonly interrupt$: Observable<InterruptStep>;
}

export type PipelineEvent =
  | { readonly type: 'audio'; readonly slot: AudioSlot; readonly marks: readonly PlacedMark[] }
  | { readonly type: 'motion'; readonly sequence: number; readonly descriptor: Float32Array }
  | { readonly type: 'video'; readonly frame: VideoFrame; readonly times?: FrameTimes }
  /**
   * Speech has come while silence waits to be played, `from` this slot on, and no slot is made of it yet: `halt`, then
   * `resume` from the first of these that was not played, and it is said in their place. With `takesBackSilence` only.
   */
  | { readonly type: 'behind-silence'; readonly from: number }
  /** A frame was not drawn, because its slot would have been played by then. */
  | { readonly type: 'skipped'; readonly sequence: number; readonly times?: FrameTimes }
  /** An utterance, or a frame (`utterance` null), could not be made; the session goes on. */
  | { readonly type: 'failed'; readonly utterance: string | null; readonly error: unknown }
  /** Something in the text of an utterance is not spoken; all else of it is. */
  | { readonly type: 'problem'; readonly utterance: string; readonly error: VisavisError };

export interface AvatarPipelineDeps {
  /** null: sound only. */
  readonly motion: MotionModel | null;
  /** The face to draw now; null: no pictures. */
  readonly face: (() => FaceSource) | null;
  readonly control: MotionShaper;
  /** A slot's draw from the flow's prior: float32[59], standard normal × temperature. */
  readonly noise: (sequence: number) => Float32Array;
  /** Time, to know how long drawing takes; null: playing waits for every frame. Only differences count. */
  readonly nowMs: (() => number) | null;
  /** How much of the picture is made now. Default: all. */
  readonly rung?: () => Rung;
  /** Told where the time of every call for speech went. */
  readonly onSpeech?: (timing: CallTiming) => void;
  /** Time of waits for text; default: real time. */
  readonly scheduler?: SchedulerLike;
}

export interface AvatarPipelineOptions {
  /** Rate of the session's sound. */
  readonly sampleRateHz: number;
  /** Whether the face lives, in silence, when nobody speaks. */
  readonly idle: boolean;
  /** Bound of the speech queue in ms; synthesis waits when it is full. Default 1500. */
  readonly maxQueuedMs?: number;
  /** Slots made ahead of playing; see `SlotComposerOptions`. */
  readonly idleLeadSlots?: number;
  readonly speechLeadSlots?: number;
  /** Whether whoever subscribes answers `behind-silence`. Default false: speech waits until the silence has been played. */
  readonly takesBackSilence?: boolean;
}

/** Descriptors kept for the renderer's window, and to go back to after an interruption; the published PIRenderer takes 27. */
const KEPT_FRAMES = 2 * FRAMES_PER_SECOND;

/**
 * Connects the stages for one session. The observable is cold: each subscription is a session of its own.
 */
export const createAvatarPipeline =
  (deps: AvatarPipelineDeps, options: AvatarPipelineOptions) =>
  (inputs: PipelineInputs): Observable<PipelineEvent> =>
    defer(() => {
      const { maxQueuedMs = 1500, sampleRateHz, takesBackSilence = false } = options;
      const composer = new SlotComposer({ ...options, ...windowShape(deps.motion, sampleRateHz) });
      const queuedMs$ = new BehaviorSubject(0);
      const filled$ = new Subject<void>();
      const interrupt$ = inputs.interrupt$.pipe(share());
      const hasRoom$ = queuedMs$.pipe(
        map((queuedMs) => queuedMs < maxQueuedMs),
        distinctUntilChanged(),
      );
      const tracks = createTracks(deps);
      const { nowMs, onSpeech = () => undefined } = deps;
      /** Utterances whose turn has not come. */
      const waiting = new Set<string>();
      let ready = false;
      let playedSequence = -1;
      let playedMs = 0;

      /** When a slot's turn is over: what is not there by then comes too late. */
      const slotDueMs = (sequence: number) => playedMs + (sequence - playedSequence + 1) * SLOT_MS;
      /** Speech is needed when all that is there has been played; what is played at once, at once. */
      const speechCall = (): CallOptions =>
        nowMs ? { dueMs: nowMs() + composer.queuedMs + composer.outstandingSpeech * SLOT_MS, onTimed: onSpeech } : {};
      /** The silence whose place speech should take that comes now; a face that is drawn more slowly than shown needs that time. */
      const silenceToTakeBack = (part: SpeechStep): number | null =>
        takesBackSilence && part.kind === 'sound' && composer.queuedMs === 0 && tracks.drawingTime.meanMs < SLOT_MS
          ? composer.silentFrom
          : null;
      const enqueue = (utterance: string, part: SpeechStep): PipelineEvent[] => {
        const from = silenceToTakeBack(part);
        switch (part.kind) {
          case 'start':
          case 'end':
            composer.mark({ kind: part.kind, utterance });
            break;
          case 'words':
            composer.mark({ kind: 'words', utterance, words: part.words });
            break;
          case 'sound':
            composer.append(utterance, part.pcm);
            break;
          case 'chunk-end':
            composer.close();
            break;
          case 'problem':
            return [{ type: 'problem', utterance, error: part.error }];
        }
        queuedMs$.next(composer.queuedMs);
        if (from !== null) return [{ type: 'behind-silence', from }];
        filled$.next();
        return [];
      };
      const takeSlots = (): ComposedSlot[] => {
        const slots: ComposedSlot[] = [];
        composer.allowForDrawing(tracks.drawingTime.expectedMs);
        for (let slot = ready ? composer.next() : null; slot; slot = composer.next()) slots.push(slot);
        queuedMs$.next(composer.queuedMs);
        return slots;
      };

      // concatMap: utterances are said one after the other, the text of the next waits in its replay.
      const speech$ = inputs.utterance$.pipe(
        tap(({ id }) => waiting.add(id)),
        concatMap((utterance) => {
          const { id } = utterance;
          if (!waiting.delete(id)) return EMPTY;
          return speechOf(utterance, {
            sampleRateHz,
            hasRoom$,
            call: speechCall,
            scheduler: deps.scheduler ?? asyncScheduler,
          }).pipe(
            mergeMap((part) => enqueue(id, part)),
            catchError((error: unknown) => {
              enqueue(id, { kind: 'end' });
              return of<PipelineEvent>({ type: 'failed', utterance: id, error });
            }),
            takeUntil(interrupt$.pipe(filter((step) => step.utterances.has(id)))),
          );
        }),
      );

      const played$ = inputs.played$.pipe(
        tap((sequence) => {
          ready = true;
          if (sequence >= playedSequence) {
            playedSequence = sequence;
            playedMs = nowMs?.() ?? 0;
          }
          composer.played(sequence);
        }),
        share(),
      );
      const live$ = merge(played$, filled$).pipe(
        startWith(null),
        mergeMap(takeSlots),
        connect((slot$) =>
          merge(
            slot$.pipe(map(soundOf)),
            slot$.pipe(draw(deps, { tracks, sampleRateHz, playedSequence: () => playedSequence, slotDueMs })),
          ),
        ),
      );
      // switchMap: an interruption unsubscribes from what is being drawn, and drawing starts again where playing stopped.
      const media$ = interrupt$.pipe(
        tap((step) => {
          for (const id of step.utterances) waiting.delete(id);
          if (step.kind === 'drop') composer.drop(step.utterances);
          if (step.kind === 'resume') composer.restart(step.sequence, step.utterances);
          queuedMs$.next(composer.queuedMs);
        }),
        filter((step) => step.kind !== 'drop'),
        map((step) => step.kind === 'resume'),
        startWith(true),
        switchMap((running) => (running ? live$ : NEVER)),
      );
      return merge(media$, speech$);
    });

/** What the speech stages hand to the composer. */
type SpeechStep = SpeechPart | { readonly kind: 'start' } | { readonly kind: 'end' };

interface SpeechContext {
  readonly sampleRateHz: number;
  readonly hasRoom$: Observable<boolean>;
  readonly call: () => CallOptions;
  readonly scheduler: SchedulerLike;
}

/** The speech of an utterance at the session's rate, between its start and its end. */
const speechOf = (utterance: UtteranceInput, context: SpeechContext): Observable<SpeechStep> => {
  const { sampleRateHz, hasRoom$, call, scheduler } = context;
  const part$: Observable<SpeechPart> =
    utterance.kind === 'sound'
      ? utterance.pcm$.pipe(map((pcm) => ({ kind: 'sound', pcm })))
      : utterance.text$.pipe(
          splitUtterance(scheduler),
          synthesizeSpeech(utterance.voice, utterance.options, hasRoom$, call),
          atSampleRate(utterance.voice.sampleRateHz, sampleRateHz),
        );
  return concat(of<SpeechStep>({ kind: 'start' }), part$, of<SpeechStep>({ kind: 'end' }));
};

const atSampleRate =
  (fromHz: number, toHz: number): OperatorFunction<SpeechPart, SpeechPart> =>
  (part$) =>
    defer(() => {
      const resampler = new Resampler(fromHz, toHz);
      return part$.pipe(map((part) => (part.kind === 'sound' ? { ...part, pcm: resampler.push(part.pcm) } : part)));
    });

/** The sound of a slot; the window stays behind. */
const soundOf = ({ sequence, pcm, speaking, marks }: ComposedSlot): PipelineEvent => ({
  type: 'audio',
  slot: {
    sequence,
    pcm,
    speaking,
    opens: marks.some(({ mark }) => mark.kind === 'start'),
    idle: !speaking && marks.length === 0,
  },
  marks,
});

/** Descriptors of a session, as the flow gave them and as they are shown, and what drawing takes. They outlive interruptions. */
const createTracks = ({ motion }: AvatarPipelineDeps) => ({
  flow: new MotionTrack((motion?.historyFrames ?? 0) + KEPT_FRAMES),
  shown: new MotionTrack(KEPT_FRAMES),
  drawingTime: new DrawingTime(),
  plan: new DrawPlan(),
});

interface DrawingContext {
  readonly tracks: ReturnType<typeof createTracks>;
  readonly sampleRateHz: number;
  readonly playedSequence: () => number;
  readonly slotDueMs: (sequence: number) => number;
}

/** Motion and frames of slots. When a step fails that is reported, and the next slot is tried. */
const draw =
  (
    { motion, face, control, noise, nowMs, rung = () => RUNGS[0] }: AvatarPipelineDeps,
    { tracks, sampleRateHz, playedSequence, slotDueMs }: DrawingContext,
  ): OperatorFunction<ComposedSlot, PipelineEvent> =>
  (slot$) => {
    if (!motion) return EMPTY;
    const atModelRate = (window: Float32Array) => resampled(window, sampleRateHz, motion);
    const skipped$ = new Subject<PipelineEvent>();
    const event$ = slot$.pipe(
      predictMotion({
        model: motion,
        track: tracks.flow,
        control,
        noise,
        atModelRate,
        runs: () => face === null || rung().moves !== 'nothing',
        timing: nowMs && { nowMs, dueMs: slotDueMs },
      }),
      connect((moved$) => {
        const motion$ = moved$.pipe(
          map(({ sequence, descriptor }): PipelineEvent => ({ type: 'motion', sequence, descriptor })),
        );
        if (!face) return motion$;
        const frame$ = moved$.pipe(
          renderFace({
            ...tracks,
            face,
            playedSequence,
            nowMs,
            rung,
            dueMs: nowMs && slotDueMs,
            skipped: (sequence, times) => skipped$.next({ type: 'skipped', sequence, ...(times ? { times } : {}) }),
          }),
        );
        return merge(motion$, frame$.pipe(map((drawn): PipelineEvent => ({ type: 'video', ...drawn }))));
      }),
      catchError((error: unknown, again$) =>
        concat(of<PipelineEvent>({ type: 'failed', utterance: null, error }), again$),
      ),
    );
    return merge(event$, skipped$);
  };

/** How much sound around a slot the motion flow sees, in samples at the session's rate. */
const windowShape = (motion: MotionModel | null, sampleRateHz: number) => {
  if (!motion) return { pastSamples: 0, lookaheadSamples: 0 };
  const scale = sampleRateHz / motion.sampleRateHz;
  const slotSamples = (motion.sampleRateHz * SLOT_MS) / 1000;
  return {
    pastSamples: Math.ceil((motion.windowSamples - motion.lookaheadSamples - slotSamples) * scale),
    lookaheadSamples: Math.ceil(motion.lookaheadSamples * scale),
  };
};

/** The window at the flow's rate, exactly as long as it takes. */
const resampled = (window: Float32Array, fromHz: number, motion: MotionModel): Float32Array => {
  if (fromHz === motion.sampleRateHz) return window;
  const fitted = new Float32Array(motion.windowSamples);
  fitted.set(new Resampler(fromHz, motion.sampleRateHz).push(window).subarray(0, fitted.length));
  return fitted;
};
