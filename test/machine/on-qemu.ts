import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BareProgram } from '../../src/machine/bare/boot.ts';

const QEMU = 'qemu-system-riscv64';

/** Whether there is a QEMU here to compare with. */
export function haveQemu(): boolean {
  try {
    execFileSync(QEMU, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(`${QEMU} is not installed: what it does is not compared`);
    return false;
  }
}

/** How a program ended on QEMU. */
export interface QemuRun {
  /** The code that it gave the test finisher, 0 for a pass. */
  readonly code: number;
  readonly output: string;
}

/** Runs a bare program on a `virt` machine of QEMU with a hart and 32 MiB, until it ends the machine. */
export function runOnQemu(
  { image }: BareProgram,
  devices: readonly string[],
  limitMs: number,
): Promise<QemuRun> {
  if (image.kind !== 'raw') throw new Error('raw bytes are expected');
  const folder = mkdtempSync(join(tmpdir(), 'on-qemu-'));
  const program = join(folder, 'program');
  // QEMU drops characters where a pipe is full.
  const log = join(folder, 'log');
  writeFileSync(program, image.bytes);
  const machine = [
    '-M',
    'virt',
    '-m',
    '32M',
    '-display',
    'none',
    '-monitor',
    'none',
    '-serial',
    `file:${log}`,
  ];
  return new Promise((resolve, reject) => {
    execFile(QEMU, [...machine, '-bios', program, ...devices], { timeout: limitMs }, (error, _, said) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') resolve({ code, output: readFileSync(log, 'latin1') });
      else reject(new Error(`QEMU did not come to an end: ${said}`, { cause: error }));
      rmSync(folder, { recursive: true });
    });
  });
}
