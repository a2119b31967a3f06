import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,test,guests,bench,scripts,page}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', './scripts/closing-line.ts'],
  },
});
