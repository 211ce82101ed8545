/** Which voice and avatar a person likes, kept in the browser from visit to visit. */

const NAMES = ['voice', 'avatar'] as const;

/** A wish that is not there leaves the choice to the server. */
export interface Wishes {
  readonly voice?: string;
  readonly avatar?: string;
}

/** The wishes of earlier visits. */
export const readWishes = (): Wishes =>
  Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = localStorage.getItem(name);
      return value === null ? [] : [[name, value]];
    }),
  );

export const keepWish = (name: (typeof NAMES)[number], value: string): void => localStorage.setItem(name, value);

/** Leaves the choice to the server again. */
export const forgetWish = (name: (typeof NAMES)[number]): void => localStorage.removeItem(name);

export const forgetWishes = (): void => {
  for (const name of NAMES) forgetWish(name);
};
