import { effectsOf, type Instruction, instructionsFor } from '../../isa/index.ts';
import { hasSmallImmediate } from './slots.ts';

/** Contents of C of a slot: see `SLOT`. */
export const SLOT_CONTENT = { registers: 0, immediate: 1, csr: 2, encoding: 3 } as const;

/** How the slots of an instruction are filled. */
export interface SlotShape {
  readonly hasRd: boolean;
  /** One of {@link SLOT_CONTENT}. */
  readonly content: number;
  /** With rd = x0 it does nothing. */
  readonly pure: boolean;
  /** Its slot depends on where it is in its page: branches and direct jumps. */
  readonly placed: boolean;
  /** Execution does not go on behind it, so that decoding ahead would be in vain. */
  readonly endsRun: boolean;
}

const ENDS_RUN: ReadonlySet<string> = new Set(['jal', 'jalr', 'mret', 'sret', 'ecall', 'ebreak']);

const ids = [...instructionsFor(32), ...instructionsFor(64)].map(({ id }) => id);
/** By the numbers of instructions; as long as it gets, or the engine would make it a hash table. */
const known = new Array<SlotShape | undefined>(Math.max(...ids) + 1).fill(undefined);

/** The shape of an instruction's slots. */
export function slotShape(instruction: Instruction): SlotShape {
  const found = known[instruction.id];
  if (found !== undefined) return found;
  const { control, pure } = effectsOf(instruction);
  const shape: SlotShape = {
    hasRd: instruction.format.fields.has('rd'),
    content: contentOf(instruction),
    pure,
    placed: control === 'branch' || control === 'jump',
    endsRun: ENDS_RUN.has(instruction.name),
  };
  known[instruction.id] = shape;
  return shape;
}

function contentOf({ format, vector }: Instruction): number {
  if (vector !== undefined) return SLOT_CONTENT.encoding;
  if (format.fields.has('csr')) return SLOT_CONTENT.csr;
  const hasImmediate = format.fields.has('imm') && !hasSmallImmediate(format);
  return hasImmediate ? SLOT_CONTENT.immediate : SLOT_CONTENT.registers;
}
