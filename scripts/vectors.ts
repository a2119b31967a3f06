/**
 * Compares random vector instructions with QEMU:
 * `node scripts/vectors.ts [--seed S] [--programs N] [--instructions N] [--rounds N] [--vlen BITS] [--qemu COMMAND]
 * [--recent] [--compile] [--only PREFIX]`. `--recent` says that QEMU is 10 or later, `--compile` has our hart compile.
 * Differences are printed; the status is 1 if there are any.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareVectors } from '../test/vector/compare.ts';
import { VectorMachine } from '../test/vector/machines.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    programs: { type: 'string', default: '10' },
    instructions: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '20' },
    every: { type: 'string', default: '16' },
    vlen: { type: 'string' },
    qemu: { type: 'string' },
    only: { type: 'string' },
    recent: { type: 'boolean', default: false },
    compile: { type: 'boolean', default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
const machine = new VectorMachine(values.compile);
const instructions = Number(values.instructions);
const rounds = Number(values.rounds);
const length = ([128, 256, 512, 1024] as const).find((bits) => String(bits) === values.vlen);
let reports = 0;
let programs = 0;
try {
  for (; programs < Number(values.programs); programs++) {
    const seed = Number(values.seed) + programs;
    const size = { instructions, rounds, every: Number(values.every) };
    const { recent, only } = values;
    const options = {
      ...{ seed, recent, ...size },
      ...(length === undefined ? {} : { vlen: length }),
      ...(only === undefined ? {} : { only }),
    };
    const report = await compareVectors(machine, options, folder, values.qemu);
    if (report === undefined) continue;
    console.log(report);
    reports++;
  }
} finally {
  rmSync(folder, { recursive: true });
}
console.log(
  `${programs} programs, ${programs * instructions * rounds} vector instructions, ${reports} differ`,
);
process.exitCode = reports === 0 ? 0 : 1;
