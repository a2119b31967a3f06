import { aInstructions, zabhaInstructions, zacasInstructions } from './a.ts';
import { dInstructions } from './d.ts';
import type { InstructionDefinition } from './define.ts';
import { fInstructions } from './f.ts';
import { hintInstructions } from './hints.ts';
import { hypervisorInstructions } from './hypervisor.ts';
import type { Instruction, Xlen } from './instruction.ts';
import { mInstructions } from './m.ts';
import { privilegedInstructions } from './privileged.ts';
import { baseInstructions } from './rv-i.ts';
import { vectorInstructions } from './vector/index.ts';
import { zawrsInstructions } from './zawrs.ts';
import { zbaInstructions } from './zba.ts';
import { zbbInstructions } from './zbb.ts';
import { zbcInstructions } from './zbc.ts';
import { zbkbInstructions } from './zbkb.ts';
import { zbkxInstructions } from './zbkx.ts';
import { zbsInstructions } from './zbs.ts';
import { zfaInstructions } from './zfa.ts';
import { zfhInstructions } from './zfh.ts';
import { zicboInstructions } from './zicbo.ts';
import { zicondInstructions } from './zicond.ts';
import { zicsrInstructions } from './zicsr.ts';
import { zifenceiInstructions } from './zifencei.ts';
import { zihintpauseInstructions } from './zihintpause.ts';
import { zimopInstructions } from './zimop.ts';
import { zkneInstructions } from './zkne.ts';
import { zknhInstructions } from './zknh.ts';
import { zksedInstructions } from './zksed.ts';
import { zkshInstructions } from './zksh.ts';

/** All instructions have the same properties in the same order, or code that reads them would be compiled anew. */
function withNumber(definition: InstructionDefinition, id: number): Instruction {
  const { name, match, mask, format, extension, alsoIn, alsoNeeds, xlen, needsFloat, vector, semantics } =
    definition;
  const requirements = { extension, alsoIn, alsoNeeds, xlen, needsFloat };
  return Object.freeze({ name, id, match, mask, format, ...requirements, vector, semantics });
}

/** The 32-bit instructions of both widths; `id` is the index. */
const all: readonly Instruction[] = Object.freeze(
  [
    ...baseInstructions,
    ...mInstructions,
    ...aInstructions,
    ...zabhaInstructions,
    ...zacasInstructions,
    ...fInstructions,
    ...dInstructions,
    ...zfhInstructions,
    ...zfaInstructions,
    ...zicsrInstructions,
    ...zifenceiInstructions,
    ...zihintpauseInstructions,
    ...zawrsInstructions,
    ...zbaInstructions,
    ...zbbInstructions,
    ...zbsInstructions,
    ...zbcInstructions,
    ...zbkbInstructions,
    ...zbkxInstructions,
    ...zkneInstructions,
    ...zknhInstructions,
    ...zksedInstructions,
    ...zkshInstructions,
    ...zicondInstructions,
    ...zimopInstructions,
    ...hintInstructions,
    ...zicboInstructions,
    ...privilegedInstructions,
    ...hypervisorInstructions,
    ...vectorInstructions,
  ].map(withNumber),
);

function tableFor(xlen: Xlen) {
  const instructions = Object.freeze(all.filter((instruction) => (instruction.xlen ?? xlen) === xlen));
  return {
    instructions,
    byName: new Map(instructions.map((instruction) => [instruction.name, instruction])),
  };
}

const tables = { 32: tableFor(32), 64: tableFor(64) };

/** All 32-bit instructions of a width; one that is the same on both is the same object. */
export function instructionsFor(xlen: Xlen): readonly Instruction[] {
  return tables[xlen].instructions;
}

/** The instruction with a mnemonic, such as `amoadd.d`; undefined if the width has none. */
export function findInstruction(name: string, xlen: Xlen): Instruction | undefined {
  return tables[xlen].byName.get(name);
}

/** The instruction with a mnemonic; throws if there is none: for names written in the program. */
export function instructionNamed(name: string, xlen: Xlen = 64): Instruction {
  const found = findInstruction(name, xlen);
  if (found === undefined) throw new Error(`no instruction of RV${xlen} is named ${name}`);
  return found;
}
