import { afterAll, beforeAll } from 'vitest';
import { launchChromium, type TestBrowser } from './chromium.ts';
import { startPageServer, type PageServer } from './page-server.ts';

/** The real server and Chromium for all tests of a file; both are there when its tests begin, and end after them. */
export const usePageServer = (): { readonly program: PageServer; readonly browser: TestBrowser } => {
  let program: PageServer;
  let browser: TestBrowser;
  beforeAll(async () => {
    [program, browser] = await Promise.all([startPageServer(), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await program?.[Symbol.asyncDispose]();
  });
  return {
    get program() {
      return program;
    },
    get browser() {
      return browser;
    },
  };
};
