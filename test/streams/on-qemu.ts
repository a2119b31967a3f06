import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Xlen } from '../../src/isa/index.ts';
import { dialectOf } from './dialects.ts';
import { COMPARED, LAYOUT } from './layout.ts';
import type { Program } from './program.ts';
import { finished } from './qemu-process.ts';

/** Programs of the newest dialect are for a QEMU 10, wherever it is. */
export const NEWEST_QEMU: string | undefined = process.env.HARTVISOR_QEMU_10;

const QEMU = { 32: 'qemu-system-riscv32', 64: 'qemu-system-riscv64' } as const;
/** Milliseconds for one program, which takes a second or two unless the host is busy. */
const TIMEOUT = 120_000;

/** Why programs cannot be run on QEMU here; undefined if they can. */
export function missingQemu(xlen: Xlen = 64): string | undefined {
  try {
    execFileSync(QEMU[xlen], ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `${QEMU[xlen]} is not installed`;
  }
}

/** Memory after a run: the parts that {@link COMPARED} names, in its order. */
export type Outcome = readonly Uint8Array<ArrayBuffer>[];

/**
 * Runs a program on QEMU. Guest memory is a file that both processes see, so that nothing needs to be printed. A second
 * hart, which sleeps, makes QEMU take its atomic operations as atomic ones: the other path reports faults of AMOs as
 * those of loads.
 *
 * @param folder for scratch files; names are derived from the seed
 */
export async function runOnQemu(program: Program, folder: string): Promise<Outcome> {
  const image = join(folder, `${program.seed}.bin`);
  const ram = join(folder, `${program.seed}.ram`);
  writeFileSync(image, program.image);
  try {
    const size = LAYOUT.ramBytes;
    const machine = ['-M', 'virt,memory-backend=ram', '-smp', '2', '-m', `${size >> 20}M`];
    const backend = ['-object', `memory-backend-file,id=ram,size=${size},mem-path=${ram},share=on`];
    const { xlen, dialect } = program.setting;
    const cpu = ['-cpu', dialect.qemuCpu];
    const command = dialect === dialectOf('newest', 64) ? (NEWEST_QEMU ?? QEMU[xlen]) : QEMU[xlen];
    const quiet = ['-display', 'none', '-serial', 'none', '-monitor', 'none'];
    await finished(
      spawn(command, [...machine, ...backend, ...cpu, ...quiet, '-bios', image]),
      program.seed,
      TIMEOUT,
    );
    return readParts(ram);
  } finally {
    rmSync(image, { force: true });
    rmSync(ram, { force: true });
  }
}

function readParts(file: string): Outcome {
  const descriptor = openSync(file, 'r');
  try {
    return COMPARED.map(([start, end]) => {
      const bytes = new Uint8Array(end - start);
      readSync(descriptor, bytes, 0, bytes.length, start - LAYOUT.ram);
      return bytes;
    });
  } finally {
    closeSync(descriptor);
  }
}
