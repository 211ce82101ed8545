/** The parts of a cut voice, loaded: each is run once as it is made, since the file does not tell what parts hand each other. */
import { VisavisError } from '../../errors.ts';
import { float32, OnnxSession, type SessionOptions, type Tensor } from '../onnx-session.ts';
import { createRandom, gaussianNoise } from '../random.ts';
import type { SymbolSequence, TextFrontEnd } from '../text-front-ends/front-end.ts';
import { ADDED, type CutVoice, cutVoice, type Handed, NotVits } from './cut-voice.ts';
import { columnsPerFrame, type Handovers } from './handovers.ts';
import type { OnnxModel } from './onnx-file.ts';
import { type DecoderSource, StreamedDecoderPart } from './streamed-decoder-part.ts';
import { NotStreamable } from './streamed-graph.ts';
import type { VoiceFormat } from './voice-format.ts';

/** No phoneme or pause is longer; the stochastic predictor now and then draws minutes. */
const MAX_SYMBOL_SECONDS = 1;
/** Durations are drawn from this stream of the seed; latent frames have 0, 1, 2 …. */
const DURATION_STREAM = -1;

/** The sessions of a cut voice. */
export interface VoiceParts {
  readonly cut: CutVoice;
  readonly encoder: OnnxSession;
  readonly prior: OnnxSession | undefined;
  readonly flow: OnnxSession;
  readonly decoder: OnnxSession | StreamedDecoderPart;
}

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

/** Ends all sessions. */
export const releaseParts = async ({ encoder, prior, flow, decoder }: VoiceParts): Promise<void> => {
  await Promise.all([encoder.release(), prior?.release(), flow.release(), decoder.release()]);
};

/**
 * Cuts a model and loads the parts.
 * @param apart - whether prior and source are parts of their own, where there are such
 * @throws {NotStreamable} when they cannot be
 */
const loadCut = async (
  file: string,
  model: OnnxModel,
  format: VoiceFormat,
  { sample }: TextFrontEnd,
  options: SessionOptions,
  apart: boolean,
): Promise<{ readonly parts: VoiceParts; readonly latentChannels: number }> => {
  let cut: CutVoice;
  try {
    cut = cutVoice(model, { apart });
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
    const known = new Map(Object.entries(feedsOf(format, cut, sample, format.defaultSpeaker, 1, 0)));
    const given = (name: string): Tensor => {
      const tensor = known.get(name);
      if (!tensor) throw new VisavisError('bad_model', `${file}: no part of it makes "${name}".`);
      return tensor;
    };
    const tensorsOf = (names: readonly string[]): Handovers =>
      Object.fromEntries(names.map((name) => [name, given(name)]));
    const handed = (names: readonly string[]) => names.map((name) => handedOf(name, given(name)));
    const run = async (session: OnnxSession, inputs: Handovers, outputs: readonly string[]) => {
      const made = await session.run(inputs);
      for (const name of outputs) if (!known.has(name)) known.set(name, made.any(name));
    };
    const inputs = pick(
      Object.fromEntries(known),
      cut.encoderInputs.map(({ name }) => name),
    );
    await run(encoder, inputs, cut.encoderGives);
    const frameCount = Array.from(given(cut.durations).data as Float32Array).reduce((sum, frames) => sum + frames, 0);
    let prior: OnnxSession | undefined;
    if (cut.prior) {
      const { takes, gives, file: bytesOf } = cut.prior;
      prior = await open(bytesOf(handed(takes)), 'prior');
      await run(prior, tensorsOf(takes), gives);
      if (gives.some((name) => columnsPerFrame(given(name), frameCount) !== 1)) {
        throw new NotStreamable('has a prior that does not run with the frames');
      }
    }
    const latentChannels = given(cut.noiseLike).shape[1];
    if (latentChannels === undefined) throw new VisavisError('bad_model', `${file}: its noise has no channels.`);
    const flow = await open(cut.flow(handed(cut.toFlow)), 'flow');
    const toDecoder = tensorsOf(cut.toDecoder);
    const source = {
      cut,
      weights: model.weights,
      handed: handed(cut.toDecoder),
      toDecoder,
      frameCount,
      latentChannels,
    };
    const remembering = await openStreamed(source, `${file} (decoder)`, options);
    if (remembering) sessions.push(remembering);
    else if (cut.isApart) throw new NotStreamable('cannot be cut in more parts');
    const decoder = remembering ?? (await open(cut.decoder(source.handed), 'decoder'));
    return { parts: { cut, encoder, prior, flow, decoder }, latentChannels };
  } catch (error) {
    await Promise.all(sessions.map((session) => session.release()));
    throw error;
  }
};

/**
 * Cuts a model and loads the parts; prior and source are parts of their own where they can be.
 * @param file - its path, for messages
 * @returns the parts, and the channels of the latent
 * @throws {VisavisError} `bad_model` when it cannot be cut, or does not fit what stands beside it
 */
export const loadParts = async (
  file: string,
  model: OnnxModel,
  format: VoiceFormat,
  frontEnd: TextFrontEnd,
  options: SessionOptions,
): Promise<{ readonly parts: VoiceParts; readonly latentChannels: number }> => {
  const load = (apart: boolean) => loadCut(file, model, format, frontEnd, options, apart);
  return load(true).catch((error: unknown) => {
    if (!(error instanceof NotStreamable)) throw error;
    return load(false);
  });
};

/** The inputs that a graph takes. @throws {VisavisError} `bad_model` for one that the format does not have */
export const pick = (feeds: Readonly<Record<string, Tensor>>, names: readonly string[]): Record<string, Tensor> =>
  Object.fromEntries(
    names.map((name) => {
      const feed = feeds[name];
      if (!feed)
        throw new VisavisError('bad_model', `The voice takes an input "${name}" that its format does not have.`);
      return [name, feed];
    }),
  );

/** All inputs that a voice of the format could take. */
export const feedsOf = (
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
