import { expect, test } from 'vitest';
import { defaultVoice } from '../../src/models/default-voice.ts';

const face = (name: string, voice: string) => ({ name, voice, description: '', size: 256, licence: '' });
const inference = { avatars: [face('alex', 'rms'), face('mia', 'slt')] };

test('a face speaks with its own voice', () => {
  expect(defaultVoice(inference, { avatar: 'mia' })).toBe('slt');
});

test('a face speaks with the voice that is wished for', () => {
  expect(defaultVoice(inference, { avatar: 'mia', voice: 'rms' })).toBe('rms');
});

test('a face that is not there is refused with those that are', () => {
  expect(() => defaultVoice(inference, { avatar: 'nobody' })).toThrow(
    'there is no avatar "nobody"; there are: alex, mia',
  );
});
