/**
 * The CSRs of M-mode that firmware and small kernels access all the time, in generated code: mstatus, mie, mtvec, those
 * of traps, the IDs and counters, and others to read. mip is a matter of devices, and left to `privileged/`.
 */
import type { Xlen } from '../../isa/index.ts';
import {
  call,
  type FunctionRef,
  type I32,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  select,
} from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';
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
import { csrAddress, HIGH, MACHINE_STATUS, MIE, MODE, QUIET, STATUS } from './privileged-fields.ts';

/** Bits 9:8 of a CSR's number: the lowest privilege that may access it. */
const LEVEL = 0x300;
const STATUS_NUMBER = 0x300;
const ISA = 0x301;
const ENABLE = 0x304;
const VECTOR = 0x305;
const COUNTER_ENABLE = 0x306;
const ENVIRONMENT = 0x30a;
const SCRATCH = 0x340;
const INSTRUCTION = 0x34a;
const CYCLE = 0xb00;
const INSTRET = 0xb02;
const VENDOR = 0xf11;
const HART = 0xf14;
const MSTATUS = csrAddress('mstatus');
/** H in misa. */
const HYPERVISOR = 1 << 7;

/** Whether a number is that of a CSR of M-mode. */
export function isMachineCsr(number: Local<'i32'>): I32 {
  return i32.eq(i32.and(number, i32.const(LEVEL)), i32.const(LEVEL));
}

/** As `defineCsr`, for the CSRs of M-mode. */
export function defineMachineCsr(module: ModuleBuilder, xlen: Xlen): FunctionRef<'i32'> {
  const trap = defineAccess(module, xlen, 'csr M trap', trapAccess);
  const status = defineAccess(module, xlen, 'csr mstatus', statusAccess);
  const enable = defineAccess(module, xlen, 'csr mie', enableAccess);
  const others = defineAccess(module, xlen, 'csr M others', otherAccess);
  return module.function('csr M', PARAMETERS, 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const number = f.param(1, 'i32');
    const rest = [f.param(2, 'i32'), f.param(3, 'i64'), f.param(4, 'i32')] as const;
    f.if(i32.ne(i32.load(hart, FIELD.privilege), i32.const(MODE.machine)), () => f.return(i32.const(0)));
    const is = (condition: I32, callee: FunctionRef<'i32'>): void => {
      f.if(condition, () => f.return(call(callee, hart, number, ...rest)));
    };
    is(i32.eq(number, i32.const(STATUS_NUMBER)), status);
    is(i32.eq(i32.and(number, i32.const(-4)), i32.const(SCRATCH)), trap);
    is(i32.eq(number, i32.const(ENABLE)), enable);
    f.return(call(others, hart, number, ...rest));
    f.unreachable();
  });
}

/** mscratch, mepc, mcause and mtval. */
function trapAccess(access: CsrAccess): void {
  const { hart, number } = access;
  const index = i32.sub(number, i32.const(SCRATCH));
  const at = i32.add(hart, i32.shl(index, i32.const(3)));
  const isEpc = i32.eq(number, i32.const(SCRATCH + 1));
  storedAccess(access, at, csrAddress('mscratch'), select(isEpc, epcFixedBits(hart), i64.const(0)));
}

/**
 * mstatus. Nothing that M-mode itself translates by changes while MPRV stays 0; the rest counts when the mode changes.
 * MIE is left to others where an interrupt waits for it.
 */
function statusAccess(access: CsrAccess): void {
  const { f, hart } = access;
  foldFloat(access);
  const status = f.let(i32.load(hart, MSTATUS));
  const old = f.let(i64.or(i64.load(hart, MSTATUS), dirtySummary(access, status)));
  f.if(i32.eqz(isRead(access)), () => {
    const wide = changed(access, old);
    const value = f.let(i32.wrap_i64(wide));
    giveUpIf(access, i32.and(i32.or(status, value), i32.const(STATUS.mprv)));
    const mpp = i32.and(value, i32.const(STATUS.mpp));
    giveUpIf(access, i32.eq(mpp, i32.const(2 << STATUS.mppShift)));
    const units = i32.and(i32.load(hart, FIELD.statusBits), i32.const(STATUS.fs | STATUS.vs));
    const writable = i32.or(units, i32.const(MACHINE_STATUS.bits & ~(STATUS.fs | STATUS.vs)));
    const difference = f.let(i32.and(i32.xor(status, value), writable));
    const isMasked = i32.eq(i32.load(hart, FIELD.quiet), i32.const(QUIET.masked));
    const enables = i32.ne(i32.and(i32.and(difference, value), i32.const(STATUS.mie)), i32.const(0));
    giveUpIf(access, i32.and(isMasked, enables));
    f.store('i32.store', hart, i32.xor(status, difference), MSTATUS);
    if (access.xlen === 64) changeHighStatus(access, wide);
    f.if(i32.and(difference, i32.const(STATUS.fs)), () => refreshFloatOff(access));
  });
  deliver(access, old);
}

/** The high half of mstatus, which on RV32 is a register of its own. */
function changeHighStatus({ f, hart }: CsrAccess, value: Local<'i64'>): void {
  const high = i32.load(hart, MSTATUS + HIGH);
  const highBits = select(hasHypervisor(hart), i32.const(MACHINE_STATUS.highBits), i32.const(0));
  const newHigh = i32.wrap_i64(i64.shr_u(value, i64.const(32)));
  const highDifference = i32.and(i32.xor(high, newHigh), highBits);
  f.store('i32.store', hart, i32.xor(high, highDifference), MSTATUS + HIGH);
}

function hasHypervisor(hart: Local<'i32'>): I32 {
  return i32.and(i32.load(hart, csrAddress('misa')), i32.const(HYPERVISOR));
}

/**
 * mie but for the interrupts of guests. One that becomes enabled may be pending, for which nobody has looked: it waits
 * until MIE is turned on, or is left to others where that is 1.
 */
function enableAccess(access: CsrAccess): void {
  const { f, hart } = access;
  const own = f.let(i32.load(hart, csrAddress('mie')));
  const guest = i32.load(hart, csrAddress('hie'));
  const old = f.let(i64.extend_i32_u(i32.or(own, guest)));
  f.if(i32.eqz(isRead(access)), () => {
    const value = f.let(i32.wrap_i64(changed(access, old)));
    const difference = f.let(i32.xor(value, i32.wrap_i64(old)));
    giveUpIf(access, i32.and(difference, i32.const(~MIE)));
    f.if(i32.and(difference, value), () => {
      giveUpIf(access, i32.and(i32.load(hart, MSTATUS), i32.const(STATUS.mie)));
      f.store('i32.store', hart, i32.const(QUIET.masked), FIELD.quiet);
    });
    f.store('i32.store', hart, i32.xor(own, difference), csrAddress('mie'));
  });
  deliver(access, old);
}

/** Those that are no more than their storage, those that are only read here, and counters. */
function otherAccess(access: CsrAccess): void {
  const { f, hart, number } = access;
  f.if(i32.eq(number, i32.const(VECTOR)), () =>
    storedAccess(access, hart, csrAddress('mtvec'), i64.const(2)),
  );
  f.if(i32.eq(i32.and(number, i32.const(-2)), i32.const(INSTRUCTION)), () => {
    giveUpIf(access, i32.eqz(hasHypervisor(hart)));
    const index = i32.sub(number, i32.const(INSTRUCTION));
    storedAccess(access, i32.add(hart, i32.shl(index, i32.const(3))), csrAddress('mtinst'));
  });
  giveUpIf(access, i32.eqz(isRead(access)));
  const group = (first: number, count: number, deliverIt: (index: Local<'i32'>) => void): void => {
    const index = f.let(i32.sub(number, i32.const(first)));
    f.if(i32.lt_u(index, i32.const(count)), () => deliverIt(index));
  };
  const stored = (first: number, count: number, field: number): void =>
    group(first, count, (index) => {
      deliver(access, f.let(i64.load(i32.add(hart, i32.shl(index, i32.const(3))), field)));
    });
  group(VENDOR, HART - VENDOR + 2, (index) => {
    const isHart = i32.eq(index, i32.const(HART - VENDOR));
    deliver(access, i64.extend_i32_u(select(isHart, i32.load(hart, FIELD.hartId), i32.const(0))));
  });
  stored(ISA, 3, csrAddress('misa'));
  stored(COUNTER_ENABLE, 1, csrAddress('mcounteren'));
  stored(ENVIRONMENT, 1, csrAddress('menvcfg'));
  counter(access, CYCLE, csrAddress('mcycleOffset'));
  counter(access, INSTRET, csrAddress('minstretOffset'));
  f.return(i32.const(0));
}

function counter(access: CsrAccess, number: number, field: number): void {
  const { f, hart } = access;
  f.if(i32.eq(access.number, i32.const(number)), () => {
    const bit = i32.const(1 << (number & 31));
    giveUpIf(access, i32.and(i32.load(hart, csrAddress('mcountinhibit')), bit));
    deliver(access, retiredCount(access, i64.load(hart, field)));
  });
}
