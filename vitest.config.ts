import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Inference workers and Chromium share the cores: more files at once only make each other late.
    maxWorkers: 2,
    // Real time and a real browser: a machine that is busy for a moment may try once more.
    retry: 1,
  },
});
