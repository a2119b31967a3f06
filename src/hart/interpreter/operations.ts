import { compressedInstructionsFor, effectsOf, type Instruction, instructionsFor } from '../../isa/index.ts';
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
  compressedInstructionsFor(64).map(({ expandsTo }) => expandsTo),
);

/** Identifies an operation: instruction, length, whether its target is near, and whether it keeps its result. */
function operationKey(instructionId: number, length: number, near: boolean, discards: boolean): number {
  return instructionId * 8 + (length === 2 ? 4 : 0) + (near ? 2 : 0) + (discards ? 1 : 0);
}

function listOperations(): readonly Operation[] {
  const operations: Operation[] = [];
  for (const instruction of instructionsFor(64)) {
    const { control, pure, writesRd } = effectsOf(instruction);
    const inline = control !== 'system' && isInline(instruction);
    const lengths: readonly (2 | 4)[] = COMPRESSED.has(instruction) ? [4, 2] : [4];
    for (const length of lengths) {
      for (const near of control === 'branch' || control === 'jump' ? [true, false] : [false]) {
        for (const discards of writesRd && !pure && control !== 'system' ? [false, true] : [false]) {
          operations.push({
            number: OPERATION.firstInstruction + operations.length,
            instruction,
            format: instruction.format,
            length,
            near,
            discards,
            inline,
          });
        }
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
    operationKey(operation.instruction.id, operation.length, operation.near, operation.discards),
    operation,
  ]),
);

/**
 * The operation of an instruction in a variant. With rd = x0 an instruction that does more than write rd discards its
 * result; one that does nothing else is a no-operation, and its operation is never used.
 */
export function operationFor(
  instructionId: number,
  length: number,
  near: boolean,
  rdIsZero: boolean,
): Operation {
  for (const candidateNear of near ? [true, false] : [false]) {
    for (const discards of rdIsZero ? [true, false] : [false]) {
      const found = BY_KEY.get(operationKey(instructionId, length, candidateNear, discards));
      if (found !== undefined) return found;
    }
  }
  throw new Error(`instruction ${instructionId} has no operation of length ${length}`);
}
