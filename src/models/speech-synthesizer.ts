/**
 * Inference of VITS (Kim et al. 2021, §2) with the frame prior and pitch of Period VITS (Shirahata et al. 2023, §3): text
 * encoder, stochastic duration predictor and frame prior once a text, inverse flow and decoder in windows. A window carries as many frames of context to each side as flow and decoder see, so joined windows
 * equal the whole.
 */
import { join } from 'node:path';
import type { WordTiming } from '../media.ts';
import { type Pronunciations, readEnglish } from './english/index.ts';
import type { SpeechOptions, TextProblem } from './inference.ts';
import type { Described, VoiceManifest } from './manifest.ts';
import { float32, int64, OnnxSession, type SessionOptions } from './onnx-session.ts';
import { createSequencer, type PhonemeSequence } from './phoneme-sequence.ts';
import { createRandom, gaussianNoise } from './random.ts';
import { PLACE_CHANNELS, placesOf, repeatColumns } from './symbol-frames.ts';
import { createPitchContour, excite, type PitchContour, SOURCE_CHANNELS } from './voice-source.ts';
import { timeWords } from './word-times.ts';

/** No phoneme or pause is longer; the stochastic predictor now and then draws minutes. */
const MAX_SYMBOL_SECONDS = 1;
/** Latent frames have the streams 0, 1, 2 … of the seed, the noise in the source of frame n has stream -2 - n. */
const DURATION_STREAM = -1;
const SOURCE_STREAM = -2;

/** What is known before the first sample: the prior and the pitch of every frame. T = frames, C = latent channels. */
export interface EncodedSpeech {
  /** float32[C × T] */
  readonly mean: Float32Array;
  /** float32[C × T], standard deviation, already times the voice's noise scale. */
  readonly deviation: Float32Array;
  readonly pitch: PitchContour;
  readonly seed: number;
}

/** A text chunk, ready to be decoded window by window. */
export interface SpokenChunk {
  readonly speech: EncodedSpeech;
  /** Latent frames in all; 0 when there is nothing to say. */
  readonly frameCount: number;
  /** ms from the first sample, characters from the first of the text. */
  readonly words: readonly WordTiming[];
  /** What of the text is not spoken. */
  readonly problems: readonly TextProblem[];
}

/** Columns `from` to before `to` of a row-major matrix. */
const columns = (matrix: Float32Array, width: number, from: number, to: number): Float32Array => {
  if (from === 0 && to === width) return matrix;
  const rows = matrix.length / width;
  const cut = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++)
    cut.set(matrix.subarray(row * width + from, row * width + to), row * (to - from));
  return cut;
};

/** A voice on the thread that calls it; every run blocks. It keeps nothing between calls. */
export class SpeechSynthesizer {
  readonly #voice: VoiceManifest['voice'];
  readonly #encoder: OnnxSession;
  readonly #prior: OnnxSession;
  readonly #flow: OnnxSession;
  readonly #decoder: OnnxSession;
  readonly #sequence: (words: ReturnType<typeof readEnglish>) => PhonemeSequence;

  readonly #pronunciations: Pronunciations;

  private constructor(
    voice: VoiceManifest['voice'],
    pronunciations: Pronunciations,
    [encoder, prior, flow, decoder]: readonly [OnnxSession, OnnxSession, OnnxSession, OnnxSession],
  ) {
    this.#voice = voice;
    this.#pronunciations = pronunciations;
    this.#encoder = encoder;
    this.#prior = prior;
    this.#flow = flow;
    this.#decoder = decoder;
    this.#sequence = createSequencer(voice.symbols, voice.intersperse);
  }

  /**
   * @param pronunciations - The user's own, for the language of this voice.
   * @throws {VisavisError} `bad_model` when a file is not what the manifest says.
   */
  static async load(
    { folder, manifest }: Described<VoiceManifest>,
    options: SessionOptions,
    pronunciations: Pronunciations = new Map(),
  ): Promise<SpeechSynthesizer> {
    const { encoder, prior, flow, decoder } = manifest.files;
    const load = (graph: typeof encoder) => OnnxSession.load(join(folder, graph.file), graph, options);
    return new SpeechSynthesizer(manifest.voice, pronunciations, [
      await load(encoder),
      await load(prior),
      await load(flow),
      await load(decoder),
    ]);
  }

  /**
   * Reads English text and decides how long each sound lasts.
   * @throws {VisavisError} `bad_text` or `text_too_long` when the voice cannot speak it at once
   */
  async encode(text: string, { speed, seed }: SpeechOptions): Promise<SpokenChunk> {
    const { hopSamples, sampleRateHz, hiddenChannels, noiseScale, durationNoiseScale } = this.#voice;
    const problems: TextProblem[] = [];
    const report = (problem: TextProblem) => problems.push(problem);
    const { ids, words } = this.#sequence(readEnglish(text, { pronunciations: this.#pronunciations, report }));
    const count = ids.length;
    if (count === 0) {
      const nothing = new Float32Array(0);
      const pitch = createPitchContour(nothing, hopSamples, sampleRateHz);
      return { speech: { mean: nothing, deviation: nothing, pitch, seed }, frameCount: 0, words: [], problems };
    }
    const noise = gaussianNoise(createRandom(seed, DURATION_STREAM), 2 * count, durationNoiseScale);
    const outputs = await this.#encoder.run({
      phonemes: int64(ids, [1, count]),
      duration_noise: float32(noise, [1, 2, count]),
    });

    const longest = Math.ceil((MAX_SYMBOL_SECONDS * sampleRateHz) / hopSamples);
    const frames = Int32Array.from(outputs.get('log_duration', 'float32').data, (logDuration) =>
      Math.min(longest, Math.max(1, Math.ceil(Math.exp(logDuration) / speed))),
    );
    const starts = new Int32Array(count + 1);
    for (let i = 0; i < count; i++) starts[i + 1] = starts[i]! + frames[i]!;
    const frameMs = (hopSamples / sampleRateHz) * 1000;
    const frameCount = starts[count]!;
    const hidden = repeatColumns(outputs.get('hidden', 'float32').data, frames);
    const expected = await this.#prior.run({
      hidden: float32(hidden, [1, hiddenChannels, frameCount]),
      places: float32(placesOf(frames), [1, PLACE_CHANNELS, frameCount]),
    });
    return {
      speech: {
        mean: expected.get('mean', 'float32').data,
        deviation: expected.get('log_scale', 'float32').data.map((logScale) => Math.exp(logScale) * noiseScale),
        pitch: createPitchContour(expected.get('pitch', 'float32').data, hopSamples, sampleRateHz),
        seed,
      },
      frameCount,
      words: timeWords(words, starts, frameMs),
      problems,
    };
  }

  /**
   * Makes the sound of latent frames `first` to before `end`.
   * @returns float32[(end - first) × hopSamples], -1…1
   */
  async decode(speech: EncodedSpeech, first: number, end: number): Promise<Float32Array> {
    const { hopSamples, latentChannels, flowContextFrames, decoderContextFrames, gain } = this.#voice;
    const frameCount = speech.pitch.turns.length;
    const latentFirst = Math.max(0, first - decoderContextFrames);
    const latentEnd = Math.min(frameCount, end + decoderContextFrames);
    const priorFirst = Math.max(0, latentFirst - flowContextFrames);
    const priorEnd = Math.min(frameCount, latentEnd + flowContextFrames);

    const prior = this.#samplePrior(speech, priorFirst, priorEnd);
    const flowed = await this.#flow.run({ prior: float32(prior, [1, latentChannels, priorEnd - priorFirst]) });
    const latent = columns(
      flowed.get('latent', 'float32').data,
      priorEnd - priorFirst,
      latentFirst - priorFirst,
      latentEnd - priorFirst,
    );
    const width = latentEnd - latentFirst;
    const source = excite(speech.pitch, [latentFirst, latentEnd], this.#voice, {
      seed: speech.seed,
      noiseStream: SOURCE_STREAM,
    });
    const decoded = await this.#decoder.run({
      latent: float32(latent, [1, latentChannels, width]),
      source: float32(source, [1, SOURCE_CHANNELS, width * hopSamples]),
    });
    const audio = decoded
      .get('audio', 'float32')
      .data.slice((first - latentFirst) * hopSamples, (end - latentFirst) * hopSamples);
    for (let i = 0; i < audio.length; i++) audio[i] = Math.min(1, Math.max(-1, audio[i]! * gain));
    return audio;
  }

  /** Draws the prior of frames `first` to before `end`, row-major [C, end - first]; a frame's noise depends on seed and frame only. */
  #samplePrior({ mean, deviation, pitch, seed }: EncodedSpeech, first: number, end: number): Float32Array {
    const channels = this.#voice.latentChannels;
    const frameCount = pitch.turns.length;
    const width = end - first;
    const prior = new Float32Array(channels * width);
    for (let frame = first; frame < end; frame++) {
      const random = createRandom(seed, frame);
      for (let channel = 0; channel < channels; channel++) {
        const at = channel * frameCount + frame;
        prior[channel * width + frame - first] = mean[at]! + random.gaussian() * deviation[at]!;
      }
    }
    return prior;
  }

  /** Frees the native memory. */
  async release(): Promise<void> {
    await Promise.all([this.#encoder, this.#prior, this.#flow, this.#decoder].map((graph) => graph.release()));
  }
}
