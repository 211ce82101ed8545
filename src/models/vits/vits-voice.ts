/**
 * A voice in a format of another project, run in parts: the encoder once a text, the flow in windows that carry as many frames to
 * each side as it sees, the decoder piece by piece, as it remembers what it still needs. A decoder that cannot be made to is run
 * in windows too. So joined windows equal the whole.
 */
import type { Clock } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';
import type { WordTiming } from '../../media.ts';
import { columns } from '../growing-speech.ts';
import type { SpeechOptions, TextProblem } from '../inference.ts';
import { float32, type SessionOptions, type Tensor } from '../onnx-session.ts';
import { createRandom, gaussianNoise } from '../random.ts';
import type { SymbolSequence, TextFrontEnd } from '../text-front-ends/front-end.ts';
import type { EncodedChunk, VoiceModel } from '../voice-model.ts';
import { type FramesFeed, type FramesPart, GrowingFrames, noiseFeed } from './growing-frames.ts';
import { framesOf, type Handovers } from './handovers.ts';
import type { OnnxModel } from './onnx-file.ts';
import { phonemeTimes } from './phoneme-times.ts';
import { receptiveField } from './receptive-field.ts';
import { StreamedDecoderPart } from './streamed-decoder-part.ts';
import { StreamedSound } from './streamed-sound.ts';
import { speakerId, type VoiceFormat } from './voice-format.ts';
import { feedsOf, loadParts, pick, releaseParts, type VoiceParts } from './voice-parts.ts';

/** About 80 s of speech. The encoder's cost grows with the square of the length. */
const MAX_SYMBOLS = 1000;
/** The decoder's context is looked for up to here when the graph does not tell it. */
const MAX_CONTEXT_FRAMES = 64;
/** Those of prior and flow are looked for among these. The flow of the paper sees 32 frames, the last of them hardly. */
const FLOW_CONTEXTS = [8, 12, 16, 24, 32, 48, 64];
/** Windows equal the whole when no sample differs by more, as a share of the peak: what float32 rounds differently. */
const TOLERANCE = 5e-6;
/** Doubled, no window of a voice that just keeps up with real time comes too late. */
const WINDOWS = [8, 16, 32, 64];
/** Fewer runs, as each of them reads all weights. */
const QUICK_WINDOWS = [8, 32, 96];
/** A voice is quick when its decoder takes less than this share of the time that its sound lasts. */
const QUICK = 0.1;
/** Frames of a trial window. */
const TRIAL_FRAMES = 8;
/** The loudest sample of the trial sentence becomes this. Sentences differ, and none may clip. */
const TARGET_PEAK = 0.7;
const MAX_GAIN = 4;

/** When a symbol is spoken, ms from the first sample. */
export interface SymbolTiming {
  readonly symbol: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** What `decode` takes. */
interface VitsSpeech {
  /** The sound as it grows; what windows are decoded from; or all of the sound when the voice does not stream. */
  readonly made: StreamedSound | FramesFeed | Float32Array;
  readonly frameCount: number;
}

/** A `VoiceModel`'s chunk with the times of symbols. */
export interface VitsChunk extends EncodedChunk {
  readonly speech: VitsSpeech;
  readonly symbols: readonly SymbolTiming[];
}

/** What was found out about a voice when it was loaded. */
export interface VitsFacts {
  readonly hopSamples: number;
  readonly latentChannels: number;
  /** Latent frames that a frame's sound waits for, and of context before it in windows; null: the voice is decoded in one piece. */
  readonly contextFrames: number | null;
  /** The same of the flow, found by trying; null: it is run at once. */
  readonly flowContextFrames: number | null;
  /** The same of a prior of its own; 0 when there is none. */
  readonly priorContextFrames: number | null;
  /** The decoder remembers what it still needs; or its context was worked out from the graph, found by trying, or neither. */
  readonly contextFrom: 'memory' | 'graph' | 'trial' | 'none';
  /** Largest difference between trial windows or pieces and the whole, as a share of the peak. */
  readonly windowError: number;
  readonly gain: number;
  /** The decoder is much faster than the sound lasts. */
  readonly isQuick: boolean;
}

const peakOf = (sound: Float32Array): number => sound.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);

/** What the encoder makes of a sequence. */
interface Encoded {
  readonly frames: Int32Array;
  readonly frameCount: number;
  /** What was given to the encoder, or what it gave. */
  readonly given: (name: string) => Tensor | undefined;
}

/** The latent, what else a decoder takes, and both. */
interface DecoderFeed {
  readonly latent: FramesFeed;
  readonly beside: FramesFeed;
  readonly both: FramesFeed;
}

/** Those of the tensors that are there. */
const some = (names: readonly string[], given: Encoded['given']): Handovers =>
  Object.fromEntries(
    names.flatMap((name) => {
      const tensor = given(name);
      return tensor ? [[name, tensor] as const] : [];
    }),
  );

/** A voice on the thread that calls it; every run blocks. */
export class VitsVoice implements VoiceModel {
  readonly #format: VoiceFormat;
  readonly #frontEnd: TextFrontEnd;
  readonly #parts: VoiceParts;
  readonly facts: VitsFacts;

  private constructor(format: VoiceFormat, frontEnd: TextFrontEnd, parts: VoiceParts, facts: VitsFacts) {
    this.#format = format;
    this.#frontEnd = frontEnd;
    this.#parts = parts;
    this.facts = facts;
  }

  /**
   * Cuts a model, loads the parts and tries them out.
   * @param file - its path, for messages
   * @throws {VisavisError} `bad_model` when it cannot be cut, or does not fit what stands beside it
   */
  static async load(
    file: string,
    model: OnnxModel,
    format: VoiceFormat,
    frontEnd: TextFrontEnd,
    { clock, ...options }: SessionOptions & { readonly clock: Clock },
  ): Promise<VitsVoice> {
    const { parts, latentChannels } = await loadParts(file, model, format, frontEnd, options);
    try {
      const untried: VitsFacts = {
        hopSamples: 0,
        latentChannels,
        contextFrames: null,
        flowContextFrames: null,
        priorContextFrames: null,
        contextFrom: 'none',
        windowError: Number.POSITIVE_INFINITY,
        gain: 1,
        isQuick: false,
      };
      const facts = await new VitsVoice(format, frontEnd, parts, untried).#tryOut(file, model, clock);
      return new VitsVoice(format, frontEnd, parts, facts);
    } catch (error) {
      await releaseParts(parts);
      throw error;
    }
  }

  get windowFrames(): readonly number[] {
    return this.facts.isQuick ? QUICK_WINDOWS : WINDOWS;
  }

  get hopSamples(): number {
    return this.facts.hopSamples;
  }

  /** Speaks the sample, measures how far the decoder sees, and how loud the voice is. */
  async #tryOut(file: string, model: OnnxModel, clock: Clock): Promise<VitsFacts> {
    const { cut } = this.#parts;
    const encoded = await this.#encode(this.#frontEnd.sample, this.#format.defaultSpeaker, 1, 1);
    const { frameCount } = encoded;
    const toDecoder = some(cut.toDecoder, encoded.given);
    const feed = this.#feedDecoder(encoded, 1);
    const handed = await feed.both(0, frameCount);
    const startMs = clock.nowMs();
    const sound = await this.#decode(handed, frameCount);
    const decodingMs = clock.nowMs() - startMs;
    const hopSamples = sound.length / frameCount;
    if (!Number.isInteger(hopSamples)) {
      throw new VisavisError(
        'bad_model',
        `${file}: ${frameCount} frames became ${sound.length} samples; expected a whole number of samples a frame.`,
      );
    }
    const peak = peakOf(sound);
    if (!(peak > 0) || !Number.isFinite(peak)) {
      throw new VisavisError('bad_model', `${file}: the voice makes no sound. Is the file whole?`);
    }
    const gain = Math.min(MAX_GAIN, TARGET_PEAK / peak);
    const { latentChannels } = this.facts;

    /** Decodes noise at once and a window of it with that much context; gives the largest difference. */
    const errorWith = async (contextFrames: number): Promise<number> => {
      const width = 2 * contextFrames + 3 * TRIAL_FRAMES;
      const noise = gaussianNoise(createRandom(1), latentChannels * width);
      const decode = (from: number, to: number) =>
        this.#decode(
          {
            ...framesOf(toDecoder, frameCount, from, to),
            [cut.latent]: float32(columns(noise, width, from, to), [1, latentChannels, to - from]),
          },
          to - from,
        );
      const whole = await decode(0, width);
      if (whole.length !== width * hopSamples) return Number.POSITIVE_INFINITY;
      const first = contextFrames + TRIAL_FRAMES;
      const from = first - contextFrames;
      const to = first + TRIAL_FRAMES + contextFrames;
      const window = await decode(from, to);
      let worst = 0;
      for (let i = 0; i < TRIAL_FRAMES * hopSamples; i++) {
        const difference = window[contextFrames * hopSamples + i]! - whole[first * hopSamples + i]!;
        worst = Math.max(worst, Math.abs(difference));
      }
      return worst / peakOf(whole);
    };

    const priorContextFrames = await this.#tryPart(encoded, 'prior');
    const flowContextFrames = await this.#tryPart(encoded, 'flow');
    const isQuick = decodingMs < (QUICK * 1000 * sound.length) / this.#format.sampleRateHz;
    const facts = { hopSamples, latentChannels, priorContextFrames, flowContextFrames, gain, isQuick };
    const { decoder } = this.#parts;
    if (decoder instanceof StreamedDecoderPart) {
      const contextFrames = Math.ceil(decoder.graph.lagSamples / hopSamples);
      return { ...facts, contextFrames, contextFrom: 'memory', windowError: decoder.pieceError };
    }
    const seen = receptiveField(cut.decoderNodes, model.weights, cut.latent, cut.sound);
    if (seen?.hopSamples === hopSamples) {
      const windowError = await errorWith(seen.contextFrames);
      if (windowError <= TOLERANCE) {
        return { ...facts, contextFrames: seen.contextFrames, contextFrom: 'graph', windowError };
      }
    }
    for (let contextFrames = 1; contextFrames <= MAX_CONTEXT_FRAMES; contextFrames *= 2) {
      const windowError = await errorWith(contextFrames);
      if (windowError <= TOLERANCE) return { ...facts, contextFrames, contextFrom: 'trial', windowError };
    }
    return { ...facts, contextFrames: null, contextFrom: 'none', windowError: Number.POSITIVE_INFINITY };
  }

  /** Finds how far prior or flow see: null when it is all. */
  async #tryPart({ frameCount, given }: Encoded, which: 'prior' | 'flow'): Promise<number | null> {
    const { cut, prior, flow } = this.#parts;
    const session = which === 'prior' ? prior : flow;
    if (!session) return 0;
    const takes = which === 'prior' ? (cut.prior?.takes ?? []) : cut.toFlow;
    const gives = which === 'prior' ? (cut.prior?.gives ?? []) : [cut.latent];
    const moving = takes.filter((name) => cut.prior?.gives.includes(name));
    const made = moving.length > 0 ? await prior?.run(some(cut.prior?.takes ?? [], given)) : undefined;
    const handed = { ...some(takes, given), ...some(moving, (name) => made?.any(name)) };
    const noise = noiseFeed(this.facts.latentChannels, 2);
    for (const contextFrames of FLOW_CONTEXTS) {
      const first = contextFrames + TRIAL_FRAMES;
      const width = first + TRIAL_FRAMES + first;
      const run = async (from: number, to: number) => {
        const inputs = { ...framesOf(handed, frameCount, from, to), ...(which === 'flow' && (await noise(from, to))) };
        const outputs = await session.run(inputs);
        return (name: string, begin: number) => {
          const { data } = outputs.get(name, 'float32');
          return columns(data, to - from, begin - from, begin - from + TRIAL_FRAMES);
        };
      };
      try {
        const whole = await run(0, width);
        const window = await run(first - contextFrames, first + TRIAL_FRAMES + contextFrames);
        const isSame = gives.every((name) => {
          const wanted = whole(name, first);
          const made = window(name, first);
          const worst = made.reduce((most, x, i) => Math.max(most, Math.abs(x - (wanted[i] ?? Infinity))), 0);
          return made.length === wanted.length && worst <= TOLERANCE * peakOf(wanted);
        });
        if (isSame) return contextFrames;
      } catch (error) {
        // A part that is built for the length of its text refuses another one.
        if (!(error instanceof VisavisError && error.code === 'inference_failed')) throw error;
        return null;
      }
    }
    return null;
  }

  /** The latent of a text, and what else the decoder takes, as far as they are asked for. */
  #feedDecoder({ frameCount, given }: Encoded, seed: number): DecoderFeed {
    const { cut, prior, flow } = this.#parts;
    const { contextFrames, flowContextFrames, priorContextFrames, latentChannels } = this.facts;
    const firstFrames = (this.windowFrames[0] ?? 0) + (contextFrames ?? 0);
    const grow = (part: FramesPart, feed: FramesFeed) => new GrowingFrames(part, feed, frameCount);
    const fixed = (names: readonly string[]): FramesFeed => {
      const handed = some(names, given);
      return async (from, to) => framesOf(handed, frameCount, from, to);
    };
    const ofPrior =
      prior &&
      cut.prior &&
      grow(
        {
          session: prior,
          gives: cut.prior.gives,
          contextFrames: priorContextFrames,
          firstFrames: firstFrames + (flowContextFrames ?? 0),
        },
        fixed(cut.prior.takes),
      );
    /** What the encoder gave of `names`, and what the prior gives. */
    const feedOf = (names: readonly string[]): FramesFeed => {
      const handed = fixed(names);
      const moving = names.filter((name) => cut.prior?.gives.includes(name));
      if (!ofPrior || moving.length === 0) return handed;
      return async (from, to) => {
        const made = await ofPrior.columns(from, to);
        return { ...(await handed(from, to)), ...some(moving, (name) => made[name]) };
      };
    };
    const [noise, toFlow, beside] = [noiseFeed(latentChannels, seed), feedOf(cut.toFlow), feedOf(cut.toDecoder)];
    const latent = grow(
      { session: flow, gives: [cut.latent], contextFrames: flowContextFrames, firstFrames },
      async (from, to) => ({ ...(await noise(from, to)), ...(await toFlow(from, to)) }),
    );
    return {
      latent: (from, to) => latent.columns(from, to),
      beside,
      both: async (from, to) => ({ ...(await latent.columns(from, to)), ...(await beside(from, to)) }),
    };
  }

  async encode(text: string, { speed, seed }: SpeechOptions, speaker?: string): Promise<VitsChunk> {
    const { defaultSpeaker, speakers } = this.#format;
    const speakerNumber = speaker === undefined ? defaultSpeaker : speakerId(speakers, speaker);
    const sequence = await this.#frontEnd.read(text);
    const { leftOut } = sequence;
    const problems: readonly TextProblem[] =
      leftOut === undefined ? [] : [{ kind: 'unknown-symbols', message: leftOut }];
    if (sequence.ids.length === 0) {
      return {
        speech: { made: new Float32Array(0), frameCount: 0 },
        frameCount: 0,
        words: [],
        symbols: [],
        problems,
      };
    }
    if (sequence.ids.length > MAX_SYMBOLS) {
      throw new VisavisError(
        'text_too_long',
        `A text chunk may have ${MAX_SYMBOLS} symbols, this one has ${sequence.ids.length}. Send it in shorter sentences.`,
      );
    }
    const encoded = await this.#encode(sequence, speakerNumber, speed, seed);
    const { frames, frameCount } = encoded;
    const feed = this.#feedDecoder(encoded, seed);
    const { decoder } = this.#parts;
    const isWhole = this.facts.contextFrames === null;
    const made =
      decoder instanceof StreamedDecoderPart
        ? new StreamedSound(decoder, frameCount, { ...feed, seed })
        : isWhole
          ? await this.#decode(await feed.both(0, frameCount), frameCount)
          : feed.both;
    const starts = new Float64Array(frames.length + 1);
    const frameMs = (this.hopSamples / this.#format.sampleRateHz) * 1000;
    for (const [i, count] of frames.entries()) starts[i + 1] = starts[i]! + count * frameMs;
    return {
      speech: { made, frameCount },
      frameCount,
      words: sequence.words.map(({ text: word, charStart, charEnd, first, end }): WordTiming => {
        const phonemes = phonemeTimes(sequence.symbols, starts, { first, end });
        const times = { startMs: starts[first]!, endMs: starts[end]! };
        return { text: word, ...times, charStart, charEnd, ...(phonemes && { phonemes }) };
      }),
      problems,
      symbols: sequence.symbols.map((symbol, i) => ({ symbol, startMs: starts[i]!, endMs: starts[i + 1]! })),
    };
  }

  async decode(speech: unknown, first: number, end: number): Promise<Float32Array> {
    const { made, frameCount } = speech as VitsSpeech;
    const { gain } = this.facts;
    const contextFrames = this.facts.contextFrames ?? 0;
    const hop = this.hopSamples;
    let audio: Float32Array;
    if (made instanceof Float32Array) audio = made.slice(first * hop, end * hop);
    else if (made instanceof StreamedSound) audio = await made.samples(first, end);
    else {
      const from = Math.max(0, first - contextFrames);
      const to = Math.min(frameCount, end + contextFrames);
      const decoded = await this.#decode(await made(from, to), to - from);
      audio = decoded.slice((first - from) * hop, (end - from) * hop);
    }
    for (let i = 0; i < audio.length; i++) audio[i] = Math.min(1, Math.max(-1, audio[i]! * gain));
    return audio;
  }

  /** Text encoder and durations; all else follows as far as it is needed. */
  async #encode(sequence: SymbolSequence, speaker: number, speed: number, seed: number): Promise<Encoded> {
    const { cut, encoder } = this.#parts;
    const feeds = feedsOf(this.#format, cut, sequence, speaker, speed, seed, this.hopSamples);
    const outputs = await encoder.run(
      pick(
        feeds,
        cut.encoderInputs.map(({ name }) => name),
      ),
    );
    const given = (name: string): Tensor | undefined =>
      feeds[name] ?? (cut.encoderGives.includes(name) ? outputs.any(name) : undefined);
    const frames = Int32Array.from(outputs.get(cut.durations, 'float32').data);
    const frameCount = frames.reduce((sum, count) => sum + count, 0);
    const width = given(cut.prior?.takes[0] ?? cut.noiseLike)?.shape[2];
    if (frames.length !== sequence.ids.length || width !== frameCount) {
      throw new VisavisError(
        'bad_model',
        `The voice gives ${frames.length} durations of ${frameCount} frames for ${sequence.ids.length} symbols and ${width} frames.`,
      );
    }
    return { frames, frameCount, given };
  }

  /** The whole sound of as many frames, as the model makes it. */
  async #decode(handed: Handovers, frameCount: number): Promise<Float32Array> {
    const { cut, decoder } = this.#parts;
    if (decoder instanceof StreamedDecoderPart) return decoder.whole(handed, frameCount);
    return (await decoder.run(handed)).get(cut.sound, 'float32').data;
  }

  async release(): Promise<void> {
    await Promise.all([releaseParts(this.#parts), this.#frontEnd.close()]);
  }
}
