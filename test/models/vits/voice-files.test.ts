import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { loadVitsVoice } from '../../../src/models/vits/load-voice.ts';
import { bytesField, fieldsOf, messageOf, sameField, varintField } from '../../../src/models/vits/protobuf.ts';
import { readOnnx } from '../../../src/models/vits/onnx-file.ts';
import { findModelFile, readModel, readVoiceFiles } from '../../../src/models/vits/voice-files.ts';
import { graphOf, piperConfig, writePiper, writeTransformers } from '../../support/foreign-voices.ts';
import { modelsDir } from '../../support/models.ts';
import { temporaryFolder } from '../../support/program.ts';

const describeVoice = (file: string) => readVoiceFiles(file, systemClock);
const load = async (file: string) => loadVitsVoice(await describeVoice(file), { provider: 'cpu' });

test('a field is written as it was read, whatever its number and value', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.maxSafeInteger(), fc.uint8Array(), (number, value, bytes) => {
      const message = messageOf([varintField(number, value), bytesField(number + 1, bytes)]);
      const fields = fieldsOf(message);

      expect(fields[0]).toMatchObject({ number, varint: value });
      expect(fields[1]?.bytes).toEqual(bytes);
      expect(messageOf(fields.map(sameField))).toEqual(message);
    }),
  );
});

test('a file that is cut off anywhere is refused with the way out', async () => {
  const folder = await temporaryFolder();
  const whole = await graphOf('piper');
  const lengths = [0, 1, 7, 1000, whole.length >> 1, whole.length - 1];

  for (const length of lengths) {
    const file = join(folder, 'cut.onnx');
    await writeFile(file, whole.subarray(0, length));
    await expect(readModel(file), `${length} bytes`).rejects.toMatchObject({
      code: 'bad_model',
      message: expect.stringMatching(/cut\.onnx.*Fetch the file again/),
    });
  }
});

test('random bytes are no model, and never crash the reader', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => readOnnx(bytes)).toThrow(Error);
    }),
  );
});

test('an ONNX file that is no voice is told what it takes and gives', async () => {
  await expect(describeVoice(join(modelsDir, 'motion/speech/step.onnx'))).rejects.toMatchObject({
    code: 'bad_model',
    message: expect.stringMatching(/no voice of a known format.*pcm, history, noise/),
  });
});

test('a voice of Piper without its configuration says which file is missing', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'amy.onnx'), await graphOf('piper'));

  await expect(describeVoice(join(folder, 'amy.onnx'))).rejects.toMatchObject({
    code: 'bad_model',
    message: expect.stringContaining('neither amy.onnx.json nor config.json is beside it'),
  });
});

test.each([
  [
    'a configuration of several speakers beside a model of one',
    { num_speakers: 3 },
    /3 speaker\(s\), but the model takes no/,
  ],
  [
    'ids that the model does not have',
    { phoneme_id_map: { ...(piperConfig()['phoneme_id_map'] as object), z: [256] } },
    /256 symbols.*up to 256/,
  ],
  ['ids without a pad', { phoneme_id_map: { '^': [1], $: [2], a: [3] } }, /phoneme_id_map lacks "_"/],
  ['an unknown way of reading', { phoneme_type: 'runes' }, /"runes" is not known. Known are espeak, text/],
  ['no sample rate', { audio: {} }, /sample_rate/],
])('%s is refused', async (_, changes, message) => {
  const file = await writePiper(await temporaryFolder(), 'odd', changes);

  await expect(load(file)).rejects.toMatchObject({ code: 'bad_model', message: expect.stringMatching(message) });
});

test('a configuration that is not JSON is refused by its name', async () => {
  const folder = await temporaryFolder();
  const file = await writePiper(folder, 'broken');
  await writeFile(`${file}.json`, '{"audio": ');

  await expect(describeVoice(file)).rejects.toMatchObject({
    code: 'bad_model',
    message: expect.stringMatching(/broken\.onnx\.json.*not JSON/),
  });
});

test('a voice of Transformers without its letters says which file is missing', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'model.onnx'), await graphOf('mms'));

  await expect(describeVoice(join(folder, 'model.onnx'))).rejects.toMatchObject({
    code: 'bad_model',
    message: expect.stringContaining('vocab.json'),
  });
});

test('a text in another script is refused, not spoken as silence', async () => {
  const voice = await load((await findModelFile(await writeTransformers(await temporaryFolder()))) ?? '');

  await expect(voice.encode('Привет, мир', { speed: 1, seed: 1 })).rejects.toMatchObject({
    code: 'bad_text',
    message: expect.stringMatching(/speaks eng.*Choose a voice of the text's language/),
  });
  await voice.release();
});

test('letters that a voice does not have are left out and told', async () => {
  const voice = await load((await findModelFile(await writeTransformers(await temporaryFolder()))) ?? '');

  const { words, problems } = await voice.encode('a naïve Ж here', { speed: 1, seed: 1 });
  const { problems: none } = await voice.encode('all is here', { speed: 1, seed: 1 });
  await voice.release();

  expect(words.map(({ text }) => text)).toEqual(['a', 'naïve', 'here']);
  expect(problems).toEqual([
    {
      kind: 'unknown-symbols',
      message: expect.stringMatching(/speaks eng; it has no symbols for ï ж, which are left out/),
    },
  ]);
  expect(none).toEqual([]);
});

/** The small Piper voice with its first weight in another file. */
const withExternal = async (location: string): Promise<Uint8Array> => {
  const file = await graphOf('piper');
  const entry = (key: string, value: string) => bytesField(13, [bytesField(1, key), bytesField(2, value)]);
  let moved = false;
  return messageOf(
    fieldsOf(file).map((field) => {
      if (field.number !== 7) return sameField(field);
      return bytesField(
        7,
        fieldsOf(field.bytes).map((part) => {
          if (part.number !== 5 || moved) return sameField(part);
          moved = true;
          const rest = fieldsOf(part.bytes).filter(({ number }) => number !== 9);
          return bytesField(5, [...rest.map(sameField), entry('location', location), varintField(14, 1)]);
        }),
      );
    }),
  );
};

test('weights in a file beside the model are read, those outside its folder are refused', async () => {
  const folder = await temporaryFolder();
  const inside = join(folder, 'voice');
  await mkdir(inside);
  const { weights } = readOnnx(await graphOf('piper'));
  const [first] = weights.values();
  const raw = fieldsOf(first!.bytes).find(({ number }) => number === 9)!.bytes;
  await writeFile(join(folder, 'secret.bin'), raw);
  await writeFile(join(inside, 'own.bin'), raw);
  await symlink('../secret.bin', join(inside, 'link.bin'));
  const file = join(inside, 'model.onnx');
  const readWith = async (location: string) => {
    await writeFile(file, await withExternal(location));
    return readModel(file);
  };

  const model = await readWith('own.bin');
  const read = fieldsOf(model.weights.get(first!.name)!.bytes).find(({ number }) => number === 9)?.bytes;
  expect(Buffer.compare(read ?? Buffer.of(), raw)).toBe(0);
  for (const location of ['../secret.bin', 'link.bin', join(folder, 'secret.bin'), '/etc/passwd']) {
    await expect(readWith(location), location).rejects.toMatchObject({ code: 'bad_model' });
  }
  await expect(readWith('missing.bin')).rejects.toMatchObject({ message: expect.stringContaining('not there') });
});
