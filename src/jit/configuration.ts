import { type Decoded, isSupportedVtype, lmulOf, sewOf } from '../isa/index.ts';

/** The effect of vsetvli or vsetivli, as far as its encoding says it. */
export interface Configuration {
  readonly vtype: number;
  /** VLMAX is eight times VLEN in bytes, shifted to the right by that. */
  readonly shift: number;
  /** AVL; undefined if it is in rs1. */
  readonly avl: number | undefined;
}

/** Log2 of the largest LMUL. */
const LARGEST = 3;
/** More than any VLMAX. */
const ALL = -1;

/** @returns undefined where it is left to the kernel: a vtype from a register or a reserved one, and keeping vl */
export function configurationOf({ instruction, imm, bits, rs1, rd }: Decoded): Configuration | undefined {
  const { vector } = instruction;
  if (vector?.kind !== 'configuration' || vector.type !== 'i' || !isSupportedVtype(imm)) return undefined;
  const setting = { vtype: imm, shift: LARGEST - lmulOf(imm) + sewOf(imm) };
  if (vector.avl === 'i') return { ...setting, avl: (bits >>> 15) & 31 };
  if (rs1 !== 0) return { ...setting, avl: undefined };
  return rd === 0 ? undefined : { ...setting, avl: ALL };
}
