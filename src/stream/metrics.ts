/** What `/metrics` shows (Prometheus text format). The only prom-client import. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Beyond 45 ms some people notice that lips and sound part (ITU-R BT.1359-1 puts the bound at 45…125 ms). */
const SKEW_SECONDS = [0.005, 0.01, 0.02, 0.03, 0.045, 0.08, 0.125, 0.25, 0.5, 1];
const LATENCY_SECONDS = [0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2, 5];

const STAGE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 3];
const BITS_A_SECOND = [50e3, 100e3, 150e3, 200e3, 300e3, 400e3, 500e3, 600e3, 1e6, 2e6];
const LOSS = [0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/** The server's counters. */
export interface Metrics {
  readonly sessions: Gauge;
  readonly sessionsTotal: Counter;
  readonly refused: Counter;
  readonly utterances: Counter<'reason'>;
  readonly textToAudio: Histogram;
  readonly textToVideo: Histogram;
  readonly frames: Counter;
  readonly lateFrames: Counter;
  readonly audioGaps: Counter;
  /** What clients report of their playing. */
  readonly playoutSkew: Histogram;
  readonly playoutDelay: Histogram;
  readonly pictureDelay: Histogram;
  readonly playoutDropped: Counter;
  /** Times that the process stood still. */
  readonly stalls: Counter;
  readonly chatAnswers: Counter<'reason'>;
  /** Frames that one run drew, where frames are drawn together. */
  readonly together: Histogram;
  /** Pictures of faces that clients send to be imitated. */
  readonly pictures: Counter<'outcome'>;
  readonly errors: Counter<'code'>;
  /** Where time goes: waiting for workers, models, main thread, encoder, pacing. */
  readonly stageTime: Histogram<'stage'>;
  /** Late frames by the stage that took the most time. */
  readonly lateCauses: Counter<'stage'>;
  /** Sessions on each rung of the ladder, and steps taken. */
  readonly rungs: Gauge<'rung'>;
  readonly ladderSteps: Counter<'direction'>;
  /** Sessions that fit on the empty server, by what they need. */
  readonly sessionsFit: Gauge<'needs'>;
  readonly workerWaiting: Gauge<'thread'>;
  readonly threadCpu: Counter<'thread'>;
  readonly threadStarved: Counter<'thread'>;
  readonly loopLag: Gauge<'thread' | 'quantile'>;
  /** Of WebRTC sessions, once a second each. */
  readonly networkTarget: Histogram;
  readonly pictureRate: Histogram;
  readonly roundTrip: Histogram;
  readonly packetLoss: Histogram;
  /** All of them as text, and its content type. */
  expose(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** Fresh counters in a registry of their own. */
export const createMetrics = (): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    sessions: new Gauge({ name: 'visavis_sessions', help: 'Sessions that are open', registers }),
    sessionsTotal: new Counter({ name: 'visavis_sessions_total', help: 'Sessions opened since start', registers }),
    refused: new Counter({
      name: 'visavis_sessions_refused_total',
      help: 'Sessions refused because all were taken',
      registers,
    }),
    utterances: new Counter({
      name: 'visavis_utterances_total',
      help: 'Utterances finished, by reason',
      labelNames: ['reason'],
      registers,
    }),
    textToAudio: new Histogram({
      name: 'visavis_text_to_audio_seconds',
      help: 'First text of an utterance to its first packet of sound',
      buckets: LATENCY_SECONDS,
      registers,
    }),
    textToVideo: new Histogram({
      name: 'visavis_text_to_video_seconds',
      help: 'First text of an utterance to its first frame',
      buckets: LATENCY_SECONDS,
      registers,
    }),
    frames: new Counter({ name: 'visavis_video_frames_total', help: 'Video frames sent', registers }),
    lateFrames: new Counter({ name: 'visavis_late_frames_total', help: 'Video frames that came too late', registers }),
    audioGaps: new Counter({ name: 'visavis_audio_gaps_total', help: 'Slots of silence put into speech', registers }),
    playoutSkew: new Histogram({
      name: 'visavis_playout_skew_seconds',
      help: 'How far sound and picture are apart where they are played, as clients report it',
      buckets: SKEW_SECONDS,
      registers,
    }),
    playoutDelay: new Histogram({
      name: 'visavis_playout_delay_seconds',
      help: 'From the sending of sound until clients hear it',
      buckets: LATENCY_SECONDS,
      registers,
    }),
    pictureDelay: new Histogram({
      name: 'visavis_picture_delay_seconds',
      help: 'From the sending of a frame until clients see it',
      buckets: LATENCY_SECONDS,
      registers,
    }),
    playoutDropped: new Counter({
      name: 'visavis_playout_dropped_frames_total',
      help: 'Video frames that clients could not show in time',
      registers,
    }),
    stalls: new Counter({ name: 'visavis_stalls_total', help: 'Times that the process stood still', registers }),
    chatAnswers: new Counter({
      name: 'visavis_chat_answers_total',
      help: 'Answers of the language model, by how they ended',
      labelNames: ['reason'],
      registers,
    }),
    together: new Histogram({
      name: 'visavis_frames_drawn_together',
      help: 'Frames of the run that drew a frame',
      buckets: [1, 2, 4, 8, 16, 32],
      registers,
    }),
    pictures: new Counter({
      name: 'visavis_imitated_pictures_total',
      help: 'Pictures of faces to be imitated: read, dropped because newer ones had come, or refused',
      labelNames: ['outcome'],
      registers,
    }),
    errors: new Counter({
      name: 'visavis_errors_total',
      help: 'Errors told to clients',
      labelNames: ['code'],
      registers,
    }),
    stageTime: new Histogram({
      name: 'visavis_stage_seconds',
      help: 'Time that one piece of work took in a stage, or waited before it (-queue)',
      labelNames: ['stage'],
      buckets: STAGE_SECONDS,
      registers,
    }),
    lateCauses: new Counter({
      name: 'visavis_late_frame_causes_total',
      help: 'Late frames, by the stage that took the most of their time',
      labelNames: ['stage'],
      registers,
    }),
    rungs: new Gauge({
      name: 'visavis_sessions_on_rung',
      help: 'Sessions with a picture, by how much of it is made',
      labelNames: ['rung'],
      registers,
    }),
    ladderSteps: new Counter({
      name: 'visavis_ladder_steps_total',
      help: 'Times that a session had to make do with less picture, or got more',
      labelNames: ['direction'],
      registers,
    }),
    sessionsFit: new Gauge({
      name: 'visavis_sessions_fit',
      help: 'Sessions of a kind that fit on the server when it is empty, by their measured cost',
      labelNames: ['needs'],
      registers,
    }),
    workerWaiting: new Gauge({
      name: 'visavis_worker_waiting_calls',
      help: 'Calls that a worker thread has not answered',
      labelNames: ['thread'],
      registers,
    }),
    threadCpu: new Counter({
      name: 'visavis_thread_cpu_seconds_total',
      help: 'Processor time of a thread; of workers, in models',
      labelNames: ['thread'],
      registers,
    }),
    threadStarved: new Counter({
      name: 'visavis_thread_starved_seconds_total',
      help: 'Time in which a thread could have run and no processor was free',
      labelNames: ['thread'],
      registers,
    }),
    loopLag: new Gauge({
      name: 'visavis_event_loop_lag_seconds',
      help: 'How late a thread came to what was due, over the last second',
      labelNames: ['thread', 'quantile'],
      registers,
    }),
    networkTarget: new Histogram({
      name: 'visavis_network_target_bps',
      help: 'What the networks of WebRTC sessions carry, by rate control',
      buckets: BITS_A_SECOND,
      registers,
    }),
    pictureRate: new Histogram({
      name: 'visavis_picture_bps',
      help: 'Bit rate that the pictures of WebRTC sessions are given',
      buckets: BITS_A_SECOND,
      registers,
    }),
    roundTrip: new Histogram({
      name: 'visavis_round_trip_seconds',
      help: 'Round trip to WebRTC clients, by their reports',
      buckets: LATENCY_SECONDS,
      registers,
    }),
    packetLoss: new Histogram({
      name: 'visavis_packet_loss_ratio',
      help: 'Share of packets that WebRTC clients missed, by their reports',
      buckets: LOSS,
      registers,
    }),
    expose: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  };
};
