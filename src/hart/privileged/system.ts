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
export type Handler = (context: Context, table: CsrTable, decoded: Decoded) => Outcome;

const illegal = (context: Context, { bits }: Decoded): Outcome =>
  raise(context, CAUSE.illegalInstruction, bits | 0);
const virtualInstruction = (context: Context, { bits }: Decoded): Outcome =>
  raise(context, CAUSE.virtualInstruction, bits | 0);

const next: Handler = () => OUTCOME.next;

const hasStatus = ({ state }: Context, bit: number): boolean =>
  ((state.csr[CSR.mstatus] as number) & bit) !== 0;
const hasHstatus = ({ state }: Context, bit: number): boolean =>
  ((state.csr[CSR.hstatus] as number) & bit) !== 0;

const ecall: Handler = (context) => {
  const { privilege, virtual } = context.state;
  if (privilege === MODE.user) return raise(context, CAUSE.ecallFromU);
  if (privilege === MODE.machine) return raise(context, CAUSE.ecallFromM);
  return raise(context, virtual !== 0 ? CAUSE.ecallFromVs : CAUSE.ecallFromHs);
};

/** xtval gets the breakpoint's address, as an access has it that a watchpoint stops ("Machine Trap Value"). */
const ebreak: Handler = (context) => {
  const { pcLow, pcHigh, virtual } = context.state;
  const outcome = raise(context, CAUSE.breakpoint, pcLow, pcHigh);
  context.exception.guestVirtual = virtual !== 0;
  return outcome;
};

const mret: Handler = (context, _table, decoded) => {
  if (context.state.privilege !== MODE.machine) return illegal(context, decoded);
  returnFromMachine(context);
  return OUTCOME.jumped;
};

/** TSR closes it to HS-mode, VTSR to VS-mode. */
const sret: Handler = (context, _table, decoded) => {
  const { privilege, virtual } = context.state;
  if (virtual !== 0) {
    if (privilege === MODE.user || hasHstatus(context, HSTATUS.vtsr))
      return virtualInstruction(context, decoded);
    returnFromGuestSupervisor(context);
    return OUTCOME.jumped;
  }
  if (privilege === MODE.user) return illegal(context, decoded);
  if (privilege === MODE.supervisor && hasStatus(context, STATUS.tsr)) return illegal(context, decoded);
  returnFromSupervisor(context);
  return OUTCOME.jumped;
};

const wfi: Handler = (context, _table, { bits }) => waitForInterrupt(context, bits | 0);

/** sfence.vma and sinval.vma: TVM closes them to HS-mode, VTVM to VS-mode. */
const fenceAddressSpace: Handler = (context, _table, decoded) => {
  const { privilege, virtual } = context.state;
  if (virtual !== 0) {
    if (privilege === MODE.user || hasHstatus(context, HSTATUS.vtvm))
      return virtualInstruction(context, decoded);
  } else if (privilege === MODE.user || (privilege === MODE.supervisor && hasStatus(context, STATUS.tvm))) {
    return illegal(context, decoded);
  }
  return fence(context, 'vma', decoded);
};

/** sfence.w.inval and sfence.inval.ir order the work that sinval.vma and the others already do at once (Svinval). */
const fenceInvalidation: Handler = (context, _table, decoded) => {
  if (context.state.privilege !== MODE.user) return OUTCOME.next;
  return context.state.virtual !== 0 ? virtualInstruction(context, decoded) : illegal(context, decoded);
};

/** hfence.vvma, hinval.vvma: not affected by TVM. */
const fenceGuestVirtual: Handler = (context, _table, decoded) => {
  if (context.state.virtual !== 0) return virtualInstruction(context, decoded);
  if (context.state.privilege === MODE.user) return illegal(context, decoded);
  return fence(context, 'vvma', decoded);
};

/** hfence.gvma, hinval.gvma: TVM closes them to HS-mode. */
const fenceGuestPhysical: Handler = (context, _table, decoded) => {
  const { privilege, virtual } = context.state;
  if (virtual !== 0) return virtualInstruction(context, decoded);
  if (privilege === MODE.user || (privilege === MODE.supervisor && hasStatus(context, STATUS.tvm))) {
    return illegal(context, decoded);
  }
  return fence(context, 'gvma', decoded);
};

/** Bits of an ASID and of a VMID, by width; the rest of the register is ignored. */
const ASID_MASK = { 32: 0x1ff, 64: 0xffff } as const;
const VMID_MASK = { 32: 0x7f, 64: 0x3fff } as const;

function fence(context: Context, kind: 'vma' | 'vvma' | 'gvma', { rs1, rs2 }: Decoded): Outcome {
  const { state } = context;
  const mask = (kind === 'gvma' ? VMID_MASK : ASID_MASK)[state.xlen];
  const id = rs2 === 0 ? undefined : state.xLow(rs2) & mask;
  if (rs1 !== 0) {
    context.hooks.fence(kind, state.xLow(rs1), state.addressHigh(rs1), id);
    return OUTCOME.next;
  }
  context.hooks.fence(kind, undefined, undefined, id);
  // Kernels for teaching (xv6) load programs into pages that had others, and never say FENCE.I: their next fence of all
  // translations is behind it. Where caches are coherent, as QEMU's, that is enough.
  if (kind === 'vma' && rs2 === 0) context.hooks.fenceI();
  return OUTCOME.next;
}

/** Generated code leaves it to this if many pages were fetched, also ahead for compiled code, and must do the same. */
const fenceI: Handler = (context) => {
  context.hooks.fenceI();
  return context.state.words[FIELD.quiet >> 2] === QUIET.no ? OUTCOME.next : OUTCOME.fenced;
};

/** hlv, hlvx and hsv: for M and HS, and for U if hstatus.HU permits. */
const guestAccess: Handler = (context, _table, decoded) => {
  const { privilege, virtual } = context.state;
  if (virtual !== 0) return virtualInstruction(context, decoded);
  if (privilege === MODE.user && !hasHstatus(context, HSTATUS.hu)) return illegal(context, decoded);
  return context.hooks.guestAccess(decoded) ? OUTCOME.next : OUTCOME.exception;
};

const comparePair: Handler = ({ hooks }, _table, decoded) => hooks.comparePair(decoded);

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
  ['wrs.nto', (context, _table, { bits }) => waitOnReservation(context, bits)],
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
  // On RV64 the latter is one of one register, which comes by here never.
  ['amocas.q', comparePair],
  ['amocas.d', comparePair],
  ...GUEST_ACCESSES.map((name) => [name, guestAccess] as const),
]);
