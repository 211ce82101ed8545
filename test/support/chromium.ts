/** A real Chromium for tests, and pages for it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export {
  launchChromium,
  type Browser as TestBrowser,
  type BrowserPage as TestPage,
} from '../../bench/support/chromium.ts';

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
