/** Loaded before the server (`node --import`): at SIGUSR2 all its threads collect their garbage, so that what is left is really held. */
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const threads = new BroadcastChannel('collect-garbage');
threads.unref();
threads.addEventListener('message', () => collect());
if (isMainThread) {
  process.on('SIGUSR2', () => {
    collect();
    threads.postMessage(null);
  });
}
