import type { RawKernel } from '../../src/boot/kernel-image.ts';
import { csrName } from '../../src/hart/privileged/index.ts';
import { assemble } from '../../src/isa/index.ts';
import type { BareProgram } from '../../src/machine/bare/boot.ts';

const TEXT_OFFSET = 0x20_0000;
const RAM = 0x8000_0000;

const CSR_NUMBERS: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 4096 }, (_, number) => [csrName(number), number] as const).flatMap(([name, number]) =>
    name === undefined ? [] : [[name, number] as const],
  ),
);

function assembled(source: string, origin: number, xlen: 32 | 64 = 64): Uint8Array<ArrayBuffer> {
  return new Uint8Array(assemble(source, { origin: BigInt(origin), csrs: CSR_NUMBERS, xlen }).bytes);
}

/** A guest for a domain, from its source: starts in S-mode 2 MiB above the start of RAM. */
export function guestProgram(source: string, xlen: 32 | 64 = 64): RawKernel {
  const bytes = assembled(source, RAM + TEXT_OFFSET, xlen);
  return { kind: 'raw', bytes, textOffset: TEXT_OFFSET, memorySize: 0x1_0000 };
}

/** A program for a bare machine, from its source: starts in M-mode at the start of RAM on all harts. */
export function bareProgram(source: string, xlen: 32 | 64 = 64): BareProgram {
  return { kind: 'program', image: { kind: 'raw', bytes: assembled(source, RAM, xlen), source: 'a test' } };
}

/** An SBI system reset. */
export const reset = (type: number, reason: number): string =>
  `li a7, 0x53525354; li a6, 0; li a0, ${type}; li a1, ${reason}; ecall\n`;

/** A store to the test finisher at 0x100000. */
export const finish = (value: number): string => `li t5, 0x100000; li t6, ${value}; sw t6, (t5)\n`;
