import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../config/load.ts';

const fileWith = async (text: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'visavis-config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'config.json'), text);
  return join(folder, 'config.json');
};

test('a configuration is complete without a file', () => {
  expect(loadConfig(undefined)).toMatchObject({ host: '127.0.0.1', port: 8080, avatar: 'alex' });
});

test('the command line goes over the file', async () => {
  const path = await fileWith('{"port": 1, "limits": {"sessions": 9}}');

  expect(loadConfig(path, { port: 2 })).toMatchObject({ port: 2, limits: { sessions: 9, utterances: 100 } });
});

test('the command line names the language model, and the file the rest', async () => {
  const path = await fileWith('{"chat": {"url": "http://a/v1", "model": "one", "systemPrompt": "Be brief."}}');

  const { chat } = loadConfig(path, { chat: { model: 'two', apiKeyVariable: 'KEY' } });

  expect(chat).toMatchObject({ url: 'http://a/v1', model: 'two', apiKeyVariable: 'KEY', systemPrompt: 'Be brief.' });
  expect(loadConfig(undefined, { chat: { url: 'https://b/v1', model: 'm' } }).chat?.systemPrompt).toMatch(/spoken/);
  expect(loadConfig(undefined).chat).toBeUndefined();
  expect(() => loadConfig(undefined, { chat: { url: 'https://b/v1' } })).toThrow('model');
  expect(() => loadConfig(undefined, { chat: { url: 'file:///v1', model: 'm' } })).toThrow('url');
});

test('keys of the environment are added to those of the file', async () => {
  const path = await fileWith('{"access": {"keys": ["key-of-the-file"], "origins": ["https://example.org"]}}');

  const { access } = loadConfig(path, { keys: ['key-of-the-environment'] });

  expect(access).toEqual({
    keys: ['key-of-the-file', 'key-of-the-environment'],
    origins: ['https://example.org'],
  });
  expect(loadConfig(undefined).access).toEqual({ keys: [], origins: ['*'] });
  expect(() => loadConfig(undefined, { keys: ['short'] })).toThrow('access.keys');
});

test.each([
  ['{"access": {"keys": 7}}', 'access.keys'],
  ['{"access": {"origins": ["https://example.org/path"]}}', 'access.origins'],
  ['{"prot": 80}', 'prot'],
  ['{"port": 99999}', 'port'],
  ['{"limits": {"sessions": 0}}', 'sessions'],
  ['{port', 'is not JSON'],
  ['[]', 'expected a JSON object'],
])('a wrong file is refused with what is wrong: %s', async (text, reason) => {
  const path = await fileWith(text);

  expect(() => loadConfig(path)).toThrow(reason);
});

test('a file that is not there is named', () => {
  expect(() => loadConfig('/nowhere/config.json')).toThrow('/nowhere/config.json cannot be read');
});
