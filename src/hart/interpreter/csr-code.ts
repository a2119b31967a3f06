/**
 * The CSRs that kernels access all the time, in generated code: sscratch, sepc, scause, stval, sstatus, satp (to read),
 * the counters, the float CSRs, vl, vtype and vlenb, and those of M-mode (`machine-csr-code.ts`). All other accesses,
 * and those that change the conditions that these are made for, are left to `privileged/`.
 */
import type { Xlen } from '../../isa/index.ts';
import { ACCESS_CSR } from '../../jit/index.ts';
import {
  call,
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
import { defineAiaCsr, TOP_EXTERNAL, TOP_INTERRUPT } from './aia-csr-code.ts';
import type { CallOuts } from './call-outs.ts';
import {
  type CsrAccess,
  changed,
  defineAccess,
  deliver,
  dirtySummary,
  epcFixedBits,
  foldFloat,
  giveUpIf,
  isRead,
  PARAMETERS,
  refreshFloatOff,
  retiredCount,
  storedAccess,
} from './csr-access.ts';
import { defineMachineCsr, isMachineCsr } from './machine-csr-code.ts';
import { selectDataKey } from './mode-code.ts';
import { csrAddress, HSTATUS, QUIET, STATUS, statusAddress, trapCsrs } from './privileged-fields.ts';

const FLAGS = 0x001;
const ROUNDING = 0x002;
const FLOAT = 0x003;
const STATUS_NUMBER = 0x100;
const SCRATCH = 0x140;
const SATP = 0x180;
const CYCLE = 0xc00;
const CYCLE_HIGH = 0xc80;
const VECTOR_LENGTH = 0xc20;
const VECTOR_TYPE = 0xc21;
const VECTOR_BYTES = 0xc22;
const MSTATUS = csrAddress('mstatus');
/** UXL, in the high half. */
const UXL = BigInt(STATUS.uxlHigh) << 32n;

/**
 * `csr(hart, number, change, operand, rd)`: 1 if the access is done, 0 if nothing has happened. `rd` is the offset of
 * the register among the x registers.
 */
export function defineCsr(module: ModuleBuilder, xlen: Xlen, out: CallOuts): FunctionRef<'i32'> {
  const float = defineAccess(module, xlen, 'csr float', floatAccess);
  const status = defineAccess(module, xlen, 'csr status', statusAccess);
  const stored = defineAccess(module, xlen, 'csr stored', trapAccess);
  const counter = defineAccess(module, xlen, 'csr counter', (access) => counterAccess(access, out, CYCLE));
  const counterHigh =
    xlen === 64
      ? undefined
      : defineAccess(module, xlen, 'csr counter high', (access) => counterAccess(access, out, CYCLE_HIGH));
  const satp = defineAccess(module, xlen, 'csr satp', satpAccess);
  const vector = defineAccess(module, xlen, 'csr vector', vectorAccess);
  const machine = defineMachineCsr(module, xlen);
  const aia = defineAiaCsr(module, xlen);
  return module.function(ACCESS_CSR.name, PARAMETERS, 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const number = f.param(1, 'i32');
    const rest = [f.param(2, 'i32'), f.param(3, 'i64'), f.param(4, 'i32')] as const;
    // Interrupts are looked at after every instruction on CSRs; here nobody would.
    f.if(i32.eq(i32.load(hart, FIELD.quiet), i32.const(QUIET.no)), () => f.return(i32.const(0)));
    const group = (first: number, count: number, callee: FunctionRef<'i32'>): void => {
      const isIn = i32.lt_u(i32.sub(number, i32.const(first)), i32.const(count));
      f.if(isIn, () => f.return(call(callee, hart, number, ...rest)));
    };
    f.if(isMachineCsr(number), () => f.return(call(machine, hart, number, ...rest)));
    group(SCRATCH, 4, stored);
    group(STATUS_NUMBER, 1, status);
    group(CYCLE, 3, counter);
    if (counterHigh !== undefined) group(CYCLE_HIGH, 3, counterHigh);
    group(FLAGS, 3, float);
    group(VECTOR_LENGTH, VECTOR_BYTES - VECTOR_LENGTH + 1, vector);
    group(SATP, 1, satp);
    group(TOP_EXTERNAL, 1, aia.external);
    group(TOP_INTERRUPT, 1, aia.top);
    f.return(i32.const(0));
    f.unreachable();
  });
}

/** vl, vtype and vlenb, which can only be read; a vtype that is vill is left to others. */
function vectorAccess(access: CsrAccess): void {
  const { f, hart, number } = access;
  giveUpIf(access, i32.eqz(isRead(access)));
  // There are none without vectors.
  const bytes = f.let(i32.load(hart, FIELD.vlenb));
  giveUpIf(access, i32.eqz(bytes));
  const isOff = (status: I32): I32 => i32.eqz(i32.and(status, i32.const(STATUS.vs)));
  giveUpIf(access, isOff(i32.load(hart, MSTATUS)));
  f.if(i32.load(hart, FIELD.virtual), () => giveUpIf(access, isOff(i32.load(hart, csrAddress('vsstatus')))));
  const type = f.let(i32.load(hart, FIELD.vtype));
  const isType = i32.eq(number, i32.const(VECTOR_TYPE));
  giveUpIf(access, i32.and(isType, i32.lt_s(type, i32.const(0))));
  const length = i32.load(hart, FIELD.vl);
  const value = select(isType, type, select(i32.eq(number, i32.const(VECTOR_LENGTH)), length, bytes));
  deliver(access, i64.extend_i32_u(value));
}

/** U-mode has none of the CSRs of S-mode. */
function refuseUser(access: CsrAccess): void {
  giveUpIf(access, i32.eqz(i32.load(access.hart, FIELD.privilege)));
}

/** sscratch, sepc, scause and stval. */
function trapAccess(access: CsrAccess): void {
  const { f, hart, number } = access;
  refuseUser(access);
  const index = i32.sub(number, i32.const(SCRATCH));
  const at = f.let(i32.add(trapCsrs(hart), i32.shl(index, i32.const(3))));
  const isEpc = i32.eq(number, i32.const(SCRATCH + 1));
  storedAccess(access, at, csrAddress('sscratch'), select(isEpc, epcFixedBits(hart), i64.const(0)));
}

/** sstatus: changes of MXR are left to others, and so is SIE where an interrupt waits for it. */
function statusAccess(access: CsrAccess): void {
  const { xlen, f, hart } = access;
  refuseUser(access);
  foldFloat(access);
  const at = f.let(statusAddress(hart));
  const status = f.let(i32.load(at, MSTATUS));
  const writable = f.let(i32.load(hart, FIELD.statusBits));
  const visible = i64.or(i64.extend_i32_u(i32.and(status, writable)), i64.const(xlen === 64 ? UXL : 0));
  const old = f.let(i64.or(visible, dirtySummary(access, status)));
  f.if(i32.eqz(isRead(access)), () => {
    const value = i32.wrap_i64(changed(access, old));
    const difference = f.let(i32.and(i32.xor(status, value), writable));
    giveUpIf(access, i32.and(difference, i32.const(STATUS.mxr)));
    const isMasked = i32.eq(i32.load(hart, FIELD.quiet), i32.const(QUIET.masked));
    giveUpIf(access, i32.and(isMasked, i32.ne(i32.and(value, i32.const(STATUS.sie)), i32.const(0))));
    f.if(i32.and(difference, i32.const(STATUS.sum)), () => changeSum(access, status));
    f.store('i32.store', at, i32.xor(status, difference), MSTATUS);
    f.if(i32.and(difference, i32.const(STATUS.fs)), () => refreshFloatOff(access));
  });
  deliver(access, old);
}

/** Selects the key of the context with the other SUM. */
function changeSum(access: CsrAccess, status: Local<'i32'>): void {
  const { f, hart } = access;
  // MPRV in M-mode, and MXR, make contexts of their own.
  giveUpIf(access, i32.ne(i32.load(hart, FIELD.privilege), i32.const(1)));
  giveUpIf(access, i32.and(i32.or(status, i32.load(hart, MSTATUS)), i32.const(STATUS.mxr)));
  // 1 without SUM, 3 with it.
  const turnedOn = i32.eqz(i32.and(status, i32.const(STATUS.sum)));
  const index = i32.shl(turnedOn, i32.const(3));
  const key = f.let(i32.load(i32.add(hart, index), FIELD.dataKeys + 4));
  giveUpIf(access, i32.eqz(key));
  selectDataKey(f, hart, key);
}

/** satp, to read. */
function satpAccess(access: CsrAccess): void {
  const { f, hart } = access;
  refuseUser(access);
  giveUpIf(access, i32.eqz(isRead(access)));
  const isMachine = i32.gt_u(i32.load(hart, FIELD.privilege), i32.const(1));
  const closed = select(
    i32.load(hart, FIELD.virtual),
    i32.and(i32.load(hart, csrAddress('hstatus')), i32.const(HSTATUS.vtvm)),
    i32.and(i32.load(hart, MSTATUS), i32.const(STATUS.tvm)),
  );
  giveUpIf(access, i32.and(i32.eqz(isMachine), i32.ne(closed, i32.const(0))));
  const satp = f.let(i64.load(trapCsrs(hart), csrAddress('satp')));
  deliver(access, access.xlen === 64 ? satp : narrowSatp(satp));
}

/** satp of RV32, which is kept in the form of RV64 ({@link readSatp}). */
function narrowSatp(satp: Local<'i64'>): I64 {
  const moved = (bits: bigint, by: number): I64 => i64.shr_u(i64.and(satp, i64.const(bits)), i64.const(by));
  const number = i64.and(satp, i64.const(0x3f_ffff));
  return i64.or(number, i64.or(moved(0x1ffn << 44n, 22), moved(1n << 60n, 29)));
}

/** cycle, time and instret, whose numbers begin at `first`, or on RV32 their high halves. */
function counterAccess(access: CsrAccess, out: CallOuts, first: number): void {
  const { f, hart, number } = access;
  const half = (value: I64): I64 => (first === CYCLE_HIGH ? i64.shr_u(value, i64.const(32)) : value);
  giveUpIf(access, i32.eqz(isRead(access)));
  const bit = f.let(i32.shl(i32.const(1), number));
  const privilege = f.let(i32.load(hart, FIELD.privilege));
  const isGuest = i32.load(hart, FIELD.virtual);
  const machine = select(i32.gt_u(privilege, i32.const(1)), i32.const(-1), enabled(hart, 'mcounteren'));
  const guest = select(isGuest, enabled(hart, 'hcounteren'), i32.const(-1));
  const user = select(privilege, i32.const(-1), enabled(hart, 'scounteren'));
  giveUpIf(access, i32.eqz(i32.and(i32.and(machine, guest), i32.and(user, bit))));
  f.if(i32.eq(number, i32.const(first + 1)), () => {
    f.call(out.time);
    const delta = select(isGuest, i64.load(hart, csrAddress('htimedelta')), i64.const(0));
    deliver(access, half(i64.add(i64.load(hart, FIELD.mailboxValue), delta)));
  });
  giveUpIf(access, i32.and(i32.load(hart, csrAddress('mcountinhibit')), bit));
  const offset = select(
    i32.eq(number, i32.const(first)),
    i64.load(hart, csrAddress('mcycleOffset')),
    i64.load(hart, csrAddress('minstretOffset')),
  );
  deliver(access, half(retiredCount(access, offset)));
}

const enabled = (hart: Local<'i32'>, name: 'mcounteren' | 'hcounteren' | 'scounteren'): I32 =>
  i32.load(hart, csrAddress(name));

/** fflags, frm and fcsr. */
function floatAccess(access: CsrAccess): void {
  const { f, hart, number } = access;
  giveUpIf(access, i32.load(hart, FIELD.floatOff));
  const flags = i64.load32_u(hart, FIELD.fflags);
  const rounding = i64.load32_u(hart, FIELD.frm);
  const old = f.local('i64');
  f.set(old, i64.or(i64.shl(rounding, i64.const(5)), flags));
  f.if(i32.eq(number, i32.const(FLAGS)), () => f.set(old, flags));
  f.if(i32.eq(number, i32.const(ROUNDING)), () => f.set(old, rounding));
  f.if(i32.eqz(isRead(access)), () => {
    const value = f.let(i32.wrap_i64(changed(access, old)));
    f.block((done) => {
      f.block((roundingOnly) => {
        f.brIf(roundingOnly, i32.eq(number, i32.const(ROUNDING)));
        f.store('i32.store', hart, i32.and(value, i32.const(0x1f)), FIELD.fflags);
        f.brIf(done, i32.ne(number, i32.const(FLOAT)));
        f.set(value, i32.shr_u(value, i32.const(5)));
      });
      f.store('i32.store', hart, i32.and(value, i32.const(7)), FIELD.frm);
    });
    f.store('i32.store', hart, i32.const(1), FIELD.floatDirty);
  });
  deliver(access, old);
}
