/** A voice of another project on disk: finding its files, telling whose format they have, reading them safely. */
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, sep } from 'node:path';
import type { Clock } from '../../clock.ts';
import { VisavisError } from '../../errors.ts';
import { type OnnxModel, type OnnxWeight, readOnnx, readOnnxBorder, withNumbers } from './onnx-file.ts';
import { readCoqui } from './coqui.ts';
import { readPiper } from './piper.ts';
import { readSherpa } from './sherpa.ts';
import { readTransformers } from './transformers.ts';
import type { Border, FormatSource, VoiceFormat } from './voice-format.ts';

const damaged = (file: string, cause: unknown): VisavisError =>
  new VisavisError(
    'bad_model',
    `${file}: expected an ONNX model, but ${cause instanceof Error ? cause.message : String(cause)}. Fetch the file again.`,
    { cause },
  );

const readBytes = async (file: string): Promise<Uint8Array> => {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new VisavisError('bad_model', `${file}: expected an ONNX model, but the file cannot be read.`, { cause });
  }
};

/** Weights may be kept in other files, but only below the model's own folder: a model must not read what is not its. */
const readExternal = async (file: string, weight: OnnxWeight): Promise<OnnxWeight> => {
  const location = weight.external?.get('location') ?? '';
  const folder = await realpath(dirname(file));
  const path = await realpath(join(folder, location)).catch((cause: unknown) => {
    throw new VisavisError(
      'bad_model',
      `${file} keeps weights in "${location}", which is not there. Put that file beside the model.`,
      { cause },
    );
  });
  if (!path.startsWith(folder + sep)) {
    throw new VisavisError(
      'bad_model',
      `${file} wants to read weights from "${location}", outside its own folder. It is not to be trusted.`,
    );
  }
  const handle = await open(path);
  try {
    const offset = Number(weight.external?.get('offset') ?? 0);
    const { size } = await handle.stat();
    const length = Number(weight.external?.get('length') ?? size - offset);
    if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
      throw new VisavisError(
        'bad_model',
        `${path} has ${size} bytes, too few for the weights of ${file}. Fetch it again.`,
      );
    }
    const raw = new Uint8Array(length);
    await handle.read(raw, 0, length, offset);
    return withNumbers(weight, raw);
  } finally {
    await handle.close();
  }
};

/**
 * Reads the graph of a model, with all its weights.
 * @throws {VisavisError} `bad_model` when it is missing, cut off, no ONNX, or keeps weights where it must not
 */
export const readModel = async (file: string): Promise<OnnxModel> => {
  let model: OnnxModel;
  try {
    model = readOnnx(await readBytes(file));
  } catch (cause) {
    throw cause instanceof VisavisError ? cause : damaged(file, cause);
  }
  const weights = new Map(model.weights);
  for (const weight of model.weights.values()) {
    if (weight.external) weights.set(weight.name, await readExternal(file, weight));
  }
  return { ...model, weights };
};

const has = (names: readonly string[], ...wanted: readonly string[]): boolean =>
  wanted.every((name) => names.includes(name));

const readFormat = async (source: FormatSource): Promise<VoiceFormat> => {
  const { file, border } = source;
  const { inputs, outputs } = border;
  const list = `It takes ${inputs.join(', ') || 'nothing'} and gives ${outputs.join(', ') || 'nothing'}.`;
  if (has(inputs, 'input_ids', 'attention_mask') && has(outputs, 'waveform')) return readTransformers(source);
  if (has(inputs, 'input', 'input_lengths', 'scales')) {
    if (has(outputs, 'z') || !has(outputs, 'output')) {
      throw new VisavisError(
        'bad_model',
        `${file} is the first half of a voice that was cut for streaming. Use the whole voice: it is cut when it is loaded. ${list}`,
      );
    }
    // Converted for sherpa-onnx, the metadata say all.
    const found =
      (await readPiper(source)) ??
      (border.metadata.has('sample_rate') ? await readSherpa(source) : await readCoqui(source));
    if (found) return found;
    throw new VisavisError(
      'bad_model',
      `${file} looks like a voice of Piper or Coqui, but neither ${basename(file)}.json nor config.json is beside it. Fetch that file too.`,
    );
  }
  if ((has(inputs, 'x', 'x_length') || has(inputs, 'x', 'x_lengths')) && has(outputs, 'y')) return readSherpa(source);
  throw new VisavisError('bad_model', `${file} is no voice of a known format. ${list}`);
};

/** A voice that was recognized; nothing of it is loaded. */
export interface VoiceFiles {
  readonly file: string;
  readonly format: VoiceFormat;
  readonly border: Border;
  readonly clock: Clock;
}

/**
 * Tells what a voice is from the names of its tensors and from the files beside it.
 * @throws {VisavisError} `bad_model`, saying what is missing or wrong
 */
export const readVoiceFiles = async (file: string, clock: Clock): Promise<VoiceFiles> => {
  let border: Border;
  try {
    border = readOnnxBorder(await readBytes(file));
  } catch (cause) {
    throw cause instanceof VisavisError ? cause : damaged(file, cause);
  }
  return { file, border, clock, format: await readFormat({ file, border, clock }) };
};

/**
 * The `.onnx` file that a path means: itself, or the only one in a folder or in its folder `onnx`.
 * @returns undefined for a folder without any
 */
export const findModelFile = async (path: string): Promise<string | undefined> => {
  const found = await stat(path).catch((cause: unknown) => {
    throw new VisavisError('bad_model', `${path}: expected a voice, but there is no such file or folder.`, { cause });
  });
  if (!found.isDirectory()) return path;
  for (const folder of [path, join(path, 'onnx')]) {
    const names = await readdir(folder).catch(() => []);
    const files = names.filter((name) => extname(name) === '.onnx').sort();
    // Others are the same voice with smaller numbers: model_quantized.onnx, vits.int8.onnx.
    const [only, ...more] = files.filter((name) => !/int8|int4|uint8|q4|quant|fp16/i.test(name));
    if (only !== undefined && more.length === 0) return join(folder, only);
    if (only !== undefined) {
      const preferred = files.find((name) => name === 'model.onnx');
      if (preferred !== undefined) return join(folder, preferred);
      throw new VisavisError('bad_model', `${folder} holds several models: ${files.join(', ')}. Keep one of them.`);
    }
    if (files[0] !== undefined) return join(folder, files[0]);
  }
  return undefined;
};
