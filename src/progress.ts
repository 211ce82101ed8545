/** How far a program is: a bar on a terminal, nothing elsewhere. */
import process from 'node:process';

const BAR_WIDTH = 30;

export interface Progress {
  /** @param fraction - 0…1; @param text - what there is so far */
  show(fraction: number, text: string): void;
  /** Takes the bar away. */
  done(): void;
}

export const createProgress = (): Progress => {
  const { stderr } = process;
  return {
    show(fraction, text) {
      if (!stderr.isTTY) return;
      const filled = Math.round(Math.min(1, fraction) * BAR_WIDTH);
      stderr.write(`\r[${'█'.repeat(filled)}${'·'.repeat(BAR_WIDTH - filled)}] ${text} `);
    },
    done() {
      if (stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
};
