import { CSR, FIELD } from '../layout.ts';
import { guestTop, machineTop, supervisorTop } from './aia/top.ts';
import type { Context, TrapTarget } from './context.ts';
import { pendingAndEnabled } from './pending.ts';
import { GUEST_INTERRUPTS, MODE, QUIET, STATUS } from './registers.ts';
import { enterInterrupt } from './trap.ts';

/**
 * Causes in decreasing priority: MEI, MSI, MTI, SEI, SSI, STI, SGEI, VSEI, VSSI, VSTI, LCOFI ("mip and mie",
 * "Hypervisor Interrupt Registers"). For a guest the last three are SEI, SSI, STI in the order that it expects.
 */
const PRIORITY = [11, 3, 7, 9, 1, 5, 12, 10, 2, 6, 13] as const;

function highest(pending: number): number {
  for (const cause of PRIORITY) if ((pending & (1 << cause)) !== 0) return cause;
  return -1;
}

/**
 * Takes the interrupt of highest priority that may be taken now, if there is one. Interrupts for a more privileged mode
 * come first, with any number; VS-level ones are taken only when V=1.
 */
export function takeInterrupt(context: Context): TrapTarget | undefined {
  if (context.features.aia) return takeTopInterrupt(context);
  const pending = pendingAndEnabled(context);
  const { state } = context;
  if (pending === 0) {
    state.words[FIELD.quiet >> 2] = QUIET.yes;
    return undefined;
  }
  const target =
    takeForMachine(context, pending) ?? takeForHypervisor(context, pending) ?? takeForGuest(context, pending);
  // Either there was none for this mode, or its SIE or MIE is 0.
  state.words[FIELD.quiet >> 2] = state.privilege === MODE.user ? QUIET.no : QUIET.masked;
  return target;
}

/** The same where mtopi, stopi and vstopi say which interrupt is on top (AIA). */
function takeTopInterrupt(context: Context): TrapTarget | undefined {
  const { state, features } = context;
  const machine = machineTop(context);
  const supervisor = supervisorTop(context);
  const guest = features.hypervisor ? guestTop(context) : 0;
  if ((machine | supervisor | guest) === 0) {
    state.words[FIELD.quiet >> 2] = QUIET.yes;
    return undefined;
  }
  let target: TrapTarget | undefined;
  if (machine !== 0 && machineTakes(context)) {
    target = enterInterrupt(context, features.hsHost ? 'HS' : 'M', machine >>> 16);
  } else if (supervisor !== 0 && hypervisorTakes(context)) {
    target = enterInterrupt(context, 'HS', supervisor >>> 16);
  } else if (guest !== 0 && guestTakes(context)) {
    target = enterInterrupt(context, 'VS', guest >>> 16);
  }
  state.words[FIELD.quiet >> 2] = state.privilege === MODE.user ? QUIET.no : QUIET.masked;
  return target;
}

function takeForMachine(context: Context, pending: number): TrapTarget | undefined {
  const mine = pending & ~(context.state.csr[CSR.mideleg] as number);
  if (mine === 0 || !machineTakes(context)) return undefined;
  return enterInterrupt(context, context.features.hsHost ? 'HS' : 'M', highest(mine));
}

function takeForHypervisor(context: Context, pending: number): TrapTarget | undefined {
  const { csr } = context.state;
  const mine = pending & (csr[CSR.mideleg] as number) & ~(csr[CSR.hideleg] as number);
  return mine !== 0 && hypervisorTakes(context) ? enterInterrupt(context, 'HS', highest(mine)) : undefined;
}

/** Causes 2, 6 and 10 become 1, 5 and 9 for the guest. */
function takeForGuest(context: Context, pending: number): TrapTarget | undefined {
  const mine = pending & (context.state.csr[CSR.hideleg] as number) & GUEST_INTERRUPTS;
  return mine !== 0 && guestTakes(context) ? enterInterrupt(context, 'VS', highest(mine) - 1) : undefined;
}

/** Whether an interrupt for M-mode is taken now. */
function machineTakes({ state }: Context): boolean {
  return state.privilege !== MODE.machine || ((state.csr[CSR.mstatus] as number) & STATUS.mie) !== 0;
}

/** Whether one for HS-mode is taken now. */
function hypervisorTakes({ state }: Context): boolean {
  const { csr, privilege, virtual } = state;
  if (privilege === MODE.machine) return false;
  return virtual !== 0 || privilege === MODE.user || ((csr[CSR.mstatus] as number) & STATUS.sie) !== 0;
}

/** Whether one for VS-mode is taken now. */
function guestTakes({ state }: Context): boolean {
  const { csr, privilege, virtual } = state;
  return virtual !== 0 && (privilege === MODE.user || ((csr[CSR.vsstatus] as number) & STATUS.sie) !== 0);
}
