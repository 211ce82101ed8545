/**
 * Inference of VITS (Kim et al. 2021, §2) with the frame prior and pitch of Period VITS (Shirahata et al. 2023, §3): text
 * encoder and stochastic duration predictor once a text, frame prior, inverse flow and decoder as far as needed. Prior and flow
 * get as many frames of context to each side as they see, the decoder remembers, so joined windows equal the whole.
 */
import { join } from 'node:path';
import type { WordTiming } from '../media.ts';
import { type Pronunciations, readEnglish } from './english/index.ts';
import { GrowingSound, type SoundGraphs } from './growing-sound.ts';
import type { SpeechOptions, TextProblem } from './inference.ts';
import type { Described, VoiceManifest } from './manifest.ts';
import { float32, int64, OnnxSession, type SessionOptions } from './onnx-session.ts';
import { createSequencer, type PhonemeSequence } from './phoneme-sequence.ts';
import { createRandom, gaussianNoise } from './random.ts';
import { placesOf, repeatColumns } from './symbol-frames.ts';
import { timeWords } from './word-times.ts';

/** No phoneme or pause is longer; the stochastic predictor now and then draws minutes. */
const MAX_SYMBOL_SECONDS = 1;
/** Of the seed; `GrowingSound` draws from others. */
const DURATION_STREAM = -1;

/** The first sound. */
const FIRST_WINDOW_FRAMES = 8;

/** A text chunk, ready to be decoded window by window. */
export interface SpokenChunk {
  readonly speech: GrowingSound;
  /** Latent frames in all; 0 when there is nothing to say. */
  readonly frameCount: number;
  /** ms from the first sample, characters from the first of the text. */
  readonly words: readonly WordTiming[];
  /** What of the text is not spoken. */
  readonly problems: readonly TextProblem[];
}

/** A voice on the thread that calls it; every run blocks. It keeps nothing between texts. */
export class SpeechSynthesizer {
  /** Windows grow until one takes as long as another session may be kept waiting. */
  static readonly windowFrames: readonly number[] = [FIRST_WINDOW_FRAMES, 32, 96];

  readonly #voice: VoiceManifest['voice'];
  readonly #encoder: OnnxSession;
  readonly #graphs: SoundGraphs;
  readonly #sequence: (words: ReturnType<typeof readEnglish>) => PhonemeSequence;
  readonly #pronunciations: Pronunciations;

  private constructor(
    voice: VoiceManifest['voice'],
    pronunciations: Pronunciations,
    encoder: OnnxSession,
    graphs: SoundGraphs,
  ) {
    this.#voice = voice;
    this.#pronunciations = pronunciations;
    this.#encoder = encoder;
    this.#graphs = graphs;
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
    const { voice, files } = manifest;
    const load = (graph: typeof files.encoder) => OnnxSession.load(join(folder, graph.file), graph, options);
    return new SpeechSynthesizer(voice, pronunciations, await load(files.encoder), {
      ...voice,
      firstBlockFrames: FIRST_WINDOW_FRAMES + voice.filterContextFrames + voice.decoderLookaheadFrames,
      prior: await load(files.prior),
      flow: await load(files.flow),
      decoder: { session: await load(files.decoder), memory: voice.decoderMemory },
      filter: await load(files.filter),
    });
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
      return { speech: new GrowingSound(this.#graphs, inputs, seed), frameCount: 0, words: [], problems };
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
      speech: new GrowingSound(this.#graphs, { hidden, places: placesOf(frames), frameCount }, seed),
      frameCount,
      words: timeWords(words, starts, frameMs),
      problems,
    };
  }

  /** The sound of latent frames `first` to before `end`, float32[(end - first) × hopSamples], -1…1. */
  decode(speech: GrowingSound, first: number, end: number): Promise<Float32Array> {
    return speech.samples(first, end);
  }

  /** Frees the native memory. */
  async release(): Promise<void> {
    const { prior, flow, decoder, filter } = this.#graphs;
    await Promise.all([this.#encoder, prior, flow, decoder.session, filter].map((graph) => graph.release()));
  }
}
