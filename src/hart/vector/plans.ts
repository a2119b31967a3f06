/**
 * How generated code finds the kernel of an instruction under a vtype: a table in the hart block whose sets have two
 * entries. Encoding and vtype tell the set; the entry that was noted last is the first of it.
 */
import { type FunctionBuilder, type I32, i32, type Local } from '../../wasm/index.ts';
import { FIELD, VECTOR_PLAN, VECTOR_PLANS } from '../layout.ts';

const SET_BYTES = 2 * VECTOR_PLAN.bytes;
const MASK = (VECTOR_PLANS / 2 - 1) * SET_BYTES;
/** Spreads all bits of a number over the upper ones of the product (Knuth's multiplicative hashing). */
const SPREAD = 0x9e37_79b1 | 0;
const SHIFT = 32 - Math.log2(VECTOR_PLANS * VECTOR_PLAN.bytes);

/** Where an entry has its parts, from the hart block on. */
const PLAN = {
  bits: FIELD.vectorPlans + VECTOR_PLAN.at.bits,
  vtype: FIELD.vectorPlans + VECTOR_PLAN.at.vtype,
  element: FIELD.vectorPlans + VECTOR_PLAN.at.element,
} as const;

/** Forgets all. @param words the hart block */
export function forgetPlans(words: Int32Array): void {
  const start = FIELD.vectorPlans >> 2;
  words.fill(0, start, start + (VECTOR_PLANS * VECTOR_PLAN.bytes) / 4);
}

/** Notes the place of a kernel in the table of functions; {@link findPlan} finds it. */
export function notePlan(words: Int32Array, bits: number, vtype: number, element: number): void {
  const first = (FIELD.vectorPlans + ((Math.imul(bits ^ vtype, SPREAD) >>> SHIFT) & MASK)) >> 2;
  words.copyWithin(first + VECTOR_PLAN.bytes / 4, first, first + VECTOR_PLAN.bytes / 4);
  words[first + (VECTOR_PLAN.at.bits >> 2)] = bits;
  words[first + (VECTOR_PLAN.at.vtype >> 2)] = vtype;
  words[first + (VECTOR_PLAN.at.element >> 2)] = element;
}

/** Runs `found` with the place of the kernel in the table of functions, if it is known. */
export function findPlan(
  f: FunctionBuilder,
  [hart, bits, vtype]: readonly [hart: Local<'i32'>, bits: Local<'i32'>, vtype: Local<'i32'>],
  found: (element: I32) => void,
): void {
  const product = i32.mul(i32.xor(bits, vtype), i32.const(SPREAD));
  const set = i32.and(i32.shr_u(product, i32.const(SHIFT)), i32.const(MASK));
  const plan = f.let(i32.add(hart, set));
  const isOther = (): I32 => {
    const otherBits = i32.ne(i32.load(plan, PLAN.bits), bits);
    return i32.or(otherBits, i32.ne(i32.load(plan, PLAN.vtype), vtype));
  };
  f.if(isOther(), () => f.set(plan, i32.add(plan, i32.const(VECTOR_PLAN.bytes))));
  f.if(i32.eqz(isOther()), () => found(i32.load(plan, PLAN.element)));
}
