/** Which voice an avatar speaks with when nobody chooses one. */
import { VisavisError } from '../errors.ts';
import type { Inference } from './inference.ts';

/**
 * The voice that was wished for, or the avatar's own.
 * @throws {VisavisError} `unknown_avatar`
 */
export const defaultVoice = (
  { avatars }: Pick<Inference, 'avatars'>,
  wished: { readonly voice?: string | undefined; readonly avatar: string },
): string => {
  const own = wished.voice ?? avatars.find(({ name }) => name === wished.avatar)?.voice;
  if (own === undefined) {
    const there = avatars.map(({ name }) => name).join(', ');
    throw new VisavisError('unknown_avatar', `there is no avatar "${wished.avatar}"; there are: ${there}`);
  }
  return own;
};
