/** The system instructions, one handler each. */
import type { Decoded } from '../../isa/instruction.ts';
import { CAUSE } from '../exceptions.ts';
import { CSR, FIELD } from '../layout.ts';
import { cacheBlock } from './cache-block.ts';
import { type Context, OUTCOME, type Outcome, raise } from './context.ts';
import { csrInstruction } from './csr-instructions.ts';
import type { CsrTable } from './csr-table.ts';
import { HSTATUS, MODE, QUIET, STATUS } from './registers.ts';
import { returnFromGuestSupervisor, returnFromMachine, returnFromSupervisor } from './trap.ts';
import { waitForInterrupt, waitOnReservation } from './wait.ts';

/** Carries an instruction out; the result is an OUTCOME. */
export type Handler = (hart: Context, table: CsrTable, decoded: Decoded) => Outcome;

const illegal = (hart: Context, { bits }: Decoded): Outcome =>
  raise(hart, CAUSE.illegalInstruction, bits | 0);
const virtualInstruction = (hart: Context, { bits }: Decoded): Outcome =>
  raise(hart, CAUSE.virtualInstruction, bits | 0);

const next: Handler = () => OUTCOME.next;

const hasStatus = ({ state }: Context, bit: number): boolean =>
  ((state.csr[CSR.mstatus] as number) & bit) !== 0;
const hasHstatus = ({ state }: Context, bit: number): boolean =>
  ((state.csr[CSR.hstatus] as number) & bit) !== 0;

const ecall: Handler = (hart) => {
  const { privilege, virtual } = hart.state;
  if (privilege === MODE.user) return raise(hart, CAUSE.ecallFromU);
  if (privilege === MODE.machine) return raise(hart, CAUSE.ecallFromM);
  return raise(hart, virtual !== 0 ? CAUSE.ecallFromVs : CAUSE.ecallFromHs);
};

/** xtval gets the breakpoint's address, as an access has it that a watchpoint stops ("Machine Trap Value"). */
const ebreak: Handler = (hart) => {
  const { pcLow, pcHigh, virtual } = hart.state;
  const outcome = raise(hart, CAUSE.breakpoint, pcLow, pcHigh);
  hart.exception.guestVirtual = virtual !== 0;
  return outcome;
};

const mret: Handler = (hart, _table, decoded) => {
  if (hart.state.privilege !== MODE.machine) return illegal(hart, decoded);
  returnFromMachine(hart);
  return OUTCOME.jumped;
};

/** TSR closes it to HS-mode, VTSR to VS-mode. */
const sret: Handler = (hart, _table, decoded) => {
  const { privilege, virtual } = hart.state;
  if (virtual !== 0) {
    if (privilege === MODE.user || hasHstatus(hart, HSTATUS.vtsr)) return virtualInstruction(hart, decoded);
    returnFromGuestSupervisor(hart);
    return OUTCOME.jumped;
  }
  if (privilege === MODE.user) return illegal(hart, decoded);
  if (privilege === MODE.supervisor && hasStatus(hart, STATUS.tsr)) return illegal(hart, decoded);
  returnFromSupervisor(hart);
  return OUTCOME.jumped;
};

const wfi: Handler = (hart, _table, { bits }) => waitForInterrupt(hart, bits | 0);

/** sfence.vma and sinval.vma: TVM closes them to HS-mode, VTVM to VS-mode. */
const fenceAddressSpace: Handler = (hart, _table, decoded) => {
  const { privilege, virtual } = hart.state;
  if (virtual !== 0) {
    if (privilege === MODE.user || hasHstatus(hart, HSTATUS.vtvm)) return virtualInstruction(hart, decoded);
  } else if (privilege === MODE.user || (privilege === MODE.supervisor && hasStatus(hart, STATUS.tvm))) {
    return illegal(hart, decoded);
  }
  return fence(hart, 'vma', decoded);
};

/** sfence.w.inval and sfence.inval.ir order what sinval.vma and the others already do at once (Svinval). */
const fenceInvalidation: Handler = (hart, _table, decoded) => {
  if (hart.state.privilege !== MODE.user) return OUTCOME.next;
  return hart.state.virtual !== 0 ? virtualInstruction(hart, decoded) : illegal(hart, decoded);
};

/** hfence.vvma, hinval.vvma: not affected by TVM. */
const fenceGuestVirtual: Handler = (hart, _table, decoded) => {
  if (hart.state.virtual !== 0) return virtualInstruction(hart, decoded);
  if (hart.state.privilege === MODE.user) return illegal(hart, decoded);
  return fence(hart, 'vvma', decoded);
};

/** hfence.gvma, hinval.gvma: TVM closes them to HS-mode. */
const fenceGuestPhysical: Handler = (hart, _table, decoded) => {
  const { privilege, virtual } = hart.state;
  if (virtual !== 0) return virtualInstruction(hart, decoded);
  if (privilege === MODE.user || (privilege === MODE.supervisor && hasStatus(hart, STATUS.tvm))) {
    return illegal(hart, decoded);
  }
  return fence(hart, 'gvma', decoded);
};

/** Bits of an ASID and of a VMID; the rest of the register is ignored. */
const ASID_MASK = 0xffff;
const VMID_MASK = 0x3fff;

function fence(hart: Context, kind: 'vma' | 'vvma' | 'gvma', { rs1, rs2 }: Decoded): Outcome {
  const { state } = hart;
  const mask = kind === 'gvma' ? VMID_MASK : ASID_MASK;
  const id = rs2 === 0 ? undefined : state.xLow(rs2) & mask;
  if (rs1 === 0) hart.hooks.fence(kind, undefined, undefined, id);
  else hart.hooks.fence(kind, state.xLow(rs1), state.xHigh(rs1), id);
  return OUTCOME.next;
}

/** Generated code leaves it to this if many pages were fetched, also ahead for compiled code, and must do the same. */
const fenceI: Handler = (hart) => {
  hart.hooks.fenceI();
  return hart.state.words[FIELD.quiet >> 2] === QUIET.no ? OUTCOME.next : OUTCOME.fenced;
};

/** hlv, hlvx and hsv: for M and HS, and for U if hstatus.HU permits. */
const guestAccess: Handler = (hart, _table, decoded) => {
  const { privilege, virtual } = hart.state;
  if (virtual !== 0) return virtualInstruction(hart, decoded);
  if (privilege === MODE.user && !hasHstatus(hart, HSTATUS.hu)) return illegal(hart, decoded);
  return hart.hooks.guestAccess(decoded) ? OUTCOME.next : OUTCOME.exception;
};

const GUEST_ACCESSES = [
  'hlv.b',
  'hlv.bu',
  'hlv.h',
  'hlv.hu',
  'hlv.w',
  'hlv.wu',
  'hlv.d',
  'hlvx.hu',
  'hlvx.wu',
  'hsv.b',
  'hsv.h',
  'hsv.w',
  'hsv.d',
] as const;

/** Handlers by mnemonic. */
export const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['csrrw', csrInstruction('write', false)],
  ['csrrs', csrInstruction('set', false)],
  ['csrrc', csrInstruction('clear', false)],
  ['csrrwi', csrInstruction('write', true)],
  ['csrrsi', csrInstruction('set', true)],
  ['csrrci', csrInstruction('clear', true)],
  ['ecall', ecall],
  ['ebreak', ebreak],
  ['mret', mret],
  ['sret', sret],
  ['wfi', wfi],
  ['wrs.nto', (hart, _table, { bits }) => waitOnReservation(hart, bits)],
  // A short wait ends at once, and is no reason to trap.
  ['wrs.sto', next],
  ['fence.i', fenceI],
  ['sfence.vma', fenceAddressSpace],
  ['sinval.vma', fenceAddressSpace],
  ['sfence.w.inval', fenceInvalidation],
  ['sfence.inval.ir', fenceInvalidation],
  ['hfence.vvma', fenceGuestVirtual],
  ['hinval.vvma', fenceGuestVirtual],
  ['hfence.gvma', fenceGuestPhysical],
  ['hinval.gvma', fenceGuestPhysical],
  ['cbo.clean', cacheBlock('clean')],
  ['cbo.flush', cacheBlock('flush')],
  ['cbo.inval', cacheBlock('inval')],
  ['cbo.zero', cacheBlock('zero')],
  ...GUEST_ACCESSES.map((name) => [name, guestAccess] as const),
]);
