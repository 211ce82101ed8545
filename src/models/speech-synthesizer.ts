/**
 * Inference of VITS (Kim et al. 2021, §2) with the frame prior and pitch of Period VITS (Shirahata et al. 2023, §3): text
 * encoder and stochastic duration predictor once a text, frame prior and inverse flow as far as needed, the decoder in
 * windows. Each carries as many frames of context to each side as it sees, so joined windows equal the whole.
 */
import { join } from 'node:path';
import type { WordTiming } from '../media.ts';
import { type Pronunciations, readEnglish } from './english/index.ts';
import { GrowingSpeech, type SpeechGraphs } from './growing-speech.ts';
import type { SpeechOptions, TextProblem } from './inference.ts';
import type { Described, VoiceManifest } from './manifest.ts';
import { float32, int64, OnnxSession, type SessionOptions } from './onnx-session.ts';
import { createSequencer, type PhonemeSequence } from './phoneme-sequence.ts';
import { createRandom, gaussianNoise } from './random.ts';
import { placesOf, repeatColumns } from './symbol-frames.ts';
import { excite, SOURCE_CHANNELS } from './voice-source.ts';
import { timeWords } from './word-times.ts';

/** No phoneme or pause is longer; the stochastic predictor now and then draws minutes. */
const MAX_SYMBOL_SECONDS = 1;
/** Latent frames have the streams 0, 1, 2 … of the seed, the noise in the source of frame n has stream -2 - n. */
const DURATION_STREAM = -1;
const SOURCE_STREAM = -2;

/** A text chunk, ready to be decoded window by window. */
export interface SpokenChunk {
  readonly speech: GrowingSpeech;
  /** Latent frames in all; 0 when there is nothing to say. */
  readonly frameCount: number;
  /** ms from the first sample, characters from the first of the text. */
  readonly words: readonly WordTiming[];
  /** What of the text is not spoken. */
  readonly problems: readonly TextProblem[];
}

/** A voice on the thread that calls it; every run blocks. It keeps nothing between calls. */
export class SpeechSynthesizer {
  /** Windows may grow fast: a second of sound takes hundredths of a second, and fewer of them cost less. */
  static readonly windowFrames: readonly number[] = [8, 40, 192];

  readonly #voice: VoiceManifest['voice'];
  readonly #encoder: OnnxSession;
  readonly #graphs: SpeechGraphs;
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
    // Without a context of its own the prior is computed at once.
    this.#graphs = { ...voice, priorContextFrames: voice.priorContextFrames ?? Infinity, prior, flow };
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
    const { hopSamples, sampleRateHz, durationNoiseScale } = this.#voice;
    const problems: TextProblem[] = [];
    const report = (problem: TextProblem) => problems.push(problem);
    const { ids, words } = this.#sequence(readEnglish(text, { pronunciations: this.#pronunciations, report }));
    const count = ids.length;
    if (count === 0) {
      const inputs = { hidden: new Float32Array(0), places: new Float32Array(0), frameCount: 0 };
      return { speech: new GrowingSpeech(this.#graphs, inputs, seed), frameCount: 0, words: [], problems };
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
    return {
      speech: new GrowingSpeech(this.#graphs, { hidden, places: placesOf(frames), frameCount }, seed),
      frameCount,
      words: timeWords(words, starts, frameMs),
      problems,
    };
  }

  /**
   * Makes the sound of latent frames `first` to before `end`.
   * @returns float32[(end - first) × hopSamples], -1…1
   */
  async decode(speech: GrowingSpeech, first: number, end: number): Promise<Float32Array> {
    const { hopSamples, latentChannels, decoderContextFrames, gain } = this.#voice;
    const latentFirst = Math.max(0, first - decoderContextFrames);
    const latentEnd = Math.min(speech.frameCount, end + decoderContextFrames);
    const latent = await speech.latent(latentFirst, latentEnd);
    const { sourceContextFrames } = this.#voice;
    const sourceFirst = sourceContextFrames === undefined ? latentFirst : Math.max(0, first - sourceContextFrames);
    const sourceEnd =
      sourceContextFrames === undefined ? latentEnd : Math.min(speech.frameCount, end + sourceContextFrames);
    const source = excite(speech.pitch, [sourceFirst, sourceEnd], this.#voice, {
      seed: speech.seed,
      noiseStream: SOURCE_STREAM,
    });
    const decoded = await this.#decoder.run({
      latent: float32(latent, [1, latentChannels, latentEnd - latentFirst]),
      source: float32(source, [1, SOURCE_CHANNELS, (sourceEnd - sourceFirst) * hopSamples]),
      ...(sourceContextFrames === undefined ? {} : { first: int64([sourceFirst - latentFirst], [1]) }),
    });
    const audio = decoded
      .get('audio', 'float32')
      .data.slice((first - sourceFirst) * hopSamples, (end - sourceFirst) * hopSamples);
    for (let i = 0; i < audio.length; i++) audio[i] = Math.min(1, Math.max(-1, audio[i]! * gain));
    return audio;
  }

  /** Frees the native memory. */
  async release(): Promise<void> {
    await Promise.all(
      [this.#encoder, this.#graphs.prior, this.#graphs.flow, this.#decoder].map((graph) => graph.release()),
    );
  }
}
