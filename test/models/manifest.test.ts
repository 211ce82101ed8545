import { appendFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCatalog } from '../../src/models/catalog.ts';
import { FaceRenderer } from '../../src/models/face-renderer.ts';
import { readManifest, type RendererManifest, verifyFiles } from '../../src/models/manifest.ts';
import { OnnxSession } from '../../src/models/onnx-session.ts';
import { copyModels, editJson, modelsDir } from '../support/models.ts';

const RENDERER = 'renderers/alex';

const badModel = (pattern: RegExp) =>
  expect.objectContaining({ name: 'VisavisError', code: 'bad_model', message: expect.stringMatching(pattern) });

test('the shipped models are in the catalog, and their files have the hashes of their manifests', async () => {
  const { voices, motions, renderers, avatars } = await readCatalog(modelsDir);

  expect([...voices.keys(), ...motions.keys(), ...renderers.keys(), ...avatars.keys()]).toEqual(
    expect.arrayContaining(['rms', 'speech', 'alex']),
  );
  for (const model of [...voices.values(), ...motions.values(), ...renderers.values()]) {
    await expect(verifyFiles(model)).resolves.toBeUndefined();
  }
});

const editRender = (graph: object) => (manifest: RendererManifest) => ({
  ...manifest,
  files: { ...manifest.files, render: { ...manifest.files.render, ...graph } },
});
const editDetails = (details: object) => (manifest: RendererManifest) => ({
  ...manifest,
  renderer: { ...manifest.renderer, ...details },
});

test.each<[string, (manifest: RendererManifest) => object, RegExp]>([
  ['another format', (manifest) => ({ ...manifest, format: 'visavis-model/9' }), /visavis-model\/1/],
  ['an unknown kind', (manifest) => ({ ...manifest, kind: 'hat' }), /kind/],
  ['a missing licence', ({ licence, ...rest }) => ({ ...rest, license: licence }), /licence/],
  ['another layout', editDetails({ layout: 'arkit-52' }), /visavis-59/],
  ['its own frame outside the window', editDetails({ motionCentre: 5 }), /motionCentre/],
  ['a feature that source does not make', editDetails({ features: ['ghost'] }), /outputs ghost .* got none/],
  ['a file in another folder', editRender({ file: '../../x.onnx' }), /without folders/],
  ['no picture among the outputs', editRender({ outputs: {} }), /render expected outputs i420 \[1,98304\], got none/],
  [
    'a longer descriptor',
    editRender({ inputs: { motion: { dtype: 'float32', shape: [1, 1, 60] } } }),
    /expected inputs motion \[1,\d+,59\], got \[1,1,60\]/,
  ],
])('a manifest with %s is refused, and the message names it', async (_, edit, message) => {
  const folder = join(await copyModels(), RENDERER);
  await editJson(join(folder, 'manifest.json'), (manifest) => edit(manifest as unknown as RendererManifest));

  await expect(readManifest(folder)).rejects.toThrow(badModel(message));
});

test('a manifest that is no JSON is refused with its path', async () => {
  const folder = join(await copyModels(), RENDERER);
  await writeFile(join(folder, 'manifest.json'), '{"format":');

  await expect(readManifest(folder)).rejects.toThrow(badModel(/alex\/manifest.json: expected a JSON file/));
});

test('a file of another size is refused before it is loaded, a missing one too', async () => {
  const models = await copyModels();
  const { folder, manifest } = await readManifest(join(models, RENDERER));
  const { source, render } = (manifest as RendererManifest).files;
  await appendFile(join(folder, source.file), 'x');
  await rm(join(folder, render.file));

  const load = (spec: typeof source) => OnnxSession.load(join(folder, spec.file), spec, { provider: 'cpu' });

  await expect(load(source)).rejects.toThrow(
    badModel(new RegExp(`expected ${source.bytes} bytes, got ${source.bytes + 1}`)),
  );
  await expect(load(render)).rejects.toThrow(badModel(/got no file/));
});

test('a file with a flipped byte has another hash', async () => {
  const models = await copyModels();
  const model = await readManifest(join(models, RENDERER));
  const path = join(model.folder, 'source.onnx');
  const content = await readFile(path);
  content[content.length >> 1]! ^= 1;
  await writeFile(path, content);

  await expect(verifyFiles(model)).rejects.toThrow(badModel(/source.onnx: expected SHA-256 .* Fetch the file again/));
});

test('a file that is no ONNX graph, or another graph than declared, is refused', async () => {
  const models = await copyModels();
  const { folder, manifest } = await readManifest(join(models, RENDERER));
  const { source, render } = (manifest as RendererManifest).files;
  await writeFile(join(folder, 'noise.onnx'), Buffer.alloc(source.bytes, 7));
  const load = (file: string, spec: typeof source) => OnnxSession.load(join(folder, file), spec, { provider: 'cpu' });

  await expect(load('noise.onnx', source)).rejects.toThrow(
    badModel(/noise.onnx: onnxruntime cannot load it with the provider "cpu": .* Fetch the file again/),
  );
  await expect(load('render.onnx', { ...source, bytes: render.bytes })).rejects.toThrow(
    badModel(/render.onnx: expected input portrait float32\[1,3,256,256\], got only motion, /),
  );
  await expect(load('render.onnx', { ...render, inputs: {} })).rejects.toThrow(
    badModel(/render.onnx: the manifest lacks the inputs motion, /),
  );
  await expect(load('source.onnx', { ...source, outputs: render.outputs })).rejects.toThrow(
    badModel(/source.onnx: expected output i420 uint8\[1,98304\], got only luma, /),
  );
});

test('a portrait of another size is refused', async () => {
  const { avatars, renderers } = await readCatalog(await copyModels());
  const renderer = renderers.get('alex')!;
  const larger = { ...renderer.manifest, renderer: { ...renderer.manifest.renderer, size: 512 } };

  await expect(
    FaceRenderer.load(avatars.get('alex')!, { ...renderer, manifest: larger }, { provider: 'cpu' }),
  ).rejects.toThrow(badModel(/portrait.png: expected 512 × 512 pixels, got 256 × 256/));
});

test('an avatar whose voice is not installed is refused with what is', async () => {
  const models = await copyModels();
  await editJson(join(models, 'avatars/alex/avatar.json'), (avatar) => ({ ...avatar, voice: 'nobody' }));

  await expect(readCatalog(models)).rejects.toThrow(badModel(/needs renderer alex and voice nobody; .* voices .*rms/));
});

test('a model in the folder of another kind is refused', async () => {
  const models = await copyModels();
  await rename(join(models, 'voices/slt'), join(models, 'renderers/slt'));

  await expect(readCatalog(models)).rejects.toThrow(badModel(/expected a model of kind renderer, got voice/));
});

test('a voice that cannot be used is left out, and told', async () => {
  const models = await copyModels();
  await rm(join(models, 'avatars/mia'), { recursive: true }); // who speaks with slt
  await editJson(join(models, 'voices/slt/manifest.json'), (manifest) => ({ ...manifest, voice: null }));
  await mkdir(join(models, 'voices/empty'));
  await writeFile(join(models, 'voices/noise.onnx'), 'This is no voice.');
  await cp(join(models, 'voices/rms'), join(models, 'voices/twin'), { recursive: true });

  const { voices, foreignVoices, brokenVoices } = await readCatalog(models);

  expect([...voices.keys(), ...foreignVoices.keys()]).toEqual(['rms']);
  expect(brokenVoices.map(({ name }) => name)).toEqual(['empty', 'slt', 'twin', 'noise']);
  expect(brokenVoices.map(({ reason }) => reason.code)).toEqual(Array.from({ length: 4 }, () => 'bad_model'));
  expect(brokenVoices[0]?.reason.message).toMatch(/neither manifest.json nor an .onnx file/);
  expect(brokenVoices[2]?.reason.message).toMatch(/are both named rms. Rename one of them/);
});

test('a broken voice that an avatar speaks with says what is wrong with it', async () => {
  const models = await copyModels();
  await editJson(join(models, 'voices/rms/manifest.json'), (manifest) => ({ ...manifest, voice: null }));

  await expect(readCatalog(models)).rejects.toThrow(badModel(/rms.manifest.json/));
});

test('a models folder that does not exist is named', async () => {
  await expect(readCatalog('/nowhere')).rejects.toThrow(badModel(/\/nowhere\/\w+: expected a folder of \w+/));
});
