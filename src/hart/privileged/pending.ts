import { addTo, isAtLeast, setNumber } from '../../layout/halves.ts';
import { CSR, FIELD } from '../layout.ts';
import type { Context } from './context.ts';
import { hasOverflows } from './counting.ts';
import { ENVCFG, GUEST_INTERRUPTS, HSTATUS, INTERRUPT, SUPERVISOR_INTERRUPTS } from './registers.ts';

const LAST_TICKS = FIELD.lastTicks >> 2;

/** stimecmp raises STIP (Sstc): menvcfg.STCE. */
export function hasSupervisorTimer(context: Context): boolean {
  return ((context.state.csr[CSR.menvcfg + 1] as number) & ENVCFG.stceHigh) !== 0;
}

/** vstimecmp raises VSTIP (Sstc): henvcfg.STCE, which is 0 whenever menvcfg.STCE is. */
export function hasGuestTimer(context: Context): boolean {
  return ((context.state.csr[CSR.henvcfg + 1] as number) & ENVCFG.stceHigh) !== 0;
}

/** Leaves `time` as the given virtualization mode sees it in the context: guests see `time + htimedelta`. */
export function readTime(context: Context, virtual: boolean): void {
  const { csr } = context.state;
  setNumber(context, context.platform.ticks());
  const { words } = context.state;
  words[LAST_TICKS] = context.low;
  words[LAST_TICKS + 1] = context.high;
  if (!virtual) return;
  addTo(context, context.low, context.high, csr[CSR.htimedelta] as number, csr[CSR.htimedelta + 1] as number);
}

function timeReached(context: Context, virtual: boolean): boolean {
  const { csr } = context.state;
  const deadline = virtual ? CSR.vstimecmp : CSR.stimecmp;
  const { low, high } = context;
  readTime(context, virtual);
  const reached = isAtLeast(context.low, context.high, csr[deadline] as number, csr[deadline + 1] as number);
  context.low = low;
  context.high = high;
  return reached;
}

/** hgeip: levels of the guest external interrupts 1 to GEILEN. */
export function guestExternalPending(context: Context): number {
  const { geilen } = context.features;
  return geilen === 0 ? 0 : context.platform.guestExternalLines() & guestExternalMask(geilen);
}

/** Bits GEILEN:1. */
export function guestExternalMask(geilen: number): number {
  return geilen >= 31 ? ~1 : ((1 << (geilen + 1)) - 1) & ~1;
}

/**
 * The part `wanted` of hip ("Hypervisor Interrupt Registers"): VSSIP is hvip's; VSTIP and VSEIP are hvip's or the
 * level of their source; SGEIP tells of guest external interrupts that hgeie selects.
 */
export function hypervisorPending(context: Context, wanted: number): number {
  const { csr } = context.state;
  // From 13 on bits of hvip are about vsip alone.
  let pending = (csr[CSR.hvip] as number) & wanted & GUEST_INTERRUPTS;
  if ((wanted & ~pending & INTERRUPT.vsti) !== 0 && hasGuestTimer(context) && timeReached(context, true)) {
    pending |= INTERRUPT.vsti;
  }
  if (context.features.geilen > 0 && (wanted & (INTERRUPT.vsei | INTERRUPT.sgei)) !== 0) {
    pending |= pendingFromGuestExternal(context) & wanted;
  }
  return pending;
}

function pendingFromGuestExternal(context: Context): number {
  const { csr } = context.state;
  const lines = guestExternalPending(context);
  const vgein = ((csr[CSR.hstatus] as number) & HSTATUS.vgein) >> HSTATUS.vgeinShift;
  // Bit 0 of hgeip is always 0, so VGEIN = 0 selects nothing.
  const selected = (lines >>> vgein) & 1 ? INTERRUPT.vsei : 0;
  return selected | ((lines & (csr[CSR.hgeie] as number)) !== 0 ? INTERRUPT.sgei : 0);
}

/** LCOFI as a bit of mip, where harts without the AIA have it. */
export function overflowInterrupt({ features }: Context): number {
  return hasOverflows(features) ? INTERRUPT.lcofi : 0;
}

/** The bits of mip that are stored: SSIP, SEIP, STIP unless stimecmp drives it, and LCOFIP. */
export function storedPending(context: Context): number {
  const stored = context.state.csr[CSR.mip] as number;
  const bits = SUPERVISOR_INTERRUPTS | overflowInterrupt(context);
  return stored & (hasSupervisorTimer(context) ? bits & ~INTERRUPT.sti : bits);
}

/** The part `wanted` of mip. Sources that nobody asks about are not looked at: reading the time is not free. */
export function machinePending(context: Context, wanted: number): number {
  let pending = (storedPending(context) | context.platform.lines(wanted)) & wanted;
  if ((wanted & INTERRUPT.sti) !== 0 && hasSupervisorTimer(context) && timeReached(context, false)) {
    pending |= INTERRUPT.sti;
  }
  return context.features.hypervisor ? pending | hypervisorPending(context, wanted) : pending;
}

/** mie: the bits that are stored there, and hie, which it contains. */
export function machineEnabled(context: Context): number {
  const { csr } = context.state;
  return (csr[CSR.mie] as number) | (csr[CSR.hie] as number);
}

/** Interrupts that are pending and locally enabled, regardless of the global enables and delegation. */
export function pendingAndEnabled(context: Context): number {
  const enabled = machineEnabled(context);
  return enabled === 0 ? 0 : machinePending(context, enabled);
}
