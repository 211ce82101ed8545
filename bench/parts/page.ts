import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { distribution } from '../figures.ts';
import type { BenchPart } from '../part.ts';
import { launchChromium } from '../support/chromium.ts';
import { withServer } from '../support/server-process.ts';

const RUNS = 5;
/** Mean change of a pixel (0…255) since the first picture that a viewer takes for movement. */
const MOVED = 0.3;

/** ms since the address was entered. */
interface Seen {
  readonly pictureMs: number;
  readonly aliveMs: number;
}

/** From entering the address of the demo page, in a browser that has never seen it, to a face and to its first movement. */
export const page: BenchPart = {
  name: 'page',
  measure: (context) =>
    withServer(context, {}, async ({ address }) => {
      const script = await readFile(join(packageRoot, 'bench', 'page-watch.mjs'), 'utf8');
      const times: Seen[] = [];
      for (let run = 1; run <= RUNS; run++) {
        context.progress.show(`run ${run} of ${RUNS}`);
        await using browser = await launchChromium([], context.signal);
        const opened = await browser.page();
        await opened.page.goto(address);
        times.push(await opened.page.evaluate<Seen>(`${script}\nwatchPage(${MOVED})`));
      }
      const goal = { goal: { of: 'worst', limit: 3_000 } } as const;
      return [
        distribution(
          'page opened → face shown',
          'ms',
          times.map(({ pictureMs }) => pictureMs),
        ),
        distribution(
          'page opened → face moves',
          'ms',
          times.map(({ aliveMs }) => aliveMs),
          goal,
        ),
      ];
    }),
};
