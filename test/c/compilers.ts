/** The compilers that tests of c/vcpu_irqs.h use. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export const HEADERS = join(ROOT, 'c');
export const SOURCES = import.meta.dirname;

/** A C compiler for one kind of machine. */
export interface Compiler {
  readonly name: string;
  readonly command: string;
  readonly flags: readonly string[];
}

const STRICT = ['-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
/** Without a C library, which Debian has for no 32-bit RISC-V. */
const FREESTANDING = ['-ffreestanding', '-nostdlib', '-static', '-fno-pic', '-mcmodel=medany'];

const RV64 = ['-march=rv64imac', '-mabi=lp64'];
const RV32 = ['-march=rv32imac', '-mabi=ilp32'];
const CROSS = 'riscv64-linux-gnu-';
const BARE = 'riscv64-unknown-elf-';

export const HOST: Compiler = {
  name: 'host',
  command: 'gcc',
  flags: [...STRICT, '-O2', '-pthread', '-D_POSIX_C_SOURCE=200809L'],
};

/** A cross compiler, with the beginning of the names of its programs. */
export interface CrossCompiler extends Compiler {
  readonly prefix: string;
  readonly xlen: 32 | 64;
}

/** The compiler for each width: that of the guests, which knows both, or else that for bare machines. */
export const RISCV: readonly CrossCompiler[] = [
  { xlen: 64 as const, machine: RV64 },
  { xlen: 32 as const, machine: RV32 },
].map(({ xlen, machine }) => {
  const all = [CROSS, BARE].map((prefix) => ({
    name: `RV${xlen} by ${prefix}gcc`,
    command: `${prefix}gcc`,
    flags: [...STRICT, '-O2', ...FREESTANDING, ...machine],
    prefix,
    xlen,
  }));
  return all.find((compiler) => missing(compiler) === undefined) ?? all[0];
});

/** Why the compiler cannot be used, or undefined. Nothing but its absence is a reason. */
export function missing({ command }: Compiler): string | undefined {
  return spawnSync(command, ['--version']).error === undefined ? undefined : `${command} is not installed`;
}

/**
 * Compiles C sources of this folder.
 *
 * @throws with the compiler's words for an error or a warning.
 */
export function compile(compiler: Compiler, output: string, args: readonly string[]): void {
  const all = [...compiler.flags, '-I', HEADERS, '-o', output, ...args];
  const { status, stderr } = spawnSync(compiler.command, all, { cwd: SOURCES, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${compiler.command} ${all.join(' ')}:\n${stderr}`);
}
