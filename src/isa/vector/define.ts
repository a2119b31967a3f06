import { bySystem, type InstructionDefinition } from '../define.ts';
import type { Format } from '../formats.ts';
import type { Extension } from '../instruction.ts';
import type { GroupsShape, VectorShape } from './shapes.ts';

const OP_V = 0x57;

/** funct3 of OP-V: kinds of operands ("Vector Arithmetic Instruction encoding"). */
const CATEGORY = { ivv: 0, fvv: 1, mvv: 2, ivi: 3, ivx: 4, fvf: 5, mvx: 6, configuration: 7 } as const;
export type Category = keyof typeof CATEGORY;

/** The places of vs2, vs1 and vm, for numbers that encodings fix there. */
export const vs2Is = (value: number): number => value << 20;
export const vs1Is = (value: number): number => value << 15;
export const UNMASKED = 1 << 25;

/** A vector instruction by its whole encoding. */
export function vector(
  name: string,
  format: Format,
  match: number,
  shape: VectorShape,
): InstructionDefinition {
  return {
    name,
    format,
    match: match >>> 0,
    mask: format.mask,
    extension: 'v',
    xlen: 64,
    needsFloat: false,
    vector: shape,
    semantics: bySystem,
  };
}

const OP_VE = 0x77;

/**
 * An instruction on element groups, which are all in OP-VE and without a mask. @param vs1 the number that is fixed
 * there
 */
export function onGroups(
  [name, extension, format, funct6]: readonly [name: string, Extension, Format, funct6: number],
  shape: GroupsShape,
  vs1 = 0,
): InstructionDefinition {
  const match = (funct6 << 26) | UNMASKED | vs1Is(vs1) | (CATEGORY.mvv << 12) | OP_VE;
  return { ...vector(name, format, match, shape), extension };
}

/** An instruction of OP-V. @param fixed fields that the encoding fixes besides funct6 and the category */
export function operation(
  name: string,
  format: Format,
  category: Category,
  funct6: number,
  shape: VectorShape,
  fixed = 0,
): InstructionDefinition {
  return vector(name, format, (funct6 << 26) | fixed | (CATEGORY[category] << 12) | OP_V, shape);
}
