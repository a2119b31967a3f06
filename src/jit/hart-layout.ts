import type { TlbTable } from '../codegen/index.ts';

/**
 * The layout of a hart in linear memory for compiled code: offsets in bytes from the hart block, and the TLB. The hart
 * declares them (its `FIELD` and `TLB`) and hands them in, so that they are declared once.
 */
export interface HartLayout {
  readonly field: {
    readonly x: number;
    readonly f: number;
    readonly slot: number;
    readonly pageSlots: number;
    readonly pageAddress: number;
    readonly pc: number;
    readonly jumpSite: number;
    readonly budget: number;
    readonly pauses: number;
    readonly loadKey: number;
    readonly storeKey: number;
    readonly tlb: number;
    readonly fflags: number;
    readonly frm: number;
    readonly floatOff: number;
    readonly floatDirty: number;
    readonly virtual: number;
    readonly vl: number;
    readonly vtype: number;
    readonly vstart: number;
    readonly vlenb: number;
    readonly reservation: number;
    readonly reservationWidth: number;
    readonly reservationValue: number;
  };
  readonly tlb: TlbTable & {
    readonly loads: number;
    readonly stores: number;
  };
  /** Offsets of the low halves of both CSRs, and the bits that are 1 where vectors are Dirty. */
  readonly vectors: { readonly mstatus: number; readonly vsstatus: number; readonly dirty: number };
  /** Bytes of decoded slots for one byte of guest code. */
  readonly slotScale: number;
}
