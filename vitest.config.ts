import { defineConfig } from 'vitest/config';

/** Tests of these rooms look at their process (coverage), or are long enough to want code that nobody else has run. */
const ALONE = ['src/{hart,verify}/**/*.test.ts', '{test,guests}/**/*.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // They end tests that hang. A host with much else to do may take ten times as long as a quiet one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ['default', './scripts/closing-line.ts'],
    globalSetup: './scripts/left-processes.ts',
    projects: [
      { extends: true, test: { name: 'a process each', include: ALONE } },
      {
        extends: true,
        test: {
          name: 'processes shared',
          include: ['{src,bench,scripts,page}/**/*.test.ts'],
          exclude: ALONE,
          // A process for each of these takes as long as most of their tests.
          isolate: false,
        },
      },
    ],
  },
});
