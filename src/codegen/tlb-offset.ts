import { type I32, i32, type Local } from '../wasm/index.ts';

/** The shape of a table of the software TLB. */
export interface TlbTable {
  /** A power of two. */
  readonly entries: number;
  /** A power of two. */
  readonly entryBytes: number;
}

const PAGE_BITS = 12;

/** Offset in bytes, within a table, of the entry for the page of a guest-virtual address. */
export function tlbOffset({ entries, entryBytes }: TlbTable, virtual: Local<'i64'>): I32 {
  return i32.and(
    i32.shr_u(i32.wrap_i64(virtual), i32.const(PAGE_BITS - Math.log2(entryBytes))),
    i32.const((entries - 1) * entryBytes),
  );
}
