/** How generated code looks into the software TLB. */
import { tlbOffset } from '../../codegen/index.ts';
import type { Xlen } from '../../isa/index.ts';
import { type FunctionBuilder, type I32, type I64, i32, i64, type Local, select } from '../../wasm/index.ts';
import { FIELD, SUPERPAGE_BITS, TLB, TLB_ENTRY } from '../layout.ts';

const PAGE = 4096;

/** The bits of an address within a page. */
export const PAGE_OFFSET = PAGE - 1;

/** Where an entry has its target, behind its tag. */
export const DATUM = TLB_ENTRY.at.datum;

/** Bytes of half a map of superpages. */
const HALF_MAP = SUPERPAGE_BITS / 16;

/** Where the numbers of the superpages of the two maps begin in an address: those of 2 MiB, or 4 MiB on RV32. */
export function megaShift(xlen: Xlen): number {
  return xlen === 64 ? 21 : 22;
}

export const GIGA_SHIFT = 30;

/** The number of the superpage of an address, whose lowest bits say which bit of a word of a map it has. */
export function superpageNumber(address: Local<'i64'>, shift: number): I32 {
  return i32.wrap_i64(i64.shr_u(address, i64.const(shift)));
}

/** Where that word is in a map: for addresses of programs in its first half, for those of kernels in the other. */
export function superpageWord(address: Local<'i64'>, shift: number): I32 {
  const within = HALF_MAP - Int32Array.BYTES_PER_ELEMENT;
  const low = i32.and(i32.shr_u(superpageNumber(address, shift), i32.const(3)), i32.const(within));
  return i32.or(low, i32.and(i32.wrap_i64(i64.shr_s(address, i64.const(63))), i32.const(HALF_MAP)));
}

/** Address of the entry for the page of a guest-virtual address; add the offset of a table. */
export function tlbEntry(hart: Local<'i32'>, address: Local<'i64'>): I32 {
  return i32.add(tlbOffset(TLB, address), i32.load(hart, FIELD.tlb));
}

/** The fields of the hart block that have keys. */
type TlbKey = 'loadKey' | 'storeKey' | 'fetchKey';

/** The tag of an entry for the page of an address. */
export function tlbTag(hart: Local<'i32'>, address: Local<'i64'>, key: TlbKey): I64 {
  return i64.or(i64.and(address, i64.const(-PAGE)), i64.load(hart, FIELD[key]));
}

/**
 * Looks for the page of an address in the table of loads, or in that of stores, which lies behind it and has the same
 * key.
 *
 * @param access 0 for a load, 1 for a store
 * @returns the address in linear memory; 0 if the page is not there
 */
export function hostInTlb(f: FunctionBuilder, hart: Local<'i32'>, address: Local<'i64'>, access: I32): I32 {
  const table = i32.mul(access, i32.const(TLB.stores - TLB.loads));
  const entry = f.let(i32.add(tlbEntry(hart, address), table));
  const isThere = i64.eq(i64.load(entry, TLB.loads), tlbTag(hart, address, 'loadKey'));
  const host = i32.add(i32.wrap_i64(address), i32.load(entry, TLB.loads + DATUM));
  return select(isThere, host, i32.const(0));
}
