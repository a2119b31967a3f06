import { tlbOffset } from '../codegen/index.ts';
import {
  ConstHole,
  type Expr,
  type FunctionBuilder,
  type I32,
  type I64,
  i32,
  i64,
  Local,
  labelHole,
} from '../wasm/index.ts';
import { FRAME, HOLE } from './frame-locals.ts';
import type { HartLayout } from './hart-layout.ts';

/** The range that is checked: a number of bytes from an address on. */
export interface Probed {
  readonly address: I64;
  readonly stores: boolean;
  /** Constants: bytes less one, and their alignment less one; `mask` has the bits of the page number, too. */
  readonly last: I64;
  readonly aligned: I64;
  readonly mask: I64;
  /** They are more than their alignment, so that they may end in the next page. */
  readonly isLong: boolean;
  /** The instruction is outside of the page of the entry. */
  readonly far: boolean;
  /** Wanted is the distance of linear memory from virtual addresses of the page. */
  readonly addendOnly: boolean;
  /** The distance is taken to be the last one until it has been read. */
  readonly guessed: boolean;
}

/**
 * Sets `host` to the address in linear memory of bytes at a virtual address, if the TLB knows their page and they are
 * aligned. The tag of another page or context differs, as does that of a misaligned address, whose low bits are kept,
 * and that of a span that ends in the next page. Else leaves the region: no call is made, which the engine would have
 * to keep registers for.
 */
export function probe(f: FunctionBuilder, { tlb }: HartLayout, host: Local<'i32'>, probed: Probed): void {
  const { address, stores, last, aligned, mask, isLong, far } = probed;
  const table = stores ? tlb.stores : tlb.loads;
  const virtual = address instanceof Local ? address : f.let(address);
  const entry = f.let(i32.add(tlbOffset(tlb, virtual), FRAME.tlb));
  const key = stores ? FRAME.storeKey : FRAME.loadKey;
  const page: Expr<'i64'> = isLong
    ? i64.or(i64.and(i64.add(virtual, last), i64.const(-4096)), i64.and(virtual, aligned))
    : i64.and(virtual, mask);
  // V8 reads an operand of a comparison twice, once for nothing; that of a subtraction is read once.
  resumeIf(f, i64.ne(i64.sub(i64.load(entry, table), page), key), far);
  const addend = i32.load(entry, table + 8);
  if (probed.guessed) {
    // The processor goes on with the access before it knows the entry: a branch is predicted, a load is waited for.
    const known = f.let(addend);
    f.ifUnlikely(i32.ne(known, FRAME.addend), () => f.set(FRAME.addend, known));
  }
  const distance = probed.guessed ? FRAME.addend : addend;
  f.set(host, probed.addendOnly ? distance : i32.add(i32.wrap_i64(virtual), distance));
}

/** Leaves, if a condition holds, before an instruction that the interpreter must carry out. */
export function resumeIf(f: FunctionBuilder, condition: I32, far: boolean): void {
  const where = far ? new ConstHole('i64', HOLE.where, 'wide') : new ConstHole('i32', HOLE.where);
  f.brIfWith(labelHole(HOLE.label), where, condition);
}
