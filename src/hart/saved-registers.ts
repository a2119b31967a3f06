import { array, halves, i32, struct, u8 } from '../layout/struct.ts';
import { CSRS, FIELD, HART, type HartField, MOST_VLENB } from './layout.ts';
import type { Pmp } from './mmu/index.ts';
import type { Privileged } from './privileged/index.ts';
import type { HartState } from './state.ts';

/**
 * All that software can see of a hart between two instructions. All else that a hart has (translations, decoded and
 * compiled code, a reservation, which any hart may lose at any time) is made anew, and no address of the host's memory
 * is among them.
 */
export const SAVED_HART = struct({
  x: array(halves, 32),
  f: array(halves, 32),
  pc: halves,
  /** Instructions retired; the counters are kept relative to it. */
  instret: halves,
  fflags: i32,
  frm: i32,
  floatDirty: i32,
  privilege: i32,
  virtual: i32,
  csr: CSRS,
  protection: HART.fields.protection,
  vlenb: i32,
  vstart: i32,
  vl: i32,
  vtype: i32,
  vxrm: i32,
  vxsat: i32,
  v: array(u8, 32 * MOST_VLENB),
});

/** {@link SAVED_HART} as plain bytes. */
export type HartRegisters = Uint8Array<ArrayBuffer>;

/** Fields that are copied as they are, by names that both layouts have. */
const COPIED = [
  ...(['x', 'f', 'pc', 'instret', 'fflags', 'frm', 'floatDirty', 'privilege', 'virtual'] as const),
  ...(['csr', 'protection'] as const),
  ...(['vlenb', 'vstart', 'vl', 'vtype', 'vxrm', 'vxsat', 'v'] as const),
] as const satisfies readonly HartField[];

/** Copies the registers of a hart that stands still, from any thread. @param area of the hart in linear memory */
export function copyRegisters({ buffer }: { readonly buffer: ArrayBuffer }, area: number): HartRegisters {
  const saved = new Uint8Array(SAVED_HART.bytes);
  const block = new Uint8Array(buffer, area, HART.bytes);
  for (const name of COPIED) {
    const from = FIELD[name];
    saved.set(block.subarray(from, from + SAVED_HART.sizes[name]), SAVED_HART.at[name]);
  }
  return saved;
}

/**
 * Puts saved registers into a hart that was reset.
 *
 * @throws RangeError for a privilege that there is not
 */
export function loadRegisters(
  saved: HartRegisters,
  {
    state,
    pmp,
    privileged,
  }: { readonly state: HartState; readonly pmp: Pmp; readonly privileged: Privileged },
): void {
  if (saved.length !== SAVED_HART.bytes)
    throw new RangeError(`${saved.length} bytes are no registers of a hart`);
  const block = new Uint8Array(state.memory.buffer, state.base, HART.bytes);
  for (const name of COPIED) {
    const from = SAVED_HART.at[name];
    block.set(saved.subarray(from, from + SAVED_HART.sizes[name]), FIELD[name]);
  }
  const { privilege, virtual } = state;
  const exists = [0, 1, 3].includes(privilege) && (virtual === 0 || (virtual === 1 && privilege < 2));
  if (!exists) throw new RangeError(`a hart has no privilege ${privilege} with V=${virtual}`);
  state.x.fill(0, 0, 2);
  pmp.changed();
  privileged.enterMode(privilege, virtual);
}
