/** The API key that a person has given for this server, kept in the browser; and a link that brings one: `/#key=KEY`. */

const STORED = 'key';

/** null: none was given. */
export const readKey = (): string | null => {
  const given = new URLSearchParams(location.hash.slice(1)).get(STORED);
  if (given !== null) {
    keepKey(given);
    // Not to be seen, nor to be shared by accident.
    history.replaceState(null, '', location.pathname + location.search);
  }
  return localStorage.getItem(STORED);
};

/** Empty: there is none any more. */
export const keepKey = (key: string): void => {
  if (key === '') localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, key);
};

/** What a request has to bring. */
export const keyHeaders = (): Record<string, string> => {
  const key = readKey();
  return key === null ? {} : { authorization: `Bearer ${key}` };
};

/** The address of a picture or socket, which brings it itself. */
export const withKey = (address: string): string => {
  const key = readKey();
  if (key === null) return address;
  const url = new URL(address, location.href);
  url.searchParams.set('key', key);
  return url.href;
};
