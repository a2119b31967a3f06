/** CSRs of S-mode. Most are views of machine CSRs, or are replaced by a VS CSR when V=1. */
import { CSR } from '../layout.ts';
import { readAddressSpace, writeSatp } from './address-space.ts';
import { hasInjection } from './aia/top.ts';
import type { Context } from './context.ts';
import { counterGate } from './csr-counters.ts';
import { type CsrDefinition, type Gate, legalized, stored, VERDICT } from './csr-definition.ts';
import { writeTrapPc, writeTrapVector } from './csr-machine.ts';
import { hasGuestTimer, hasSupervisorTimer, machinePending } from './pending.ts';
import { COUNTER, INTERRUPT, MODE, SUPERVISOR_INTERRUPTS } from './registers.ts';
import { readSstatus, writeSstatus } from './status.ts';

/** Interrupts of supervisor level that mideleg has handed on: the others are read-only 0 in sip and sie. */
function delegated(context: Context): number {
  return (context.state.csr[CSR.mideleg] as number) & (SUPERVISOR_INTERRUPTS | INTERRUPT.lcofi);
}

function readSie(context: Context): void {
  context.low = (context.state.csr[CSR.mie] as number) & delegated(context);
  context.high = 0;
}

function writeSie(context: Context, low: number): void {
  const { csr } = context.state;
  const bits = delegated(context);
  csr[CSR.mie] = ((csr[CSR.mie] as number) & ~bits) | (low & bits);
}

function readSip(context: Context): void {
  context.low = machinePending(context, delegated(context));
  context.high = 0;
}

/** Only SSIP and LCOFIP are writable: STIP and SEIP come from M-mode, stimecmp or the interrupt controller. */
function writeSip(context: Context, low: number): void {
  const { csr } = context.state;
  const bits = delegated(context) & (INTERRUPT.ssi | INTERRUPT.lcofi);
  csr[CSR.mip] = ((csr[CSR.mip] as number) & ~bits) | (low & bits);
}

const timeGate = counterGate(COUNTER.time);

/**
 * stimecmp and vstimecmp: below M-mode they need mcounteren.TM and menvcfg.STCE; a guest needs hcounteren.TM and
 * henvcfg.STCE as well ("Supervisor Timer Register"), and may not clear an interrupt by a write under hvictl.VTI (AIA).
 */
export const timerGate: Gate = (context, privilege, virtual, writes) => {
  if (privilege === MODE.machine) return VERDICT.allowed;
  if (!hasSupervisorTimer(context)) return VERDICT.illegal;
  const verdict = timeGate(context, privilege, virtual, writes);
  if (verdict !== VERDICT.allowed || virtual === 0) return verdict;
  return !hasGuestTimer(context) || (writes && hasInjection(context)) ? VERDICT.virtual : VERDICT.allowed;
};

export const SUPERVISOR_CSRS: readonly CsrDefinition[] = [
  { number: 0x100, name: 'sstatus', read: readSstatus, write: writeSstatus, guest: 'vsstatus' },
  { number: 0x104, name: 'sie', read: readSie, write: writeSie, guest: 'vsie' },
  legalized(0x105, 'stvec', writeTrapVector(CSR.stvec), { guest: 'vstvec' }),
  stored(0x140, 'sscratch', undefined, { guest: 'vsscratch' }),
  legalized(0x141, 'sepc', writeTrapPc(CSR.sepc), { guest: 'vsepc' }),
  stored(0x142, 'scause', undefined, { guest: 'vscause' }),
  stored(0x143, 'stval', undefined, { guest: 'vstval' }),
  { number: 0x144, name: 'sip', read: readSip, write: writeSip, guest: 'vsip' },
  stored(0x14d, 'stimecmp', undefined, {
    upper: 0x15d,
    guest: 'vstimecmp',
    gate: timerGate,
    exists: (features) => features.sstc,
  }),
  {
    number: 0x180,
    name: 'satp',
    read: readAddressSpace(CSR.satp),
    write: (context, low, high) => writeSatp(context, CSR.satp, low, high),
    guest: 'vsatp',
    trappedByTvm: true,
  },
];
