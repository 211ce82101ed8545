import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Inference workers and Chromium share the cores: more files at once only make each other late.
    maxWorkers: 2,
  },
});
