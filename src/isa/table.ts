import { aInstructions } from './a.ts';
import { dInstructions } from './d.ts';
import { fInstructions } from './f.ts';
import { hypervisorInstructions } from './hypervisor.ts';
import type { Instruction } from './instruction.ts';
import { mInstructions } from './m.ts';
import { privilegedInstructions } from './privileged.ts';
import { baseInstructions } from './rv-i.ts';
import { zawrsInstructions } from './zawrs.ts';
import { zbaInstructions } from './zba.ts';
import { zbbInstructions } from './zbb.ts';
import { zbsInstructions } from './zbs.ts';
import { zicboInstructions } from './zicbo.ts';
import { zicsrInstructions } from './zicsr.ts';
import { zifenceiInstructions } from './zifencei.ts';
import { zihintpauseInstructions } from './zihintpause.ts';

/** All 32-bit instructions; `id` is the index. */
export const instructions: readonly Instruction[] = Object.freeze(
  [
    ...baseInstructions,
    ...mInstructions,
    ...aInstructions,
    ...fInstructions,
    ...dInstructions,
    ...zicsrInstructions,
    ...zifenceiInstructions,
    ...zihintpauseInstructions,
    ...zawrsInstructions,
    ...zbaInstructions,
    ...zbbInstructions,
    ...zbsInstructions,
    ...zicboInstructions,
    ...privilegedInstructions,
    ...hypervisorInstructions,
  ].map((definition, id) => Object.freeze({ ...definition, id })),
);

const byName = new Map(instructions.map((instruction) => [instruction.name, instruction]));

/** The instruction with a mnemonic, such as `amoadd.d`; undefined if there is none. */
export function findInstruction(name: string): Instruction | undefined {
  return byName.get(name);
}

/** The instruction with a mnemonic; throws if there is none: for names written in the program. */
export function instructionNamed(name: string): Instruction {
  const found = byName.get(name);
  if (found === undefined) throw new Error(`no instruction is named ${name}`);
  return found;
}
