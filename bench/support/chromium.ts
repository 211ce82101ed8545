/** A real Chromium: headless, with an empty profile, without the network calls that it makes by itself. */
import process from 'node:process';
import { chromium, type Page } from 'playwright-core';

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

export interface Browser extends AsyncDisposable {
  /** Its version, for example `156.0.7632.0`. */
  readonly version: string;
  /** A new page in a profile of its own; what it logs as an error and what it throws is in `errors`. */
  page(): Promise<BrowserPage>;
  close(): Promise<void>;
  /** Kills its process, which then cannot tell anybody. */
  kill(): Promise<void>;
}

export interface BrowserPage {
  readonly page: Page;
  readonly errors: string[];
}

/**
 * Launches Chromium.
 * @param flags - They come after the usual ones.
 * @param signal - Closes it. Without a signal Ctrl-C ends it and the calling process.
 */
export const launchChromium = async (flags: readonly string[] = [], signal?: AbortSignal): Promise<Browser> => {
  signal?.throwIfAborted();
  const handles = signal === undefined;
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    headless: true,
    args: [...ARGUMENTS, ...flags],
    handleSIGINT: handles,
    handleSIGTERM: handles,
    handleSIGHUP: handles,
  });
  const close = () => browser.close();
  const closeNow = () => {
    // Whoever awaits the browser sees it close; there is nobody to tell about the closing itself.
    close().catch(() => undefined);
  };
  signal?.addEventListener('abort', closeNow, { once: true });
  browser.on('disconnected', () => signal?.removeEventListener('abort', closeNow));
  return {
    version: browser.version(),
    async page() {
      const context = await browser.newContext();
      const page = await context.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      return { page, errors };
    },
    close,
    async kill() {
      const session = await browser.newBrowserCDPSession();
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      const gone = new Promise((resolve) => browser.once('disconnected', resolve));
      for (const { id, type } of processInfo) if (type === 'browser') process.kill(id, 'SIGKILL');
      await gone;
    },
    [Symbol.asyncDispose]: close,
  };
};
