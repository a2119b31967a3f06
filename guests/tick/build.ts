/**
 * Builds tick.elf, for RV64, and tick-rv32.elf from the sources beside this file with Debian's RISC-V cross compiler.
 *
 *     node guests/tick/build.ts            writes both to guests/tick/, and guests/tick/tick.json
 *     node guests/tick/build.ts --symbols  writes tick.symbols.elf and tick-rv32.symbols.elf, to look up addresses in
 *
 * The same compiler and linker give the same bytes, wherever the checkout lies and whenever it is built; tick.json
 * says which versions made the file that is checked in.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findToolchain, PREFIX, withTools } from '../toolchain.ts';

/** Differences between the widths. */
const WIDTHS = {
  32: { file: 'tick-rv32', flags: ['-march=rv32imac_zicsr_zifencei', '-mabi=ilp32'] },
  64: { file: 'tick', flags: ['-march=rv64imac_zicsr_zifencei', '-mabi=lp64'] },
} as const;

const FLAGS = [
  ...['-mcmodel=medany', '-mno-relax', '-msmall-data-limit=0'],
  ...['-ffreestanding', '-nostdlib', '-static', '-fno-pic', '-fno-stack-protector'],
  ...['-fno-asynchronous-unwind-tables', '-fno-tree-loop-distribute-patterns', '-fno-ident'],
  ...['-O2', '-g0', '-Wall', '-Wextra', '-Werror', '-frandom-seed=tick'],
  '-Wl,--build-id=none,--no-warn-rwx-segments,-T,tick.lds',
];

/**
 * Compiles and links the sources in `directory` into the ELF file `output` for harts of `xlen` bits, stripped unless
 * `symbols` is asked for.
 *
 * @throws when the compiler is missing, or finds an error or a warning; its messages go to standard error.
 */
export function buildTick(
  directory: string,
  output: string,
  { xlen = 64, symbols = false }: { readonly xlen?: 32 | 64; readonly symbols?: boolean } = {},
): void {
  const names = readdirSync(directory);
  const sources = [
    ...names.filter((name) => name.endsWith('.S')).sort(),
    ...names.filter((name) => name.endsWith('.c')).sort(),
  ];
  // start.S places itself first by its section, so the order of the others only has to be the same each time.
  withTools(directory, (run) => {
    const map = `-ffile-prefix-map=${directory}=.`;
    run('gcc', [...WIDTHS[xlen].flags, ...FLAGS, map, ...sources, '-o', output]);
    if (!symbols) run('strip', ['--strip-all', '--remove-section=.comment', output]);
  });
}

if (import.meta.main) {
  const toolchain = findToolchain();
  if (toolchain === undefined) {
    console.error(`build: ${PREFIX}gcc is missing; install Debian's gcc-riscv64-linux-gnu`);
    process.exitCode = 1;
  } else {
    const symbols = process.argv.includes('--symbols');
    const here = import.meta.dirname;
    for (const xlen of [32, 64] as const) {
      const { file } = WIDTHS[xlen];
      buildTick(here, join(here, symbols ? `${file}.symbols.elf` : `${file}.elf`), { xlen, symbols });
    }
    if (!symbols) writeFileSync(join(here, 'tick.json'), `${JSON.stringify(toolchain, null, 2)}\n`);
  }
}
