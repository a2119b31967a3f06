import { writeFileSync } from 'node:fs';
import { assemble } from '../../src/isa/index.ts';
import { buildElf } from '../fixtures/elf-fixture.ts';

const ramBase = 0x8000_0000n;

/** Assembles a program for the start of RAM into an ELF file. */
export function writeProgram(path: string, source: string): string {
  const { bytes, symbols } = assemble(source, { origin: ramBase });
  const tohost = symbols.get('tohost');
  const segment = { virtualAddress: ramBase, physicalAddress: ramBase, data: bytes };
  const named = tohost === undefined ? {} : { symbols: { tohost } };
  writeFileSync(path, buildElf({ entry: ramBase, segments: [segment], ...named }));
  return path;
}

/** Prints what lies at `message` through the serial port. */
export const printMessage = `
    la t0, message
    li t1, 0x10000000
  1:
    lbu t2, 0(t0)
    beqz t2, 1f
    sb t2, 0(t1)
    addi t0, t0, 1
    j 1b
  1:
`;

/** Ends the machine by the SBI's system reset call. */
export const systemReset = (type: number, reason = 0) => `
    li a7, 0x53525354
    li a6, 0
    li a0, ${type}
    li a1, ${reason}
    ecall
  1:
    j 1b
`;

/** Ends the machine by the test finisher. */
export const finisher = (value: number) => `
    li t0, 0x100000
    li t1, ${value}
    sw t1, 0(t0)
  1:
    j 1b
`;
