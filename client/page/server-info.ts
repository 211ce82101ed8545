/** What the server tells over HTTP: its voices and avatars. */
import { keyHeaders } from './server-key.ts';

/** A voice or avatar, as the server lists it. */
export interface Listed {
  readonly name: string;
  readonly description?: string;
  /** Of a voice, for example `en-US`. */
  readonly language?: string;
  /** Of an avatar, whose own it is. */
  readonly voice?: string;
}

/** The voices or avatars that there are; none while the server does not answer. */
export const readList = async (kind: 'voices' | 'avatars'): Promise<readonly Listed[]> => {
  try {
    const response = await fetch(`/v1/${kind}`, { headers: keyHeaders() });
    return ((await response.json()) as Record<string, readonly Listed[]>)[kind] ?? [];
  } catch {
    return [];
  }
};
