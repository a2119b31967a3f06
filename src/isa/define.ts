import type { Format } from './formats.ts';
import type { Extension, Instruction } from './instruction.ts';
import type { SemanticsOf } from './semantics.ts';

/** An instruction before the table gives it its number. */
export type InstructionDefinition = Omit<Instruction, 'id'>;

/** What the instructions of one group have in common. */
export interface Requirements {
  readonly extension: Extension;
  readonly alsoNeeds?: Extension;
  readonly xlen?: 32 | 64;
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

/** The hart carries the instruction out itself. */
export const bySystem: SemanticsOf = ({ system }) => system();
