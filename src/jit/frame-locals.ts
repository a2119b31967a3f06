import type { Xlen } from '../isa/index.ts';
import {
  ConstHole,
  type FunctionBuilder,
  type I64,
  i64,
  Local,
  localHole,
  type ValType,
} from '../wasm/index.ts';

/** Locals that every region has, at the same indexes, so that recorded code can name them. */
export const FRAME = {
  hart: new Local('i32', 0),
  /** Guest-virtual address of the page of the entry. */
  page: new Local('i64', 1),
  loadKey: new Local('i64', 2),
  storeKey: new Local('i64', 3),
  /** Address of exit. */
  target: new Local('i64', 4),
  tlb: new Local('i32', 5),
  budget: new Local('i32', 6),
  exit: new Local('i32', 7),
  /** Distance of the slot of exit from the first one of the page. */
  slot: new Local('i32', 8),
  /** Set in regions that use floating point: see QuickConditions. */
  inexact: new Local('i32', 9),
  inexactNearest: new Local('i32', 10),
  /** Where a register that a loop moves points to in linear memory. */
  moved: new Local('i32', 11),
  /** Distance of linear memory from guest-virtual addresses, as it was where that was last guessed. */
  addend: new Local('i32', 12),
} as const;

/** Types of the locals above, without the parameter. */
export const FRAME_TYPES: readonly ValType[] = Object.values(FRAME)
  .filter((local) => local !== FRAME.hart)
  .map(({ type }) => type);

/** Numbers of the holes of recorded code. */
export const HOLE = {
  /** Indexes of locals. */
  rs1: 0,
  rs2: 1,
  rs3: 2,
  rd: 3,
  /** Local with the address in linear memory of the lowest access of a group. */
  host: 4,
  /** Constants. */
  imm: 5,
  pc: 6,
  nextPc: 7,
  span: 8,
  alignment: 9,
  /** The place that an exit hands over: two numbers, of which exits within the page use one. */
  where: 10,
  kind: 12,
  /** An offset of an access. */
  offset: 13,
  /** Distance of the label of an exit. */
  label: 14,
} as const;

/** An address at an offset from the page of the entry, which a slot has; 0 if `isZero`. */
export function addressHole(slot: number, isZero: boolean): I64 {
  return isZero ? FRAME.page : i64.add(FRAME.page, new ConstHole('i64', slot));
}

/** The type of the local of an integer register. */
export function registerType(xlen: Xlen): 'i32' | 'i64' {
  return xlen === 64 ? 'i64' : 'i32';
}

/** An integer register that a slot has, as hart blocks have it; x0 if `isZero`. */
export function registerHole(xlen: Xlen, slot: number, isZero = false): I64 {
  if (isZero) return i64.const(0);
  return xlen === 64 ? localHole('i64', slot) : i64.extend_i32_s(localHole('i32', slot));
}

/** Sets an integer register that a slot has to a value as hart blocks have it. */
export function setRegister(f: FunctionBuilder, xlen: Xlen, slot: number, value: I64): void {
  if (xlen === 64) f.set(localHole('i64', slot), value);
  else f.set(localHole('i32', slot), value.narrowed());
}
