import { assemble } from '../../src/isa/index.ts';
import type { MachineConfig } from '../../src/machine/config.ts';
import { readCpu } from '../../src/machine/cpu.ts';
import { bareProgram, guestProgram } from '../machine/programs.ts';

/** A machine with a program, and where its labels are. */
export interface DebuggedProgram {
  readonly config: MachineConfig;
  readonly address: (label: string) => bigint;
}

/** Where a program begins. */
const ORIGIN = { bare: 0x8000_0000n, domain: 0x8020_0000n } as const;

/** A program in a machine of a kind, with two harts or vCPUs. */
export function debugged(kind: 'bare' | 'domain', source: string): DebuggedProgram {
  const { symbols } = assemble(source, { origin: ORIGIN[kind] });
  const { extensions } = readCpu('rv64,v=true,vlen=256');
  const config: MachineConfig =
    kind === 'bare'
      ? { kind, harts: 2, memoryBytes: 32 << 20, program: bareProgram(source), extensions }
      : {
          extensions,
          kind,
          bootArgs: '',
          vcpus: 2,
          pcpus: 2,
          memoryBytes: 64 << 20,
          protocol: 'take-mirror',
          kernel: guestProgram(source),
        };
  const address = (label: string): bigint => {
    const found = symbols.get(label);
    if (found === undefined) throw new Error(`the program has no label ${label}`);
    return found;
  };
  return { config, address };
}

/** Counts in s1 and memory, and calls a function that reads memory; another hart waits. */
export const COUNTING = `
  bnez a0, wait
  la s0, data
  li s1, 0
loop:
  addi s1, s1, 1
store:
  sd s1, 0(s0)
  jal leaf
  j loop
leaf:
  addi s2, s2, 1
load:
  ld s3, 8(s0)
behind:
  ret
wait:
  wfi
  j wait
  .balign 4096
data:
  .dword 0, 0, 0, 0
`;
