/** Parts of generated code that change the mode: the common parts of traps and returns from them. */
import { type FunctionBuilder, type I32, type I64, i32, i64, type Local } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import { csrAddress, STATUS } from './privileged-fields.ts';
import { SLOT_SCALE } from './slots.ts';

/** The result of a function that has not done anything. */
export const NOT_DONE = -1;

const MSTATUS = csrAddress('mstatus');

/** The TLB keys of a mode. */
export interface ModeKeys {
  readonly data: Local<'i32'>;
  readonly fetch: Local<'i32'>;
}

/** The address of the current instruction, when the slot is in the hart block. */
export function savedPc(hart: Local<'i32'>): I64 {
  const distance = i32.sub(i32.load(hart, FIELD.slot), i32.load(hart, FIELD.pageSlots));
  const offset = i32.shr_u(distance, i32.const(Math.log2(SLOT_SCALE)));
  return i64.add(i64.load(hart, FIELD.pageAddress), i64.extend_i32_u(offset));
}

/** Declines cases that the function is not made for. */
export function giveUpIf(f: FunctionBuilder, condition: I32): void {
  f.if(condition, () => f.return(i32.const(NOT_DONE)));
}

/** The TLB keys of a context of the current address space; gives up where they are not known or MXR is set. */
export function keysOf(
  f: FunctionBuilder,
  hart: Local<'i32'>,
  status: Local<'i32'>,
  privilege: Local<'i32'>,
): ModeKeys {
  const anyMxr = i32.and(i32.or(status, i32.load(hart, MSTATUS)), i32.const(STATUS.mxr));
  giveUpIf(f, anyMxr);
  const sum = i32.and(i32.shr_u(status, i32.const(Math.log2(STATUS.sum))), i32.const(1));
  const context = i32.or(privilege, i32.shl(sum, i32.const(1)));
  const data = f.let(i32.load(i32.add(hart, i32.shl(context, i32.const(2))), FIELD.dataKeys));
  const fetch = f.let(i32.load(i32.add(hart, i32.shl(privilege, i32.const(2))), FIELD.fetchKeys));
  giveUpIf(f, i32.or(i32.eqz(data), i32.eqz(fetch)));
  return { data, fetch };
}

/** Changes privilege within the same V, as `setMode` does. */
export function enterMode(f: FunctionBuilder, hart: Local<'i32'>, privilege: I32, keys: ModeKeys): void {
  f.store('i32.store', hart, privilege, FIELD.privilege);
  f.store('i32.store', hart, i32.const(0), FIELD.reservation);
  selectDataKey(f, hart, keys.data);
  f.store('i64.store', hart, i64.extend_i32_u(keys.fetch), FIELD.fetchKey);
}

/** Loads and stores have the same key. */
export function selectDataKey(f: FunctionBuilder, hart: Local<'i32'>, key: Local<'i32'>): void {
  f.store('i64.store', hart, i64.extend_i32_u(key), FIELD.loadKey);
  f.store('i64.store', hart, i64.extend_i32_u(key), FIELD.storeKey);
}

/** The TLB keys of M-mode without MPRV; gives up where they are not known. */
export function machineKeys(f: FunctionBuilder, hart: Local<'i32'>): ModeKeys {
  const data = f.let(i32.load(hart, FIELD.machineKeys));
  giveUpIf(f, i32.eqz(data));
  return { data, fetch: f.let(i32.load(hart, FIELD.machineKeys + 4)) };
}

/**
 * Takes the current instruction back and notes its exception, as `ExceptionRow.note` does; gives up where it follows
 * another with nothing in between. That is counted and looked at elsewhere.
 *
 * @returns the instruction's address
 */
export function noteException(f: FunctionBuilder, hart: Local<'i32'>, cause: Local<'i32'>): Local<'i64'> {
  const budget = f.let(i32.add(i32.load(hart, FIELD.budget), i32.const(1)));
  const inChunk = i64.extend_i32_s(i32.sub(i32.load(hart, FIELD.chunk), budget));
  const retired = f.let(i64.add(i64.load(hart, FIELD.instret), inChunk));
  giveUpIf(f, i64.eq(retired, i64.load(hart, FIELD.rowRetired)));
  const pc = f.let(savedPc(hart));
  f.store('i32.store', hart, budget, FIELD.budget);
  f.store('i64.store', hart, retired, FIELD.rowRetired);
  f.store('i32.store', hart, i32.const(1), FIELD.rowLength);
  f.store('i32.store', hart, cause, FIELD.rowCause);
  f.store('i64.store', hart, pc, FIELD.rowPc);
  f.store('i64.store', hart, i64.add(i64.load(hart, FIELD.rowTotal), i64.const(1)), FIELD.rowTotal);
  return pc;
}
