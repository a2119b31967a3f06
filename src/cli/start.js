/**
 * The command of a checkout, as `npm start` runs it. It is JavaScript because Node loads its own compiler for
 * TypeScript, 80 ms, for each module that its cache of compiled modules does not have, and the first module of a
 * process comes before any cache. The cache lies beside the packages: whoever can write there can change them as well.
 */
import module from 'node:module';
import { fileURLToPath } from 'node:url';

process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
  new URL('../../node_modules/.cache/hartvisor', import.meta.url),
);
module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
await import('./main.ts');
