import { compressedInstructions, effectsOf, type Instruction, instructions } from '../../isa/index.ts';
import type { Variant } from './slot-operands.ts';
import { OPERATION } from './slots.ts';

/** One operation of the interpreter: an instruction in one variant. */
export interface Operation extends Variant {
  readonly number: number;
  readonly instruction: Instruction;
  /** Generated into the dispatch loop; the others are functions of their own, to keep the loop small. */
  readonly inline: boolean;
}

/** Extensions and instructions whose operations stand in the dispatch loop. */
const INLINE_EXTENSIONS: ReadonlySet<string> = new Set(['i']);
const INLINE_NAMES: ReadonlySet<string> = new Set([
  'mul',
  'mulw',
  'fld',
  'fsd',
  'zext.h',
  'add.uw',
  'sh1add',
  'sh2add',
  'sh3add',
]);

/** Instructions that a compressed encoding expands to. */
const COMPRESSED: ReadonlySet<Instruction> = new Set(
  compressedInstructions.map(({ expandsTo }) => expandsTo),
);

/** Identifies an operation: instruction, length and whether its target is near. */
export function operationKey(instructionId: number, length: number, near: boolean): number {
  return instructionId * 4 + (length === 2 ? 2 : 0) + (near ? 1 : 0);
}

function listOperations(): readonly Operation[] {
  const operations: Operation[] = [];
  for (const instruction of instructions) {
    const { control, pure } = effectsOf(instruction);
    const lengths: readonly (2 | 4)[] = COMPRESSED.has(instruction) ? [4, 2] : [4];
    for (const length of lengths) {
      for (const near of control === 'branch' || control === 'jump' ? [true, false] : [false]) {
        operations.push({
          number: OPERATION.firstInstruction + operations.length,
          instruction,
          format: instruction.format,
          length,
          near,
          pure,
          inline: control !== 'system' && isInline(instruction),
        });
      }
    }
  }
  return operations;
}

/** Jumps and branches (all of extension I) must be in the loop. */
function isInline(instruction: Instruction): boolean {
  return INLINE_EXTENSIONS.has(instruction.extension) || INLINE_NAMES.has(instruction.name);
}

/** Every operation of the interpreter, in the order of their numbers. */
export const OPERATIONS: readonly Operation[] = listOperations();

const BY_KEY: ReadonlyMap<number, Operation> = new Map(
  OPERATIONS.map((operation) => [
    operationKey(operation.instruction.id, operation.length, operation.near),
    operation,
  ]),
);

/** The operation of an instruction in a variant. Every instruction has a 4-byte, far one. */
export function operationFor(instructionId: number, length: number, near: boolean): Operation {
  const found =
    BY_KEY.get(operationKey(instructionId, length, near)) ??
    BY_KEY.get(operationKey(instructionId, length, false));
  if (found === undefined)
    throw new Error(`instruction ${instructionId} has no operation of length ${length}`);
  return found;
}
