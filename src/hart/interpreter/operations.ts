import {
  compressedInstructionsFor,
  effectsOf,
  type Instruction,
  instructionsFor,
  type Xlen,
} from '../../isa/index.ts';
import { isCommon } from './common-operations.ts';
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

/** Identifies an operation: instruction, length, whether its target is near, and whether it keeps its result. */
function operationKey(instructionId: number, length: number, near: boolean, discards: boolean): number {
  return instructionId * 8 + (length === 2 ? 4 : 0) + (near ? 2 : 0) + (discards ? 1 : 0);
}

function listOperations(xlen: Xlen): readonly Operation[] {
  const compressed = new Set(compressedInstructionsFor(xlen).map(({ expandsTo }) => expandsTo));
  const operations: Omit<Operation, 'number'>[] = [];
  const firstVector = instructionsFor(xlen).find(({ vector }) => vector !== undefined);
  for (const instruction of instructionsFor(xlen)) {
    // They share the operation of the first of them, whose slots have the whole encoding.
    if (instruction.vector !== undefined && instruction !== firstVector) continue;
    const { control, pure, writesRd } = effectsOf(instruction);
    const inline = control !== 'system' && isInline(instruction);
    const lengths: readonly (2 | 4)[] = compressed.has(instruction) ? [4, 2] : [4];
    for (const length of lengths) {
      for (const near of control === 'branch' || control === 'jump' ? [true, false] : [false]) {
        for (const discards of writesRd && !pure && control !== 'system' ? [false, true] : [false]) {
          operations.push({
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
  // Small numbers make the tables small that lead to common operations only.
  return [...operations.filter(isCommon), ...operations.filter((operation) => !isCommon(operation))].map(
    (operation, index) => ({ ...operation, number: OPERATION.firstInstruction + index }),
  );
}

/** Jumps and branches (all of extension I) must be in the loop. */
function isInline(instruction: Instruction): boolean {
  return INLINE_EXTENSIONS.has(instruction.extension) || INLINE_NAMES.has(instruction.name);
}

/** Whether the dispatch loop may have to leave an operation to a function. */
export function mayCall({ inline, instruction }: Operation): boolean {
  return !inline || instruction.needsFloat || effectsOf(instruction).accessBytes !== 0;
}

/**
 * The operations of the interpreter of one width, in the order of their numbers.
 */
export class OperationSet {
  readonly all: readonly Operation[];
  /** The first of them, which the dispatch loop has twice. */
  readonly common: readonly Operation[];
  readonly #variants = new Map<number, Operation>();
  /** Findings of {@link find}, by keys; as long as it gets from the start, or the engine would make it a hash table. */
  readonly #found: (Operation | undefined)[];

  constructor(xlen: Xlen) {
    this.all = listOperations(xlen);
    this.common = this.all.filter(isCommon);
    const mostId = Math.max(...instructionsFor(xlen).map(({ id }) => id));
    this.#found = new Array<Operation | undefined>(operationKey(mostId + 1, 4, false, false)).fill(undefined);
    const shared = this.all.find(({ instruction }) => instruction.vector !== undefined);
    for (const { id, vector } of instructionsFor(xlen)) {
      if (vector !== undefined && shared !== undefined)
        this.#variants.set(operationKey(id, 4, false, false), shared);
    }
    for (const operation of this.all) {
      const { instruction, length, near, discards } = operation;
      this.#variants.set(operationKey(instruction.id, length, near, discards), operation);
    }
  }

  /**
   * The operation of an instruction in a variant. With rd = x0 an instruction that does more than write rd discards its
   * result; one that does nothing else is a no-operation, and its operation is never used.
   */
  find(instructionId: number, length: number, near: boolean, rdIsZero: boolean): Operation {
    const key = operationKey(instructionId, length, near, rdIsZero);
    return this.#found[key] ?? this.#search(key, instructionId, length, near, rdIsZero);
  }

  #search(key: number, instructionId: number, length: number, near: boolean, rdIsZero: boolean): Operation {
    for (const candidateNear of near ? [true, false] : [false]) {
      for (const discards of rdIsZero ? [true, false] : [false]) {
        const found = this.#variants.get(operationKey(instructionId, length, candidateNear, discards));
        if (found === undefined) continue;
        this.#found[key] = found;
        return found;
      }
    }
    throw new Error(`instruction ${instructionId} has no operation of length ${length}`);
  }
}

const sets: Partial<Record<Xlen, OperationSet>> = {};

/** The operations of the interpreter of a width. */
export function operationsOf(xlen: Xlen): OperationSet {
  sets[xlen] ??= new OperationSet(xlen);
  return sets[xlen];
}
