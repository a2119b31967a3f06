import { fillException } from '../exceptions.ts';
import { CSR } from '../layout.ts';
import type { HartState } from '../state.ts';
import type { Context, TrapTarget } from './context.ts';
import { HSTATUS, MODE, STATUS } from './registers.ts';
import { setMode } from './status.ts';

/** The uppermost bit of xcause, in its half. */
const INTERRUPT = 1 << 31;

/** Where an exception goes: to M unless medeleg hands it on to HS, from there to a guest if hedeleg does. */
function exceptionTarget(context: Context, cause: number): TrapTarget {
  const { state, features } = context;
  const bit = 1 << cause;
  const fromGuest = state.virtual !== 0;
  const delegable = fromGuest || state.privilege !== MODE.machine;
  const delegated = delegable && ((state.csr[CSR.medeleg] as number) & bit) !== 0;
  if (!delegated) return features.hsHost ? 'HS' : 'M';
  return fromGuest && ((state.csr[CSR.hedeleg] as number) & bit) !== 0 ? 'VS' : 'HS';
}

/** Takes the exception in the exception record; `epc` is the address of the instruction that raised it. */
export function enterException(context: Context, epcLow: number, epcHigh: number): TrapTarget {
  const { cause } = context.exception;
  const target = exceptionTarget(context, cause);
  enter(context, target, cause, false, epcLow, epcHigh);
  return target;
}

/** Takes an interrupt between two instructions: pc is the one that comes next. */
export function enterInterrupt(context: Context, target: TrapTarget, cause: number): TrapTarget {
  const { exception, state } = context;
  fillException(exception, cause, 0, 0, false);
  enter(context, target, cause, true, state.pcLow, state.pcHigh);
  return target;
}

function enter(
  context: Context,
  target: TrapTarget,
  cause: number,
  interrupt: boolean,
  epcLow: number,
  epcHigh: number,
): void {
  if (target === 'M') enterMachine(context, cause, interrupt, epcLow, epcHigh);
  else if (target === 'HS') enterHypervisor(context, cause, interrupt, epcLow, epcHigh);
  else enterGuest(context, cause, interrupt, epcLow, epcHigh);
}

function enterMachine(
  context: Context,
  cause: number,
  interrupt: boolean,
  epcLow: number,
  epcHigh: number,
): void {
  const { state, exception } = context;
  const { csr, privilege, virtual } = state;
  const status = csr[CSR.mstatus] as number;
  const mpie = (status & STATUS.mie) !== 0 ? STATUS.mpie : 0;
  csr[CSR.mstatus] =
    (status & ~(STATUS.mie | STATUS.mpie | STATUS.mpp)) | mpie | (privilege << STATUS.mppShift);
  csr[CSR.mstatus + 1] =
    ((csr[CSR.mstatus + 1] as number) & ~(STATUS.mpvHigh | STATUS.gvaHigh)) |
    (virtual !== 0 ? STATUS.mpvHigh : 0) |
    (exception.guestVirtual ? STATUS.gvaHigh : 0);
  setPair(csr, CSR.mepc, epcLow, epcHigh);
  setCause(state, CSR.mcause, cause, interrupt);
  setPair(csr, CSR.mtval, exception.tvalLow, exception.tvalHigh);
  setPair(csr, CSR.mtval2, exception.tval2Low, exception.tval2High);
  setPair(csr, CSR.mtinst, exception.tinst, 0);
  jumpToHandler(context, CSR.mtvec, cause, interrupt);
  setMode(context, MODE.machine, 0);
}

function enterHypervisor(
  context: Context,
  cause: number,
  interrupt: boolean,
  epcLow: number,
  epcHigh: number,
): void {
  const { state, exception } = context;
  const { csr, privilege, virtual } = state;
  csr[CSR.mstatus] = pushSupervisorStack(csr[CSR.mstatus] as number, privilege);
  let hstatus = (csr[CSR.hstatus] as number) & ~(HSTATUS.spv | HSTATUS.gva);
  if (exception.guestVirtual) hstatus |= HSTATUS.gva;
  // SPVP is left alone by traps from V=0.
  if (virtual !== 0) {
    hstatus = (hstatus & ~HSTATUS.spvp) | HSTATUS.spv | ((privilege & 1) << HSTATUS.spvpShift);
  }
  csr[CSR.hstatus] = hstatus;
  setPair(csr, CSR.sepc, epcLow, epcHigh);
  setCause(state, CSR.scause, cause, interrupt);
  setPair(csr, CSR.stval, exception.tvalLow, exception.tvalHigh);
  setPair(csr, CSR.htval, exception.tval2Low, exception.tval2High);
  setPair(csr, CSR.htinst, exception.tinst, 0);
  jumpToHandler(context, CSR.stvec, cause, interrupt);
  setMode(context, MODE.supervisor, 0);
}

/** A trap within the guest: hstatus and the supervisor CSRs of HS stay as they are. */
function enterGuest(
  context: Context,
  cause: number,
  interrupt: boolean,
  epcLow: number,
  epcHigh: number,
): void {
  const { state, exception } = context;
  const { csr, privilege } = state;
  csr[CSR.vsstatus] = pushSupervisorStack(csr[CSR.vsstatus] as number, privilege);
  setPair(csr, CSR.vsepc, epcLow, epcHigh);
  setCause(state, CSR.vscause, cause, interrupt);
  setPair(csr, CSR.vstval, exception.tvalLow, exception.tvalHigh);
  jumpToHandler(context, CSR.vstvec, cause, interrupt);
  setMode(context, MODE.supervisor, 1);
}

/** SPIE = SIE, SIE = 0, SPP = the mode before the trap. M-mode cannot come here. */
function pushSupervisorStack(status: number, privilege: number): number {
  const spie = (status & STATUS.sie) !== 0 ? STATUS.spie : 0;
  return (status & ~(STATUS.sie | STATUS.spie | STATUS.spp)) | spie | ((privilege & 1) << STATUS.sppShift);
}

function setPair(csr: Int32Array, field: number, low: number, high: number): void {
  csr[field] = low;
  csr[field + 1] = high;
}

function setCause({ csr, xlen }: HartState, field: number, cause: number, interrupt: boolean): void {
  const bit = interrupt ? INTERRUPT : 0;
  if (xlen === 64) setPair(csr, field, cause, bit);
  else setPair(csr, field, cause | bit, 0);
}

/** pc = BASE, or BASE + 4 * cause for interrupts in vectored mode. */
function jumpToHandler({ state }: Context, vector: number, cause: number, interrupt: boolean): void {
  const low = state.csr[vector] as number;
  const high = state.csr[vector + 1] as number;
  const base = low & ~3;
  const target = interrupt && (low & 1) !== 0 ? (base + 4 * cause) | 0 : base;
  const carry = target >>> 0 < base >>> 0 ? 1 : 0;
  state.setPc(target, (high + carry) | 0);
}

/** MRET: the stack of mstatus is popped; MPRV ends unless M-mode goes on. */
export function returnFromMachine(context: Context): void {
  const { csr } = context.state;
  const status = csr[CSR.mstatus] as number;
  const privilege = (status & STATUS.mpp) >> STATUS.mppShift;
  const virtual =
    privilege !== MODE.machine && ((csr[CSR.mstatus + 1] as number) & STATUS.mpvHigh) !== 0 ? 1 : 0;
  const mie = (status & STATUS.mpie) !== 0 ? STATUS.mie : 0;
  let popped = (status & ~(STATUS.mie | STATUS.mpp)) | mie | STATUS.mpie;
  if (privilege !== MODE.machine) popped &= ~STATUS.mprv;
  csr[CSR.mstatus] = popped;
  csr[CSR.mstatus + 1] = (csr[CSR.mstatus + 1] as number) & ~STATUS.mpvHigh;
  context.state.setPc(csr[CSR.mepc] as number, csr[CSR.mepc + 1] as number);
  setMode(context, privilege, virtual);
}

/** SRET in M- or HS-mode: to the guest if hstatus.SPV says so. */
export function returnFromSupervisor(context: Context): void {
  const { csr } = context.state;
  const status = csr[CSR.mstatus] as number;
  const hstatus = csr[CSR.hstatus] as number;
  csr[CSR.hstatus] = hstatus & ~HSTATUS.spv;
  csr[CSR.mstatus] = popSupervisorStack(status) & ~STATUS.mprv;
  context.state.setPc(csr[CSR.sepc] as number, csr[CSR.sepc + 1] as number);
  setMode(context, (status & STATUS.spp) !== 0 ? 1 : 0, (hstatus & HSTATUS.spv) !== 0 ? 1 : 0);
}

/** SRET in VS-mode. */
export function returnFromGuestSupervisor(context: Context): void {
  const { csr } = context.state;
  const status = csr[CSR.vsstatus] as number;
  csr[CSR.vsstatus] = popSupervisorStack(status);
  context.state.setPc(csr[CSR.vsepc] as number, csr[CSR.vsepc + 1] as number);
  setMode(context, (status & STATUS.spp) !== 0 ? 1 : 0, 1);
}

/** SIE = SPIE, SPIE = 1, SPP = U. */
function popSupervisorStack(status: number): number {
  const sie = (status & STATUS.spie) !== 0 ? STATUS.sie : 0;
  return (status & ~(STATUS.sie | STATUS.spp)) | sie | STATUS.spie;
}
