import { type Format, SHIFT, SHIFT_WORD } from './formats.ts';
import type { Extension, Instruction, Xlen } from './instruction.ts';
import type { SemanticsOf } from './semantics.ts';

/** Properties that only some instructions have. */
type Particular = 'alsoIn' | 'alsoNeeds' | 'xlen' | 'vector';

/** An instruction before the table gives it its number. */
export type InstructionDefinition = Omit<Instruction, 'id' | Particular> &
  Partial<Pick<Instruction, Particular>>;

/** The common properties of the instructions of one group. */
export interface Requirements {
  readonly extension: Extension;
  readonly alsoIn?: Extension;
  readonly alsoNeeds?: Extension;
  readonly xlen?: Xlen;
  readonly needsFloat?: boolean;
}

/** Defines one instruction of a group: `match` is the encoding with all operands 0. */
export type Define = (
  name: string,
  format: Format,
  match: number,
  semantics: SemanticsOf,
  mask?: number,
) => InstructionDefinition;

/** A function that defines instructions with the same requirements; `mask` is the format's unless given. */
export function instructionsOf(requirements: Requirements): Define {
  const { needsFloat = false, ...rest } = requirements;
  return (name, format, match, semantics, mask = format.mask) => ({
    ...rest,
    name,
    format,
    match: match >>> 0,
    mask: mask >>> 0,
    needsFloat,
    semantics,
  });
}

type Encodings = Readonly<Record<Xlen, readonly [format: Format, match: number]>>;

/** Defines an instruction whose encoding depends on the width, and its meaning does not. */
export function encodedByWidth(
  requirements: Omit<Requirements, 'xlen'>,
): (name: string, encodings: Encodings, semantics: SemanticsOf) => InstructionDefinition[] {
  const define = {
    32: instructionsOf({ ...requirements, xlen: 32 }),
    64: instructionsOf({ ...requirements, xlen: 64 }),
  };
  return (name, encodings, semantics) =>
    ([32, 64] as const).map((xlen) => define[xlen](name, ...encodings[xlen], semantics));
}

/** Defines an instruction with the number of a bit: 5 bits of the encoding for RV32, 6 for RV64. */
export function shiftsOf(
  requirements: Omit<Requirements, 'xlen'>,
): (name: string, match: number, semantics: SemanticsOf) => InstructionDefinition[] {
  const define = encodedByWidth(requirements);
  return (name, match, semantics) => define(name, { 32: [SHIFT_WORD, match], 64: [SHIFT, match] }, semantics);
}

/** The hart carries the instruction out itself. */
export const bySystem: SemanticsOf = ({ system }) => system();
