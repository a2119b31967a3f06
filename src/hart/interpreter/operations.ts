import {
  compressedInstructionsFor,
  effectsOf,
  type Instruction,
  instructionsFor,
  type Xlen,
} from '../../isa/index.ts';
import { isCommon } from './common-operations.ts';
import { type AskedVariant, OperationTable } from './operation-table.ts';
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

/** The operations of the interpreter of one width, in the order of their numbers. */
export class OperationSet {
  readonly all: readonly Operation[];
  /** The first of them, which the dispatch loop has twice. */
  readonly common: readonly Operation[];
  readonly #xlen: Xlen;

  constructor(xlen: Xlen) {
    this.all = listOperations(xlen);
    this.common = this.all.filter(isCommon);
    this.#xlen = xlen;
  }

  /**
   * The operation of each instruction in each variant, for the harts that decode. With rd = x0 an instruction that does
   * more than write rd discards its result; one that does nothing else is a no-operation, and its operation is never
   * used.
   */
  table(): OperationTable {
    const instructions = instructionsFor(this.#xlen);
    const table = OperationTable.ofIds(Math.max(...instructions.map(({ id }) => id)) + 1);
    const variants = new Map(
      this.all.map((operation) => [keyOf(operation.instruction, operation), operation]),
    );
    const shared = this.all.find(({ instruction }) => instruction.vector !== undefined);
    for (const instruction of instructions) {
      for (const asked of VARIANTS) {
        const found = instruction.vector === undefined ? nearest(variants, instruction, asked) : shared;
        if (found !== undefined) table.set(instruction.id, asked, found);
      }
    }
    return table;
  }
}

const BOTH = [false, true];
const VARIANTS: readonly AskedVariant[] = BOTH.flatMap((near) =>
  BOTH.flatMap((discards) => ([2, 4] as const).map((length) => ({ length, near, discards }))),
);

function keyOf({ id }: Instruction, { length, near, discards }: AskedVariant): string {
  return `${id} ${length} ${near} ${discards}`;
}

/** An operation that is not there for near targets, or for a dropped result, is there without. */
function nearest(
  variants: ReadonlyMap<string, Operation>,
  instruction: Instruction,
  { length, near, discards }: AskedVariant,
): Operation | undefined {
  for (const candidateNear of near ? [true, false] : [false]) {
    for (const candidateDiscards of discards ? [true, false] : [false]) {
      const candidate = { length, near: candidateNear, discards: candidateDiscards };
      const found = variants.get(keyOf(instruction, candidate));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

const sets: Partial<Record<Xlen, OperationSet>> = {};

/** The operations of the interpreter of a width. */
export function operationsOf(xlen: Xlen): OperationSet {
  sets[xlen] ??= new OperationSet(xlen);
  return sets[xlen];
}
