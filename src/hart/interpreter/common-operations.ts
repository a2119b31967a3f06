import { effectsOf, type Instruction } from '../../isa/index.ts';
import type { Variant } from './slot-operands.ts';

const setOf = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/**
 * Mnemonics by the bytes of the encoding, the most frequent ones first. In a boot of Debian's kernel they are five of
 * six instructions that the interpreter carries out; each of the others is fewer than one of 120. With 56 of them,
 * which are 97 of 100, a boot took no less time, and the engine needs more for the larger function.
 */
const COMMON = {
  2: setOf('addi add ld sd slli beq jalr bne addiw'),
  4: setOf(
    'sd ld addi bne beq auipc slli lbu srli lw jalr or add sub bltu xor srliw andi bgeu slliw sltu and',
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
