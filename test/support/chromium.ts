/** A real Chromium for tests: headless, with an empty profile, without the network calls that it makes by itself. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

export interface TestBrowser extends AsyncDisposable {
  /** A new page in a profile of its own; what it logs as an error and what it throws is in `errors`. */
  page(): Promise<TestPage>;
  close(): Promise<void>;
}

export interface TestPage {
  readonly page: Page;
  readonly errors: string[];
}

/** Launches Chromium. `flags` come after the usual ones. */
export const launchChromium = async (flags: readonly string[] = []): Promise<TestBrowser> => {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, headless: true, args: [...ARGUMENTS, ...flags] });
  const close = () => browser.close();
  return {
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
    [Symbol.asyncDispose]: close,
  };
};

export interface HtmlServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves one HTML document on localhost, for pages that need an origin. */
export const serveHtml = async (html: string): Promise<HtmlServer> => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
