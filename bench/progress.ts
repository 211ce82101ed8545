import process from 'node:process';

/** One line on a terminal that says what is being measured; nothing where stderr is no terminal. */
export interface Progress {
  /** Shows `text`, after the name of the part. */
  show(text: string): void;
  /** Clears the line. */
  clear(): void;
}

export const createProgress = (part: string): Progress => {
  const { stderr } = process;
  const write = (text: string) => {
    if (stderr.isTTY) stderr.write(`\r\x1b[K${text}`);
  };
  return {
    show: (text) => write(`${part}: ${text}`.slice(0, Math.max(20, (stderr.columns ?? 80) - 1))),
    clear: () => write(''),
  };
};
