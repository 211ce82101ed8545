/**
 * One viewer's session once it is open: its pipeline, its media and its account of what was said. The only `subscribe` of a
 * session is here; whoever opens a live session closes it.
 */
import { Subject, type Subscription } from 'rxjs';
import type { Clock } from '../clock.ts';
import { VisavisError, asVisavisError } from '../errors.ts';
import { type AudioSlot, FRAMES_PER_SECOND, MOTION_SIZE } from '../media.ts';
import type { CallTiming, Face, Inference, Voice } from '../models/inference.ts';
import { createRandom, gaussianNoise } from '../models/random.ts';
import { type InterruptStep, type PipelineEvent, createAvatarPipeline } from '../pipeline/avatar-pipeline.ts';
import { LiveImitation } from '../pipeline/live-imitation.ts';
import { MotionControl, type MotionWish, unknownExpressions } from '../pipeline/motion-control.ts';
import { RUNGS, type Rung } from '../pipeline/rungs.ts';
import { type LedgerEvent, UtteranceLedger } from '../pipeline/utterance-ledger.ts';
import { ClientReports } from './client-reports.ts';
import { FrameOutput } from './frame-output.ts';
import type { Demand } from './load/admission.ts';
import { FrameAccount, type FrameOutcome } from './load/frame-account.ts';
import type { LoadMember } from './load/load-control.ts';
import { MediaPath } from './media-path.ts';
import type { MediaChannel, MediaEvent, MediaServer, RtpBase } from './media/media-channel.ts';
import type { ClientMessage, ServerMessage, SessionOpen } from './messages.ts';
import type { Metrics } from './metrics.ts';
import { OutputRoom } from './output-room.ts';
import { PictureInput } from './picture-input.ts';
import { UtteranceFeeds } from './utterance-feeds.ts';

/** Sample rates that Opus takes (RFC 6716 §2). */
const OPUS_RATES: ReadonlySet<number> = new Set([8000, 12000, 16000, 24000, 48000]);

/** Going back without interrupting anything. */
const NOBODY: ReadonlySet<string> = new Set();

/** Where the session's output goes. */
export interface SessionOutput {
  send(message: ServerMessage): void;
  sendBinary(frame: Uint8Array): void;
  /** Bytes handed over and not yet taken by the network. */
  unsentBytes(): number;
  /** The browser has opened its data channel. */
  peerOpened(): void;
  /** A message that came over it. */
  received(text: string): void;
  /** Ends the session from within. */
  fail(error: VisavisError): void;
}

/** The session's part of the server's load. */
export interface SessionLoad {
  /** Says what it needs. */
  needs(demand: Demand): void;
  /** Begins to count its frames. `onRung`: less, or more again, of the picture is to be made. */
  join(onRung: (rung: Rung) => void): LoadMember;
}

export interface LiveSessionDeps {
  readonly inference: Inference;
  readonly media: MediaServer;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly output: SessionOutput;
  readonly load: SessionLoad;
  readonly defaults: { readonly voice: string; readonly avatar: string };
  readonly bitrateBps: number;
  readonly limits: {
    readonly textCharacters: number;
    readonly utterances: number;
    readonly messageBytes: number;
    readonly recordedMs: number;
    readonly pictureBytes: number;
    readonly picturesPerSecond: number;
    readonly unsentBytes: number;
    readonly unreadMs: number;
    readonly mediaPathMs: number;
    readonly offerCharacters: number;
    readonly candidates: number;
  };
}

type SessionOpened = Extract<ServerMessage, { type: 'session.opened' }>;
type WebRtcAnswer = Extract<ServerMessage, { type: 'webrtc.answer' }>;
type MessageOf<Type extends ClientMessage['type']> = Extract<ClientMessage, { type: Type }>;

export class LiveSession {
  readonly #deps: LiveSessionDeps;
  readonly #open: SessionOpen;
  readonly #seed: number;
  readonly #channel: MediaChannel;
  readonly #ledger = new UtteranceLedger();
  readonly #control = new MotionControl();
  readonly #imitation = new LiveImitation();
  /** null: nothing moves, or nobody reads faces. */
  readonly #pictures: PictureInput | null;
  readonly #feeds: UtteranceFeeds;
  readonly #frames: FrameOutput;
  readonly #reports: ClientReports;
  readonly #room: OutputRoom;
  readonly #path: MediaPath | null;
  readonly #played$ = new Subject<number>();
  readonly #interrupt$ = new Subject<InterruptStep>();
  #work: Subscription | undefined;
  readonly #mediaTimeBase: RtpBase;
  #voice: Voice;
  #speed: number;
  #face: Face;
  #cutting: Promise<void> = Promise.resolve();
  #closed = false;
  #peerListens = false;
  /** Of the last offer. */
  #candidates = 0;
  /** What the client said that it hears, and when it said so. */
  #heard: { readonly mediaTimeMs: number; readonly atMs: number } | null = null;
  /** Told when the last packet of the slot has been sent. */
  #afterSlot: { readonly sequence: number; readonly events: readonly LedgerEvent[] } | undefined;
  /** Without a clock sound would overtake its frames: it waits for them. null: there is a clock, or there are no frames. */
  readonly #soundBeforeFrame: AudioSlot[] | null;
  readonly #account = new FrameAccount();
  /** null: it has no picture, or its picture is not bound to time. */
  #member: LoadMember | null = null;
  /** Where the time of the last call for speech went. */
  #speech: CallTiming | null = null;

  private constructor(
    deps: LiveSessionDeps,
    open: SessionOpen,
    parts: {
      readonly voice: Voice;
      readonly face: Face;
      readonly channel: MediaChannel;
      readonly sampleRateHz: number;
      readonly mediaTimeBase: RtpBase;
      readonly moves: boolean;
    },
  ) {
    this.#deps = deps;
    this.#open = open;
    this.#seed = open.seed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    this.#voice = parts.voice;
    this.#face = parts.face;
    this.#channel = parts.channel;
    this.#mediaTimeBase = parts.mediaTimeBase;
    this.#speed = open.speed;
    this.#frames = new FrameOutput((frame) => deps.output.sendBinary(frame));
    this.#reports = new ClientReports(deps.metrics, (message) => deps.output.send(message), {
      phonemes: open.phonemes ?? false,
    });
    this.#room = new OutputRoom({
      clock: deps.clock,
      limits: deps.limits,
      unsentBytes: () => deps.output.unsentBytes(),
      fail: (error) => deps.output.fail(error),
    });
    this.#path = open.media.transport === 'webrtc' ? new MediaPath(deps) : null;
    this.#feeds = new UtteranceFeeds({
      ledger: this.#ledger,
      clock: deps.clock,
      voice: () => this.#voice,
      speed: () => this.#speed,
      seed: this.#seed,
      sampleRateHz: parts.sampleRateHz,
      limits: deps.limits,
    });
    this.#pictures = parts.moves ? this.#createPictures() : null;
    const unpaced = open.media.transport === 'websocket' && open.media.leadMs === null;
    this.#soundBeforeFrame = unpaced && open.media.video === true ? [] : null;
  }

  /**
   * Loads what the session asks for and starts it.
   * @throws {VisavisError} `unknown_voice`, `unknown_avatar`, `unsupported_media`
   */
  static async start(
    deps: LiveSessionDeps,
    id: string,
    open: SessionOpen,
  ): Promise<{ live: LiveSession; opened: SessionOpened }> {
    const { inference, media } = deps;
    const { transport } = open.media;
    const codec = open.media.audio?.codec ?? 'opus';
    if (transport === 'webrtc' && codec !== 'opus') {
      throw new VisavisError(
        'unsupported_media',
        'WebRTC sound is Opus: leave audio.codec out, or choose transport "websocket"',
      );
    }
    const face = await inference.face(open.avatar ?? deps.defaults.avatar);
    const voice = await inference.voice(open.voice ?? (open.avatar ? face.voice : deps.defaults.voice));
    const video = open.media.video ?? transport === 'webrtc';
    const moves = video || open.media.motion;
    // Made as fast as possible, silence would have no end.
    const lives = transport === 'webrtc' || (moves && open.media.leadMs !== null);
    const sampleRateHz = sessionRate(open, codec, voice.sampleRateHz);
    const motion = moves ? await inference.motion() : null;
    const mediaTimeBase = randomRtpBase();
    const channel = await media.open({
      transport:
        transport === 'webrtc'
          ? { kind: 'webrtc', rtpBase: mediaTimeBase }
          : { kind: 'packets', leadMs: open.media.leadMs, audio: codec },
      sampleRateHz,
      video: video ? { size: face.size, bitrateBps: deps.bitrateBps } : null,
      fillIdle: lives,
    });

    deps.load.needs(video ? 'pictures' : moves ? 'motion' : 'sound');
    const live = new LiveSession(deps, open, { voice, face, channel, sampleRateHz, mediaTimeBase, moves });
    if (video && live.#soundBeforeFrame === null) live.#member = deps.load.join((rung) => live.#takeRung(rung));
    const temperature = motion?.temperature ?? 0;
    const pipeline = createAvatarPipeline(
      {
        motion,
        face: video ? () => live.#face : null,
        control: {
          apply: (sequence, own, speaking) =>
            live.#control.apply(sequence, live.#imitation.apply(own, speaking, deps.clock.nowMs())),
        },
        nowMs: live.#soundBeforeFrame ? null : () => deps.clock.nowMs(),
        noise: (sequence) => gaussianNoise(createRandom(live.#seed, sequence), MOTION_SIZE, temperature),
        rung: () => live.#member?.rung ?? RUNGS[0],
        onSpeech: (timing) => {
          live.#speech = timing;
        },
      },
      { sampleRateHz, idle: lives, takesBackSilence: lives },
    );
    const inputs = { utterance$: live.#feeds.utterance$, played$: live.#played$, interrupt$: live.#interrupt$ };
    live.#work = pipeline(inputs).subscribe({
      next: (event) => live.#onPipeline(event),
      error: (error: unknown) => deps.output.fail(asVisavisError(error)),
    });
    const { textCharacters, utterances, messageBytes, pictureBytes, picturesPerSecond } = deps.limits;
    const { reader } = inference;
    const opened: SessionOpened = {
      type: 'session.opened',
      session: id,
      voice: voice.name,
      avatar: face.name,
      fps: FRAMES_PER_SECOND,
      size: face.size,
      audio: { codec, sampleRateHz: codec === 'opus' ? 48000 : sampleRateHz },
      limits: { maxTextCharacters: textCharacters, maxUtterances: utterances, maxMessageBytes: messageBytes },
      ...(reader && {
        imitation: {
          size: reader.size,
          avatars: [...reader.avatars],
          maxPictureBytes: pictureBytes,
          maxPicturesPerSecond: picturesPerSecond,
        },
      }),
      ai: true,
    };
    return { live, opened };
  }

  /** Begins to take media events; what they cause is sent after `session.opened`. */
  run(): void {
    this.#path?.begin();
    this.#channel.listen((event) => this.#onMedia(event));
  }

  /** Whether something is being said or waits to be. */
  get busy(): boolean {
    return this.#ledger.open.length > 0 || this.#afterSlot !== undefined;
  }

  /** The answer. @throws {VisavisError} `webrtc_failed`, `bad_order` */
  async offer(sdp: string): Promise<WebRtcAnswer> {
    this.#requireWebRtc('webrtc.offer');
    const { offerCharacters } = this.#deps.limits;
    if (sdp.length > offerCharacters) {
      const way = `an offer may have ${offerCharacters} characters, this one has ${sdp.length}`;
      throw new VisavisError('webrtc_failed', `${way}; offer only what is sent: one audio and one video section`);
    }
    this.#candidates = 0;
    const answer = await this.#channel.offer(sdp);
    return { type: 'webrtc.answer', sdp: answer, mediaTimeBase: this.#mediaTimeBase };
  }

  /** Tells a browser that has opened a data channel what its socket would be told. */
  tellPeer(message: string): void {
    if (this.#peerListens && !this.#closed) this.#channel.sendText(message);
  }

  candidate(candidate: Parameters<MediaChannel['candidate']>[0]): void {
    this.#requireWebRtc('webrtc.candidate');
    this.#candidates += 1;
    // Each is checked from every local socket.
    if (candidate !== null && this.#candidates > this.#deps.limits.candidates) return;
    this.#channel.candidate(candidate);
  }

  /** What is to be said. */
  get feeds(): Pick<UtteranceFeeds, 'append' | 'end' | 'recorded'> {
    return this.#feeds;
  }

  /** Whether an utterance of that id is being said or waits. */
  has(utterance: string): boolean {
    return this.#ledger.has(utterance);
  }

  /** Stops one utterance, or all of them. @throws {VisavisError} `unknown_utterance` */
  interrupt(utterance?: string): void {
    if (utterance !== undefined && !this.#ledger.has(utterance)) {
      throw new VisavisError('unknown_utterance', `utterance "${utterance}" is not being said and does not wait`);
    }
    const utterances = new Set(utterance === undefined ? this.#ledger.open : [utterance]);
    for (const id of utterances) this.#feeds.stop(id);
    this.#queueCut(() => this.#cut(utterances));
  }

  /** One at a time: a second one must find the slots as the first has left them. */
  #queueCut(cut: () => Promise<void>): void {
    this.#cutting = this.#cutting.then(cut).catch((error: unknown) => this.#reports.error(asVisavisError(error)));
  }

  /** Notes what the client has really played, for `spokenText` and for metrics. */
  heard({ mediaTimeMs, shownTimeMs, skewMs, framesDropped = 0 }: MessageOf<'playback'>): void {
    const { clock, metrics } = this.#deps;
    this.#heard = { mediaTimeMs, atMs: clock.nowMs() };
    metrics.playoutDelay.observe(Math.max(0, this.#ledger.playedUntilMs - mediaTimeMs) / 1000);
    if (shownTimeMs !== undefined) {
      metrics.pictureDelay.observe(Math.max(0, this.#ledger.playedUntilMs - shownTimeMs) / 1000);
    }
    if (skewMs !== undefined) metrics.playoutSkew.observe(Math.abs(skewMs) / 1000);
    metrics.playoutDropped.inc(framesDropped);
  }

  /** @throws {VisavisError} `bad_message` when a shape is unknown. */
  setMotion(wish: MotionWish): void {
    const unknown = unknownExpressions(wish);
    if (unknown.length > 0) {
      throw new VisavisError(
        'bad_message',
        `expected ARKit names such as jawOpen or mouthSmile_L, got ${unknown.join(', ')}`,
      );
    }
    this.#control.set(wish);
  }

  /**
   * Lets the face do what the one in a picture does; the last one may be empty.
   * @throws {VisavisError} `bad_order` when there is nothing that moves or nobody who reads; `bad_message` for one that cannot be read
   */
  imitate(jpeg: Uint8Array, last: boolean): void {
    if (!this.#pictures) {
      const way = this.#deps.inference.reader
        ? 'this session sends neither frames nor motion: open one with media.video or media.motion'
        : 'this server has no reader of faces: put one into the folder readers of its models';
      throw new VisavisError('bad_order', `pictures cannot be imitated: ${way}`);
    }
    if (last) {
      this.#pictures.drop();
      this.#imitation.end();
    } else this.#pictures.take(jpeg);
  }

  #createPictures(): PictureInput | null {
    const { clock, metrics, limits, inference } = this.#deps;
    if (!inference.reader) return null;
    return new PictureInput({
      reader: inference.reader,
      clock,
      limits,
      onRead: (descriptor) => this.#imitation.take(descriptor, clock.nowMs()),
      onError: (error) => this.#reports.error(error),
      onOutcome: (outcome) => metrics.pictures.inc({ outcome }),
    });
  }

  /** Takes effect at the next utterance. @throws {VisavisError} `unknown_voice` */
  async setVoice({ voice, speed }: MessageOf<'voice.set'>): Promise<void> {
    if (speed !== undefined) this.#speed = speed;
    if (voice !== undefined) this.#voice = await this.#deps.inference.voice(voice);
  }

  /** Takes effect at the next frame. @throws {VisavisError} `unknown_avatar`, `unsupported_media` */
  async setAvatar(name: string): Promise<void> {
    const face = await this.#deps.inference.face(name);
    if (face.size !== this.#face.size) {
      throw new VisavisError(
        'unsupported_media',
        `this session shows ${this.#face.size} pixels, "${name}" has ${face.size}: open a new one`,
      );
    }
    this.#face = face;
  }

  /** Ends the session; idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#pictures?.drop();
    this.#room.close();
    this.#path?.close();
    this.#member?.leave();
    this.#work?.unsubscribe();
    await this.#channel.close();
  }

  async #cut(utterances: ReadonlySet<string>): Promise<void> {
    if (this.#closed) return;
    const from = this.#ledger.firstSlot(utterances);
    if (from === null) {
      this.#interrupt$.next({ kind: 'drop', utterances });
      this.#reports.tell(this.#ledger.interrupt(utterances, 0));
      return;
    }
    await this.#goBack(from, utterances);
  }

  /** Takes back the slots from `from` on that have not been played, and makes them again without these utterances. */
  async #goBack(from: number, utterances: ReadonlySet<string>): Promise<void> {
    if (this.#closed) return;
    this.#interrupt$.next({ kind: 'halt', utterances });
    const { sequence, heardMs: sentMs } = await this.#channel.cut(from);
    if (this.#closed) return;
    const waiting = this.#soundBeforeFrame;
    waiting?.splice(0, waiting.length, ...waiting.filter((slot) => slot.sequence < sequence));
    this.#frames.restart(sequence);
    this.#account.restart(sequence);
    const heardMs = Math.min(this.#heardMs(), sentMs);
    this.#ledger.restart(sequence);
    this.#reports.tell(this.#ledger.interrupt(utterances, heardMs));
    this.#interrupt$.next({ kind: 'resume', utterances, sequence });
  }

  /** Media time heard now, as far as the client tells. Over WebRTC it plays on since its last report; Infinity: it never told. */
  #heardMs(): number {
    if (this.#heard === null) return Infinity;
    const { mediaTimeMs, atMs } = this.#heard;
    return this.#open.media.transport === 'webrtc' ? mediaTimeMs + this.#deps.clock.nowMs() - atMs : mediaTimeMs;
  }

  #onPipeline(event: PipelineEvent): void {
    switch (event.type) {
      case 'audio': {
        const { slot, marks } = event;
        this.#frames.composed(slot.sequence, marks);
        this.#reports.tell(this.#ledger.composed(slot.sequence, marks));
        if (this.#soundBeforeFrame) this.#soundBeforeFrame.push(slot);
        else this.#channel.pushAudio(slot);
        break;
      }
      case 'motion':
        if (this.#open.media.motion) this.#frames.moved(event.sequence, event.descriptor);
        break;
      case 'video':
        if (event.times) this.#account.drawn(event.frame.sequence, event.times);
        this.#channel.pushVideo(event.frame);
        this.#releaseSound(event.frame.sequence);
        break;
      case 'behind-silence':
        this.#queueCut(() => this.#goBack(event.from, NOBODY));
        break;
      case 'skipped':
        this.#reports.skippedFrame();
        if (event.times) this.#count(this.#account.skipped(event.times));
        break;
      case 'problem':
        this.#reports.error(event.error, event.utterance);
        break;
      case 'failed':
        this.#reports.error(asVisavisError(event.error, 'inference_failed'), event.utterance);
        if (event.utterance === null) this.#releaseSound(Infinity);
        break;
    }
  }

  #count(outcome: FrameOutcome): void {
    if (outcome.isLate) this.#reports.late(outcome);
    this.#member?.frame(outcome);
  }

  /** Less of the picture, or more again. */
  #takeRung({ name, everySlots, shrink, moves }: Rung): void {
    this.#channel.spare({ everyFrames: everySlots, shrink, framesOpenSpeech: moves !== 'nothing' });
    this.#reports.degraded(name);
  }

  #releaseSound(upTo: number): void {
    const waiting = this.#soundBeforeFrame;
    while (waiting?.[0] && waiting[0].sequence <= upTo) this.#channel.pushAudio(waiting.shift() as AudioSlot);
  }

  #onMedia(event: MediaEvent): void {
    if (this.#closed) return;
    switch (event.type) {
      case 'ready':
        this.#path?.found();
        this.#played$.next(-1);
        break;
      case 'played':
        this.#frames.played(event.sequence, event.mediaTimeMs);
        for (const lost of this.#account.played(event.sequence, event.sentAtMs)) this.#count(lost);
        this.#onPlayed(this.#ledger.played(event.sequence, event.mediaTimeMs, event.sentAtMs), event.sequence);
        // Further slots are made unless the socket does not take what it has been given.
        this.#room.whenThereIs(() => this.#played$.next(event.sequence));
        break;
      case 'shown': {
        const outcome = this.#account.shown(event.sequence, event.encodeMs ?? 0);
        if (outcome) this.#count(outcome);
        this.#reports.tell(this.#ledger.shown(event.sequence, event.sentAtMs));
        break;
      }
      case 'spared':
        this.#account.spared(event.sequence);
        break;
      case 'packet':
        if (this.#frames.packet(event)) this.#finishSlot(event.sequence);
        break;
      case 'text-open':
        this.#peerListens = true;
        this.#deps.output.peerOpened();
        break;
      case 'text':
        this.#deps.output.received(event.text);
        break;
      case 'state':
        this.#path?.changed(event.state);
        this.#onState(event.state);
        break;
      case 'counters':
        if (this.#reports.counted(event.counters, this.#ledger.speaking) > 0) this.#member?.gap(this.#speech);
        break;
      case 'error':
        this.#reports.error(new VisavisError('internal', event.message));
        break;
    }
  }

  #onState(state: Extract<MediaEvent, { type: 'state' }>['state']): void {
    if (state === 'disconnected') {
      this.#reports.error(
        new VisavisError(
          'webrtc_failed',
          'nothing comes from the client any more; a new webrtc.offer looks for another way',
        ),
      );
    }
    if (state === 'failed') {
      this.#reports.error(
        new VisavisError(
          'webrtc_failed',
          'no media path to the client could be found or kept; send a new webrtc.offer',
        ),
      );
    }
    // Not by `close`, which ends listening first: the media thread has died.
    if (state === 'closed') {
      this.#deps.output.fail(
        new VisavisError('internal', 'the media of this session ended unexpectedly; open a new one'),
      );
    }
  }

  /** Over a socket the second packet of a slot leaves after `played`: what ends with the slot is told after it. */
  #onPlayed(events: readonly LedgerEvent[], sequence: number): void {
    if (this.#open.media.transport === 'webrtc') {
      this.#reports.tell(events);
      return;
    }
    this.#reports.tell(events.filter(({ type }) => type !== 'finished'));
    const finished = events.filter(({ type }) => type === 'finished');
    if (finished.length > 0) this.#afterSlot = { sequence, events: finished };
  }

  #finishSlot(sequence: number): void {
    if (!this.#afterSlot || this.#afterSlot.sequence > sequence) return;
    this.#reports.tell(this.#afterSlot.events);
    this.#afterSlot = undefined;
  }

  #requireWebRtc(type: string): void {
    if (this.#open.media.transport !== 'webrtc') {
      throw new VisavisError(
        'bad_order',
        `${type} belongs to transport "webrtc"; this session sends media over the WebSocket`,
      );
    }
  }
}

/** Random timestamps: known ones would help to attack the encryption (RFC 3550 §5.1). */
const randomRtpBase = (): RtpBase => {
  const [audio = 0, video = 0] = crypto.getRandomValues(new Uint32Array(2));
  return { audio, video };
};

/** The rate that the session's sound is made at: what the client asks for, or the voice's own if the codec takes it. */
const sessionRate = (open: SessionOpen, codec: 'opus' | 'pcm_s16le', voiceRateHz: number): number => {
  const asked = open.media.audio?.sampleRateHz;
  if (codec === 'pcm_s16le') return asked ?? voiceRateHz;
  return OPUS_RATES.has(voiceRateHz) ? voiceRateHz : 48_000;
};
