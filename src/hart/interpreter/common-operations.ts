import { effectsOf, type Instruction } from '../../isa/index.ts';
import type { Variant } from './slot-operands.ts';

const setOf = (...lines: readonly string[]): ReadonlySet<string> =>
  new Set(lines.flatMap((line) => line.split(' ')));

/**
 * Mnemonics by the bytes of the encoding, the most frequent ones first. In a boot of Debian's kernel they are 97 of 100
 * instructions that the interpreter carries out; each of the others is fewer than one of 700.
 */
const COMMON = {
  2: setOf('addi add ld sd slli beq jalr bne addiw srli lw andi or jal xor lui sub and sw subw addw'),
  4: setOf(
    'sd ld addi bne beq auipc slli lbu srli lw jalr or add sub bltu xor srliw andi bgeu slliw sltu and',
    'addw addiw sw sb mul subw blt lui bge xori lhu sh srl',
  ),
} as const;

/**
 * Whether the dispatch loop has an operation twice. Of jumps and branches these are the ones within a page, and of
 * compressed jumps the ones that keep no return address.
 */
export function isCommon({
  instruction,
  inline,
  length,
  near,
  discards,
}: Variant & { readonly instruction: Instruction; readonly inline: boolean }): boolean {
  if (!inline || !COMMON[length].has(instruction.name)) return false;
  const { control } = effectsOf(instruction);
  const mayBeNear = control === 'branch' || control === 'jump';
  const mayDiscard = length === 2 && (control === 'jump' || control === 'indirect');
  return near === mayBeNear && discards === mayDiscard;
}
