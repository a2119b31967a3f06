import { bySystem, type InstructionDefinition } from '../define.ts';
import type { Format } from '../formats.ts';
import type { VectorShape } from './shapes.ts';

const OP_V = 0x57;

/** funct3 of OP-V: what the operands are ("Vector Arithmetic Instruction encoding"). */
export const CATEGORY = { ivv: 0, fvv: 1, mvv: 2, ivi: 3, ivx: 4, fvf: 5, mvx: 6, configuration: 7 } as const;
export type Category = keyof typeof CATEGORY;

/** The places of vs2, vs1 and vm, for what encodings fix there. */
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

/** An instruction of OP-V. @param fixed what the encoding fixes besides funct6 and the category */
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
