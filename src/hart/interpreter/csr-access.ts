/** The common part of all accesses to CSRs in generated code. */
import { addressWithin, type Xlen } from '../../isa/index.ts';
import { ACCESS_CSR, CSR_CHANGE } from '../../jit/index.ts';
import {
  type FunctionBuilder,
  type FunctionRef,
  type I32,
  type I64,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  select,
} from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
import { csrAddress, STATUS } from './privileged-fields.ts';

const MSTATUS = csrAddress('mstatus');

/** The parameters of functions that access CSRs; compiled regions import the one for all. */
export const PARAMETERS = ACCESS_CSR.params;

/** {@link PARAMETERS}, and the function under construction. */
export interface CsrAccess {
  readonly xlen: Xlen;
  readonly f: FunctionBuilder;
  readonly hart: Local<'i32'>;
  readonly number: Local<'i32'>;
  readonly change: Local<'i32'>;
  readonly operand: Local<'i64'>;
  readonly rd: Local<'i32'>;
}

/** A function that accesses some CSRs: 1 if the access is done, 0 if nothing has happened. */
export function defineAccess(
  module: ModuleBuilder,
  xlen: Xlen,
  name: string,
  build: (access: CsrAccess) => void,
): FunctionRef<'i32'> {
  return module.function(name, PARAMETERS, 'i32', (f) => {
    build({
      xlen,
      f,
      hart: f.param(0, 'i32'),
      number: f.param(1, 'i32'),
      change: f.param(2, 'i32'),
      operand: f.param(3, 'i64'),
      rd: f.param(4, 'i32'),
    });
    f.unreachable();
  });
}

/** Declines cases that the function is not made for. */
export function giveUpIf({ f }: CsrAccess, condition: I32): void {
  f.if(condition, () => f.return(i32.const(0)));
}

export const isRead = ({ change }: CsrAccess): I32 => i32.eq(change, i32.const(CSR_CHANGE.none));

/** The new value that the instruction makes of the old one; of no meaning if it only reads. */
export function changed({ f, change, operand }: CsrAccess, old: Local<'i64'>): Local<'i64'> {
  const value = f.local('i64');
  f.set(value, operand);
  f.block((done) => {
    f.block((clear) => {
      f.block((set) => {
        f.brTable([done, set, clear], done, change);
      });
      f.set(value, i64.or(old, operand));
      f.br(done);
    });
    f.set(value, i64.and(old, i64.xor(operand, i64.const(-1))));
  });
  return value;
}

/** Ends the access. */
export function deliver({ xlen, f, hart, rd }: CsrAccess, old: I64): void {
  const result = xlen === 64 ? old : i64.extend32_s(old);
  f.if(rd, () => f.store('i64.store', i32.add(hart, rd), result, FIELD.x));
  f.return(i32.const(1));
}

/** As the functions of the same names in `privileged/`. */
export function foldFloat({ f, hart }: CsrAccess): void {
  f.if(i32.load(hart, FIELD.floatDirty), () => {
    const fold = (offset: number): void => {
      f.store('i32.store', hart, i32.or(i32.load(hart, offset), i32.const(STATUS.fs)), offset);
    };
    f.store('i32.store', hart, i32.const(0), FIELD.floatDirty);
    fold(MSTATUS);
    f.if(i32.load(hart, FIELD.virtual), () => fold(csrAddress('vsstatus')));
  });
}

export function refreshFloatOff({ f, hart }: CsrAccess): void {
  const isOff = (offset: number): I32 => i32.eqz(i32.and(i32.load(hart, offset), i32.const(STATUS.fs)));
  const isGuest = i32.load(hart, FIELD.virtual);
  const guest = select(isGuest, isOff(csrAddress('vsstatus')), i32.const(0));
  f.store('i32.store', hart, i32.or(isOff(MSTATUS), guest), FIELD.floatOff);
}

/** SD as it is read: FS or VS of this status register is Dirty. */
export function dirtySummary({ xlen }: CsrAccess, status: Local<'i32'>): I64 {
  const isDirty = (field: number): I32 => i32.eq(i32.and(status, i32.const(field)), i32.const(field));
  const anyDirty = i32.or(isDirty(STATUS.fs), isDirty(STATUS.vs));
  return select(anyDirty, i64.const(1n << BigInt(xlen - 1)), i64.const(0));
}

/** A CSR that is its storage: writes keep all bits but those of `fixed`, which are 0. */
export function storedAccess(access: CsrAccess, at: I32, offset: number, fixed?: I64): void {
  const { xlen, f } = access;
  const base = f.let(at);
  const old = f.let(i64.load(base, offset));
  f.if(i32.eqz(isRead(access)), () => {
    const value = changed(access, old);
    const legal = fixed === undefined ? value : i64.and(value, i64.xor(fixed, i64.const(-1)));
    f.store('i64.store', base, addressWithin(xlen, legal), offset);
  });
  deliver(access, old);
}

/** Bits that no address has to return to after a trap. */
export function epcFixedBits(hart: Local<'i32'>): I64 {
  return i64.extend_i32_u(i32.load(hart, FIELD.epcAlignment));
}

/** The value of a counter of retired instructions, without the current one; `offset` makes up for writes. */
export function retiredCount({ f, hart }: CsrAccess, offset: I64): Local<'i64'> {
  // The current instruction is in the chunk, but has not retired.
  const inChunk = i32.sub(i32.sub(i32.load(hart, FIELD.chunk), i32.load(hart, FIELD.budget)), i32.const(1));
  const retired = i64.add(i64.load(hart, FIELD.instret), i64.extend_i32_s(inChunk));
  return f.let(i64.add(retired, offset));
}
