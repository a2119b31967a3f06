import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,test,guests,bench,scripts,page}/**/*.test.ts'],
    pool: 'forks',
    // Many tests wait for guests that wait: a third one finds a processor idle often enough.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', './scripts/closing-line.ts'],
  },
});
