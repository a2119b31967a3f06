/**
 * Runs generated programs on compiled and on interpreted code in lock step:
 * `node scripts/lockstep.ts [--millions N] [--seed S] [--steps N] [--passes N] [--origin MiB] [--xlen 32|64]`, where
 * the origin is the place of hart and RAM in linear memory.
 *
 * It ends after so many million instructions, or at the first difference, with status 1.
 */
import { parseArgs } from 'node:util';
import { LockstepStreams } from '../test/streams/in-lockstep.ts';

const USAGE =
  'usage: node scripts/lockstep.ts [--millions N] [--seed S] [--steps N] [--passes N] [--origin MiB] [--xlen 32|64]';
const DEFAULTS = { millions: '1000', seed: '1', steps: '1500', passes: '200', origin: '0', xlen: '64' };

function readOptions(): Record<keyof typeof DEFAULTS, number> {
  const names = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  });
  const read = (name: keyof typeof DEFAULTS): number => {
    const text = String(values[name] ?? DEFAULTS[name]);
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} must be a whole number, not '${text}'`);
    return Number(text);
  };
  return Object.fromEntries(names.map((name) => [name, read(name)])) as Record<keyof typeof DEFAULTS, number>;
}

function compare({
  millions,
  seed,
  steps,
  passes,
  origin,
  xlen,
}: Record<keyof typeof DEFAULTS, number>): number {
  const streams = new LockstepStreams(steps, passes, origin * 2 ** 20, xlen === 32 ? 32 : 64);
  const { tally } = streams;
  const start = performance.now();
  let told = start;
  for (let next = seed; tally.instructions < millions * 1e6 && tally.reports.length === 0; next++) {
    streams.run(next);
    if (performance.now() - told < 20_000) continue;
    told = performance.now();
    console.log(`${Math.floor(tally.instructions / 1e6)} million instructions, seed ${next}`);
  }
  for (const report of tally.reports) console.log(report);
  const seconds = (performance.now() - start) / 1000;
  const share = Math.round((tally.compiledInstructions / tally.instructions) * 100);
  console.log(
    `${tally.programs} programs from seed ${seed}, ${tally.instructions.toLocaleString('en-US')} instructions, ` +
      `${share} % of them in ${tally.regions} regions, ${tally.reports.length} differ; ${seconds.toFixed(0)} s`,
  );
  return tally.reports.length === 0 ? 0 : 1;
}

try {
  process.exitCode = compare(readOptions());
} catch (error) {
  console.error(error instanceof Error ? `${error.message}\n${USAGE}` : error);
  process.exitCode = 2;
}
