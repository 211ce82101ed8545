/** What a thread has used of the processor, and how long it had to wait for it, from the kernel's own account. */
import { readFileSync } from 'node:fs';

/** Linux' account of the thread that reads it: ns on a processor, ns ready to run and waiting for one (sched-stats(7) in the kernel's docs). */
const SCHEDSTAT = '/proc/thread-self/schedstat';

/** Totals since the thread started, ms. */
export interface ThreadUse {
  /** Time on a processor. */
  readonly cpuMs: number;
  /** Time in which it could have run and no processor was free. */
  readonly starvedMs: number;
}

/** The calling thread's account, in some 20 µs; null where the kernel keeps none. */
export const readThreadUse = (): ThreadUse | null => {
  let text: string;
  try {
    text = readFileSync(SCHEDSTAT, 'utf8');
  } catch {
    // Kernels without CONFIG_SCHED_INFO, and other systems: figures that need it are left out.
    return null;
  }
  const [cpuNs, starvedNs] = text.split(' ').map(Number);
  return { cpuMs: (cpuNs ?? 0) / 1e6, starvedMs: (starvedNs ?? 0) / 1e6 };
};
