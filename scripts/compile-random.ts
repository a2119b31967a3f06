/**
 * Compiles regions of random code and has the engine check them:
 * `node scripts/compile-random.ts [--regions N] [--seed S]`.
 *
 * It ends after so many regions, or at the first that is refused, with status 1.
 */
import { parseArgs } from 'node:util';
import { RandomCompilations } from '../test/jit/compile-random.ts';

const USAGE = 'usage: node scripts/compile-random.ts [--regions N] [--seed S]';

function number(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} must be a whole number, not '${text}'\n${USAGE}`);
  return Number(text);
}

try {
  const { values } = parseArgs({
    options: {
      regions: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const compilations = new RandomCompilations();
  const { tally } = compilations;
  const first = number('seed', values.seed);
  const regions = number('regions', values.regions);
  const start = performance.now();
  let seed = first;
  for (; tally.regions < regions; seed++) compilations.run(seed);
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${tally.regions.toLocaleString('en-US')} regions of seeds ${first} to ${seed - 1} are valid, of ` +
      `${tally.instructions.toLocaleString('en-US')} instructions; ${seconds.toFixed(0)} s`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
