/** Loads a voice of another project. */
import { VisavisError } from '../../errors.ts';
import type { SessionOptions } from '../onnx-session.ts';
import type { OnnxModel } from './onnx-file.ts';
import { readModel, type VoiceFiles } from './voice-files.ts';
import { VitsVoice } from './vits-voice.ts';

/** How many symbols a model knows: the rows of the table that its first input looks up; undefined when there is none. */
const symbolCount = ({ nodes, weights }: OnnxModel, input: string): number | undefined => {
  const names = new Set([input]);
  for (const { op, inputs, outputs } of nodes) {
    if (op === 'Cast' && names.has(inputs[0] ?? '')) names.add(outputs[0] ?? '');
    if (op === 'Gather' && names.has(inputs[1] ?? '')) return weights.get(inputs[0] ?? '')?.shape[0];
  }
  return undefined;
};

/**
 * Reads, cuts and tries a voice.
 * @throws {VisavisError} `bad_model` when it is no VITS or does not fit the files beside it, `inference_failed` when
 *   onnxruntime refuses to run it
 */
export const loadVitsVoice = async (
  { file, format, clock }: VoiceFiles,
  options: SessionOptions,
): Promise<VitsVoice> => {
  const model = await readModel(file);
  const symbols = symbolCount(model, model.inputs[0]?.name ?? '');
  if (symbols !== undefined && format.largestId >= symbols) {
    throw new VisavisError(
      'bad_model',
      `${file} knows ${symbols} symbols, but the file beside it gives ids up to ${format.largestId}. ` +
        'The two belong to different voices; fetch them again.',
    );
  }
  const frontEnd = await format.openFrontEnd();
  try {
    return await VitsVoice.load(file, model, format, frontEnd, { ...options, clock });
  } catch (error) {
    await frontEnd.close();
    throw error;
  }
};
