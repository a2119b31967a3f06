/**
 * Compares generated programs for a given time:
 * `node test/streams/soak.ts [--seconds N] [--seed S] [--steps N] [--xlen 32|64] [--single] [--newest]`. With
 * `--single` our hart carries out each instruction by a step of its own, as for a debugger. With `--newest` programs
 * use all that we have and run on the QEMU 10 that `HARTVISOR_QEMU_10` names (RV64). Differences are printed as they
 * are found; the status is 1 if there are any. `--seed S --seconds 0` runs one program.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { missingQemu } from './on-qemu.ts';
import { newTally, StreamRunner } from './run.ts';

const USAGE =
  'usage: node test/streams/soak.ts [--seconds N] [--seed S] [--steps N] [--xlen 32|64] [--single] [--newest]';

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly steps: number;
  readonly xlen: number;
  readonly single: boolean;
  readonly newest: boolean;
}

function options(): Options {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: `${Date.now() % 1_000_000_000}` },
      steps: { type: 'string', default: '8000' },
      xlen: { type: 'string', default: '64' },
      single: { type: 'boolean', default: false },
      newest: { type: 'boolean', default: false },
    },
  });
  const whole = (name: Exclude<keyof Options, 'single' | 'newest'>): number => {
    if (!/^\d{1,9}$/.test(values[name]))
      throw new Error(`--${name} must be a whole number, not '${values[name]}'`);
    return Number(values[name]);
  };
  return {
    seconds: whole('seconds'),
    seed: whole('seed'),
    steps: whole('steps'),
    xlen: whole('xlen'),
    single: values.single,
    newest: values.newest,
  };
}

async function soak({ seconds, seed, steps, xlen, single, newest }: Options): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'streams-'));
  const tally = newTally();
  const start = performance.now();
  try {
    const runner = new StreamRunner(
      folder,
      steps,
      xlen === 32 ? 32 : 64,
      single,
      newest ? 'newest' : 'qemu7',
    );
    let shown = 0;
    let next = seed;
    do {
      await runner.run([next, next + 1, next + 2, next + 3].slice(0, seconds === 0 ? 1 : 4), tally);
      next += 4;
      for (; shown < tally.reports.length; shown++) console.log(tally.reports[shown], '\n');
    } while (performance.now() - start < seconds * 1000 && shown < 10);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const { programs, instructions, reports } = tally;
  console.log(
    `seeds from ${seed}: ${programs} programs, ${tally.steps} steps, ${instructions} instructions, ${reports.length} differ`,
  );
  return reports.length === 0 ? 0 : 1;
}

try {
  const chosen = options();
  const missing = missingQemu(chosen.xlen === 32 ? 32 : 64);
  if (missing !== undefined) throw new Error(missing);
  process.exitCode = await soak(chosen);
} catch (error) {
  console.error(error instanceof Error ? `${error.message}\n${USAGE}` : error);
  process.exitCode = 2;
}
