/** How generated code finds the kernel of an instruction under a vtype: a direct-mapped table in the hart block. */
import { type I32, i32, type Local } from '../../wasm/index.ts';
import { FIELD, VECTOR_PLAN, VECTOR_PLANS } from '../layout.ts';

const MASK = (VECTOR_PLANS - 1) * VECTOR_PLAN.bytes;
/** Spreads all bits of a number over the upper ones of the product (Knuth's multiplicative hashing). */
const SPREAD = 0x9e37_79b1 | 0;
const SHIFT = 32 - Math.log2(VECTOR_PLANS * VECTOR_PLAN.bytes);

/** Offset of an entry within the table; {@link planAddress} computes the same. */
export function planOffset(bits: number, vtype: number): number {
  return (Math.imul(bits ^ vtype, SPREAD) >>> SHIFT) & MASK;
}

/** Address of the entry, less that of the table in the hart block. */
export function planAddress(hart: Local<'i32'>, bits: Local<'i32'>, vtype: Local<'i32'>): I32 {
  const product = i32.mul(i32.xor(bits, vtype), i32.const(SPREAD));
  return i32.add(hart, i32.and(i32.shr_u(product, i32.const(SHIFT)), i32.const(MASK)));
}

/** Where an entry has its parts, from the hart block on. */
export const PLAN = {
  bits: FIELD.vectorPlans + VECTOR_PLAN.at.bits,
  vtype: FIELD.vectorPlans + VECTOR_PLAN.at.vtype,
  element: FIELD.vectorPlans + VECTOR_PLAN.at.element,
} as const;
