import { configDefaults, defineConfig } from 'vitest/config';

/** Real time, real processes and a real browser: a machine that is busy for a moment may try these once more. */
const REAL_TIME = ['test/browser/**/*.test.ts', 'test/integration/**/*.test.ts', 'test/network/**/*.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    setupFiles: ['test/support/seed.ts'],
    // Inference workers and Chromium share the cores: more files at once only make each other late.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'logic', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, ...REAL_TIME] },
      },
      { extends: true, test: { name: 'real time', include: REAL_TIME, retry: 1 } },
    ],
  },
});
