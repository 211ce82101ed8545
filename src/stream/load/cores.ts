/** How many processor cores this process may use. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Of a container, cgroup v2 (kernel.org, admin-guide/cgroup-v2): "max 100000", or quota and period in µs. */
const CPU_MAX = '/sys/fs/cgroup/cpu.max';

/** Cores, in parts too where a container has a quota; at least 0.1. */
export const usableCores = (readQuota: () => string = () => readFileSync(CPU_MAX, 'utf8')): number => {
  const cores = availableParallelism();
  try {
    const [quota, period] = readQuota().trim().split(' ').map(Number);
    const allowed = (quota ?? Number.NaN) / (period ?? Number.NaN);
    return Number.isFinite(allowed) && allowed > 0 ? Math.max(0.1, Math.min(cores, allowed)) : cores;
  } catch {
    // No cgroup v2: there is no quota to read.
    return cores;
  }
};

/** Threads for motion and renderer: the cores that the main thread, the media thread and voices leave, which share two. */
const defaultFaceWorkers = (cores: number = usableCores()): number => Math.max(1, Math.floor(cores) - 2);

/** Face threads of a configuration: those that it asks for, or one where frames are drawn together, or `defaultFaceWorkers`. */
export const faceWorkersOf = ({
  faceWorkers,
  batch,
}: {
  readonly faceWorkers?: number | undefined;
  readonly batch: { readonly frames: number };
}): number => faceWorkers ?? (batch.frames > 1 ? 1 : defaultFaceWorkers());
