import { effectsOf } from '../../isa/index.ts';
import type { Operation } from './operations.ts';

/**
 * Instructions by mnemonic and bytes, the most frequent ones first. In a boot of Debian's kernel they are 97 of 100
 * that the interpreter carries out; each of the others is fewer than one of 700.
 */
const COMMON: ReadonlySet<string> = new Set([
  ...[
    'addi/2',
    'add/2',
    'ld/2',
    'sd/2',
    'sd/4',
    'ld/4',
    'addi/4',
    'bne/4',
    'beq/4',
    'auipc/4',
    'slli/4',
    'lbu/4',
  ],
  ...[
    'slli/2',
    'srli/4',
    'lw/4',
    'beq/2',
    'jalr/4',
    'or/4',
    'add/4',
    'sub/4',
    'jalr/2',
    'bne/2',
    'bltu/4',
    'xor/4',
  ],
  ...[
    'srliw/4',
    'addiw/2',
    'andi/4',
    'bgeu/4',
    'slliw/4',
    'srli/2',
    'sltu/4',
    'and/4',
    'lw/2',
    'andi/2',
    'or/2',
  ],
  ...[
    'jal/2',
    'addw/4',
    'addiw/4',
    'sw/4',
    'xor/2',
    'sb/4',
    'lui/2',
    'sub/2',
    'mul/4',
    'subw/4',
    'blt/4',
    'lui/4',
  ],
  ...['bge/4', 'and/2', 'sw/2', 'xori/4', 'subw/2', 'addw/2', 'lhu/4', 'sh/4', 'srl/4'],
]);

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
}: Omit<Operation, 'number'>): boolean {
  if (!inline || !COMMON.has(`${instruction.name}/${length}`)) return false;
  const { control } = effectsOf(instruction);
  const mayBeNear = control === 'branch' || control === 'jump';
  const mayDiscard = length === 2 && (control === 'jump' || control === 'indirect');
  return near === mayBeNear && discards === mayDiscard;
}
