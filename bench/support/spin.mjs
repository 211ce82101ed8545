// Keeps as many threads busy as its argument says, until it is killed.
import process from 'node:process';
import { Worker, isMainThread } from 'node:worker_threads';

const others = isMainThread ? Number(process.argv[2]) - 1 : 0;
for (let i = 0; i < others; i += 1) {
  // oxlint-disable-next-line no-new
  new Worker(new URL(import.meta.url));
}
// oxlint-disable-next-line no-empty
for (;;) {}
