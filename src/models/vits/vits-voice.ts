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
import { float32, OnnxSession, type SessionOptions, type Tensor } from '../onnx-session.ts';
import { createRandom, gaussianNoise } from '../random.ts';
import type { SymbolSequence, TextFrontEnd } from '../text-front-ends/front-end.ts';
import type { EncodedChunk, VoiceModel } from '../voice-model.ts';
import { ADDED, type CutVoice, cutVoice, type Handed, NotVits } from './cut-voice.ts';
import { GrowingLatent, runFlow } from './growing-latent.ts';
import { framesOf, type Handovers } from './handovers.ts';
import type { OnnxModel } from './onnx-file.ts';
import { phonemeTimes } from './phoneme-times.ts';
import { receptiveField } from './receptive-field.ts';
import { type DecoderSource, StreamedDecoderPart } from './streamed-decoder-part.ts';
import { NotStreamable } from './streamed-graph.ts';
import { StreamedSound } from './streamed-sound.ts';
import { speakerId, type VoiceFormat } from './voice-format.ts';

/** No phoneme or pause is longer; the stochastic predictor now and then draws minutes. */
const MAX_SYMBOL_SECONDS = 1;
/** About 80 s of speech. The encoder's cost grows with the square of the length. */
const MAX_SYMBOLS = 1000;
/** Latent frames have the streams 0, 1, 2 … of the seed. */
const DURATION_STREAM = -1;
/** The decoder's context is looked for up to here when the graph does not tell it. */
const MAX_CONTEXT_FRAMES = 64;
/** The flow's is looked for among these. Its four couplings of the paper see 32 frames, the last of them hardly. */
const FLOW_CONTEXTS = [16, 32, 64];
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
  /** The sound as it grows; the latent, of which windows are decoded; or all of the sound when the voice does not stream. */
  readonly made: StreamedSound | GrowingLatent | Float32Array;
  readonly frameCount: number;
  /** What the decoder takes beside: nothing, the speaker's embedding, or a source as long as the sound. */
  readonly handed: Handovers;
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
  /** The decoder remembers what it still needs; or its context was worked out from the graph, found by trying, or neither. */
  readonly contextFrom: 'memory' | 'graph' | 'trial' | 'none';
  /** Largest difference between trial windows or pieces and the whole, as a share of the peak. */
  readonly windowError: number;
  readonly gain: number;
  /** The decoder is much faster than the sound lasts. */
  readonly isQuick: boolean;
}

const peakOf = (sound: Float32Array): number => sound.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);

/** A decoder that remembers; undefined when it cannot be made into one. */
const openStreamed = async (
  source: DecoderSource,
  name: string,
  options: SessionOptions,
): Promise<StreamedDecoderPart | undefined> => {
  try {
    return await StreamedDecoderPart.create(source, name, options);
  } catch (error) {
    // What onnxruntime refuses of the rewritten graph it may take of the file's own.
    if (error instanceof NotStreamable || error instanceof VisavisError) return undefined;
    throw error;
  }
};

const handedOf = (name: string, { dtype, shape }: Tensor): Handed => ({ name, type: dtype, shape });

/** The sessions of a cut voice. */
interface Parts {
  readonly cut: CutVoice;
  readonly encoder: OnnxSession;
  readonly flow: OnnxSession;
  readonly decoder: OnnxSession | StreamedDecoderPart;
}

/** What the encoder makes of a sequence. */
interface Encoded {
  readonly frames: Int32Array;
  readonly latent: GrowingLatent;
  readonly frameCount: number;
  /** What the encoder hands to the flow, and to the decoder. */
  readonly toFlow: Handovers;
  readonly toDecoder: Handovers;
}

/** A voice on the thread that calls it; every run blocks. */
export class VitsVoice implements VoiceModel {
  readonly #format: VoiceFormat;
  readonly #frontEnd: TextFrontEnd;
  readonly #parts: Parts;
  readonly facts: VitsFacts;

  private constructor(format: VoiceFormat, frontEnd: TextFrontEnd, parts: Parts, facts: VitsFacts) {
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
    let cut: CutVoice;
    try {
      cut = cutVoice(model);
    } catch (cause) {
      if (!(cause instanceof NotVits)) throw cause;
      throw new VisavisError(
        'bad_model',
        `${file}: expected a VITS with a HiFi-GAN decoder, but this graph ${cause.message}. Only VITS voices can be used.`,
        { cause },
      );
    }
    const sessions: { release: () => Promise<void> }[] = [];
    const open = async (bytes: Uint8Array<ArrayBuffer>, part: string) => {
      const session = await OnnxSession.fromBytes(bytes, `${file} (${part})`, options);
      sessions.push(session);
      return session;
    };
    try {
      const encoder = await open(cut.encoder, 'encoder');
      const { sample } = frontEnd;
      const feeds = feedsOf(format, cut, sample, format.defaultSpeaker, 1, 0);
      const outputs = await encoder.run(
        pick(
          feeds,
          cut.encoderInputs.map(({ name }) => name),
        ),
      );
      const given = (name: string): Tensor => feeds[name] ?? outputs.any(name);
      const handed = (names: readonly string[]) => names.map((name) => handedOf(name, given(name)));
      const channels = outputs.get(cut.noiseLike, 'float32').shape[1];
      if (channels === undefined) throw new VisavisError('bad_model', `${file}: its noise has no channels.`);
      const flow = await open(cut.flow(handed(cut.toFlow)), 'flow');
      const frameCount = outputs.get(cut.durations, 'float32').data.reduce((sum, frames) => sum + frames, 0);
      const source: DecoderSource = {
        cut,
        weights: model.weights,
        handed: handed(cut.toDecoder),
        toDecoder: Object.fromEntries(cut.toDecoder.map((name) => [name, given(name)])),
        frameCount,
        latentChannels: channels,
      };
      const remembering = await openStreamed(source, `${file} (decoder)`, options);
      if (remembering) sessions.push(remembering);
      const decoder = remembering ?? (await open(cut.decoder(handed(cut.toDecoder)), 'decoder'));
      const parts: Parts = { cut, encoder, flow, decoder };
      const untried: VitsFacts = {
        hopSamples: 0,
        latentChannels: channels,
        contextFrames: null,
        flowContextFrames: null,
        contextFrom: 'none',
        windowError: Number.POSITIVE_INFINITY,
        gain: 1,
        isQuick: false,
      };
      const facts = await new VitsVoice(format, frontEnd, parts, untried).#tryOut(file, model, clock);
      return new VitsVoice(format, frontEnd, parts, facts);
    } catch (error) {
      await Promise.all(sessions.map((session) => session.release()));
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
    const { frameCount, toDecoder } = encoded;
    const latent = await encoded.latent.columns(0, frameCount);
    const startMs = clock.nowMs();
    const sound = await this.#decode(latent, frameCount, toDecoder);
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
    const latentChannels = latent.length / frameCount;

    /** Decodes noise at once and a window of it with that much context; gives the largest difference. */
    const errorWith = async (contextFrames: number): Promise<number> => {
      const width = 2 * contextFrames + 3 * TRIAL_FRAMES;
      const noise = gaussianNoise(createRandom(1), latentChannels * width);
      const whole = await this.#decode(noise, width, framesOf(toDecoder, frameCount, 0, width));
      if (whole.length !== width * hopSamples) return Number.POSITIVE_INFINITY;
      const first = contextFrames + TRIAL_FRAMES;
      const from = first - contextFrames;
      const to = first + TRIAL_FRAMES + contextFrames;
      const beside = framesOf(toDecoder, frameCount, from, to);
      const window = await this.#decode(columns(noise, width, from, to), to - from, beside);
      let worst = 0;
      for (let i = 0; i < TRIAL_FRAMES * hopSamples; i++) {
        const difference = window[contextFrames * hopSamples + i]! - whole[first * hopSamples + i]!;
        worst = Math.max(worst, Math.abs(difference));
      }
      return worst / peakOf(whole);
    };

    const flowContextFrames = await this.#tryFlow(encoded);
    const isQuick = decodingMs < (QUICK * 1000 * sound.length) / this.#format.sampleRateHz;
    const facts = { hopSamples, latentChannels, flowContextFrames, gain, isQuick };
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

  /** Finds how far the flow sees: null when it sees all. */
  async #tryFlow({ frameCount, toFlow }: Encoded): Promise<number | null> {
    const { latentChannels: channels } = this.facts;
    for (const contextFrames of FLOW_CONTEXTS) {
      const width = 2 * contextFrames + 3 * TRIAL_FRAMES;
      const noise = gaussianNoise(createRandom(2), channels * width);
      const first = contextFrames + TRIAL_FRAMES;
      const from = first - contextFrames;
      const to = first + TRIAL_FRAMES + contextFrames;
      const run = (begin: number, end: number) =>
        runFlow(this.#flow, columns(noise, width, begin, end), framesOf(toFlow, frameCount, begin, end), end - begin);
      try {
        const whole = columns(await run(0, width), width, first, first + TRIAL_FRAMES);
        const window = columns(await run(from, to), to - from, contextFrames, contextFrames + TRIAL_FRAMES);
        const worst = window.reduce((most, x, i) => Math.max(most, Math.abs(x - (whole[i] ?? Infinity))), 0);
        if (whole.length === channels * TRIAL_FRAMES && worst <= TOLERANCE * peakOf(whole)) return contextFrames;
      } catch (error) {
        // A flow that is built for the length of its text refuses another one.
        if (!(error instanceof VisavisError && error.code === 'inference_failed')) throw error;
        return null;
      }
    }
    return null;
  }

  get #flow() {
    const { cut, flow } = this.#parts;
    const { contextFrames, flowContextFrames } = this.facts;
    return {
      session: flow,
      latent: cut.latent,
      contextFrames: flowContextFrames,
      firstFrames: (this.windowFrames[0] ?? 0) + (contextFrames ?? 0),
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
        speech: { made: new Float32Array(0), frameCount: 0, handed: {} },
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
    const { frames, latent, frameCount, toDecoder } = await this.#encode(sequence, speakerNumber, speed, seed);
    const { decoder } = this.#parts;
    const isWhole = this.facts.contextFrames === null;
    const made =
      decoder instanceof StreamedDecoderPart
        ? new StreamedSound(decoder, frameCount, { latent, handed: toDecoder, seed })
        : isWhole
          ? await this.#decode(await latent.columns(0, frameCount), frameCount, toDecoder)
          : latent;
    const starts = new Float64Array(frames.length + 1);
    const frameMs = (this.hopSamples / this.#format.sampleRateHz) * 1000;
    for (const [i, count] of frames.entries()) starts[i + 1] = starts[i]! + count * frameMs;
    return {
      speech: { made, frameCount, handed: made instanceof GrowingLatent ? toDecoder : {} },
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
    const { made, frameCount, handed } = speech as VitsSpeech;
    const { gain } = this.facts;
    const contextFrames = this.facts.contextFrames ?? 0;
    const hop = this.hopSamples;
    let audio: Float32Array;
    if (made instanceof Float32Array) audio = made.slice(first * hop, end * hop);
    else if (made instanceof StreamedSound) audio = await made.samples(first, end);
    else {
      const from = Math.max(0, first - contextFrames);
      const to = Math.min(frameCount, end + contextFrames);
      const beside = framesOf(handed, frameCount, from, to);
      const decoded = await this.#decode(await made.columns(from, to), to - from, beside);
      audio = decoded.slice((first - from) * hop, (end - from) * hop);
    }
    for (let i = 0; i < audio.length; i++) audio[i] = Math.min(1, Math.max(-1, audio[i]! * gain));
    return audio;
  }

  /** Text encoder and durations; the flow follows as far as it is needed. */
  async #encode(sequence: SymbolSequence, speaker: number, speed: number, seed: number): Promise<Encoded> {
    const { cut, encoder } = this.#parts;
    const feeds = feedsOf(this.#format, cut, sequence, speaker, speed, seed, this.hopSamples);
    const outputs = await encoder.run(
      pick(
        feeds,
        cut.encoderInputs.map(({ name }) => name),
      ),
    );
    const frames = Int32Array.from(outputs.get(cut.durations, 'float32').data);
    const { shape } = outputs.get(cut.noiseLike, 'float32');
    const [, channels = 0, frameCount = 0] = shape;
    const total = frames.reduce((sum, count) => sum + count, 0);
    if (frames.length !== sequence.ids.length || total !== frameCount) {
      throw new VisavisError(
        'bad_model',
        `The voice gives ${frames.length} durations of ${total} frames for ${sequence.ids.length} symbols and ${frameCount} frames.`,
      );
    }
    const given = (name: string): Tensor => feeds[name] ?? outputs.any(name);
    const all = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, given(name)]));
    const toFlow = all(cut.toFlow);
    const latent = new GrowingLatent(this.#flow, toFlow, { channels, frameCount }, seed);
    return { frames, latent, frameCount, toFlow, toDecoder: all(cut.toDecoder) };
  }

  /** The whole sound of a latent float32[C × frameCount], as the model makes it. */
  async #decode(latent: Float32Array, frameCount: number, handed: Handovers): Promise<Float32Array> {
    const { cut, decoder } = this.#parts;
    if (decoder instanceof StreamedDecoderPart) return decoder.whole(latent, frameCount, handed);
    const shape = [1, latent.length / frameCount, frameCount];
    const made = await decoder.run({ ...handed, [cut.latent]: float32(latent, shape) });
    return made.get(cut.sound, 'float32').data;
  }

  async release(): Promise<void> {
    const { encoder, flow, decoder } = this.#parts;
    await Promise.all([encoder.release(), flow.release(), decoder.release(), this.#frontEnd.close()]);
  }
}

const pick = (feeds: Readonly<Record<string, Tensor>>, names: readonly string[]): Record<string, Tensor> =>
  Object.fromEntries(
    names.map((name) => {
      const feed = feeds[name];
      if (!feed)
        throw new VisavisError('bad_model', `The voice takes an input "${name}" that its format does not have.`);
      return [name, feed];
    }),
  );

/** All inputs that a voice of the format could take. */
const feedsOf = (
  { feeds, lengthScale, sampleRateHz }: VoiceFormat,
  cut: CutVoice,
  sequence: SymbolSequence,
  speaker: number,
  speed: number,
  seed: number,
  hopSamples = 256,
): Readonly<Record<string, Tensor>> => {
  const count = sequence.ids.length;
  const longest = Math.ceil((MAX_SYMBOL_SECONDS * sampleRateHz) / hopSamples);
  return {
    ...feeds(sequence, speaker),
    [ADDED.lengthScale]: float32(Float32Array.of(lengthScale / speed), [1]),
    [ADDED.longest]: float32(Float32Array.of(longest), [1]),
    ...(cut.drawsDurations && {
      [ADDED.durationNoise]: float32(gaussianNoise(createRandom(seed, DURATION_STREAM), 2 * count), [1, 2, count]),
    }),
  };
};
