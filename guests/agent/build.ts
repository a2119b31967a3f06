/**
 * Builds the guest agent for both widths from the sources beside this file with Debian's RISC-V cross compiler, and
 * writes `protocol.h`:
 *
 *     node guests/agent/build.ts
 *
 * The same compiler and linker give the same bytes, wherever the checkout lies; agent.json says which versions made the
 * files that are checked in.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findToolchain, PREFIX, withTools } from '../toolchain.ts';
import { protocolHeader } from './header.ts';

/** Differences between the widths. */
export const AGENT_WIDTHS = {
  32: { file: 'agent-rv32.elf', flags: ['-march=rv32imac', '-mabi=ilp32'] },
  64: { file: 'agent.elf', flags: ['-march=rv64imac', '-mabi=lp64'] },
} as const;

const FLAGS = [
  ...['-mcmodel=medany', '-mno-relax', '-msmall-data-limit=0'],
  ...['-ffreestanding', '-nostdlib', '-static', '-fno-pic', '-no-pie', '-fno-stack-protector'],
  ...['-fno-asynchronous-unwind-tables', '-fno-tree-loop-distribute-patterns', '-fno-ident'],
  ...['-ffunction-sections', '-std=gnu17', '-O2', '-g0', '-Wall', '-Wextra', '-Wno-parentheses', '-Werror'],
  ...['-frandom-seed=agent', '-Wl,--build-id=none', '-Wl,--gc-sections', '-Wl,-z,noexecstack'],
  // The kernel maps code and data with different rights, so they must not share a page.
  '-Wl,-z,separate-code',
];

/**
 * Compiles the agent in `directory` into the ELF file `output`.
 *
 * @throws when the compiler is missing, or finds an error or a warning; its messages go to standard error.
 */
export function buildAgent(directory: string, output: string, xlen: 32 | 64): void {
  const sources = readdirSync(directory).filter((name) => /\.[cS]$/.test(name));
  withTools(directory, (run) => {
    const map = `-ffile-prefix-map=${directory}=.`;
    run('gcc', [...AGENT_WIDTHS[xlen].flags, ...FLAGS, map, ...sources.sort(), '-o', output]);
    run('strip', ['--strip-all', '--remove-section=.comment', output]);
  });
}

if (import.meta.main) {
  const toolchain = findToolchain();
  const here = import.meta.dirname;
  writeFileSync(join(here, 'protocol.h'), protocolHeader());
  if (toolchain === undefined) {
    console.error(`build: ${PREFIX}gcc is missing; install Debian's gcc-riscv64-linux-gnu`);
    process.exitCode = 1;
  } else {
    for (const xlen of [32, 64] as const) buildAgent(here, join(here, AGENT_WIDTHS[xlen].file), xlen);
    writeFileSync(join(here, 'agent.json'), `${JSON.stringify(toolchain, null, 2)}\n`);
  }
}
