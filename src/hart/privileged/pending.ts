import { addTo, isAtLeast, setNumber } from '../../layout/halves.ts';
import { CSR } from '../layout.ts';
import type { Context } from './context.ts';
import { ENVCFG, HSTATUS, INTERRUPT, SUPERVISOR_INTERRUPTS } from './registers.ts';

/** stimecmp raises STIP (Sstc): menvcfg.STCE. */
export function hasSupervisorTimer(hart: Context): boolean {
  return ((hart.state.csr[CSR.menvcfg + 1] as number) & ENVCFG.stceHigh) !== 0;
}

/** vstimecmp raises VSTIP (Sstc): henvcfg.STCE, which is 0 whenever menvcfg.STCE is. */
export function hasGuestTimer(hart: Context): boolean {
  return ((hart.state.csr[CSR.henvcfg + 1] as number) & ENVCFG.stceHigh) !== 0;
}

/** Leaves `time` as the given virtualization mode sees it in the context: guests see `time + htimedelta`. */
export function readTime(hart: Context, virtual: boolean): void {
  const { csr } = hart.state;
  setNumber(hart, hart.platform.ticks());
  if (!virtual) return;
  addTo(hart, hart.low, hart.high, csr[CSR.htimedelta] as number, csr[CSR.htimedelta + 1] as number);
}

function timeReached(hart: Context, virtual: boolean): boolean {
  const { csr } = hart.state;
  const deadline = virtual ? CSR.vstimecmp : CSR.stimecmp;
  const { low, high } = hart;
  readTime(hart, virtual);
  const reached = isAtLeast(hart.low, hart.high, csr[deadline] as number, csr[deadline + 1] as number);
  hart.low = low;
  hart.high = high;
  return reached;
}

/** hgeip: levels of the guest external interrupts 1 to GEILEN. */
export function guestExternalPending(hart: Context): number {
  const { geilen } = hart.features;
  return geilen === 0 ? 0 : hart.platform.guestExternalLines() & guestExternalMask(geilen);
}

/** Bits GEILEN:1. */
export function guestExternalMask(geilen: number): number {
  return geilen >= 31 ? ~1 : ((1 << (geilen + 1)) - 1) & ~1;
}

/**
 * The part `wanted` of hip ("Hypervisor Interrupt Registers"): VSSIP is hvip's; VSTIP and VSEIP are hvip's or the
 * level of their source; SGEIP tells of guest external interrupts that hgeie selects.
 */
export function hypervisorPending(hart: Context, wanted: number): number {
  const { csr } = hart.state;
  let pending = (csr[CSR.hvip] as number) & wanted;
  if ((wanted & ~pending & INTERRUPT.vsti) !== 0 && hasGuestTimer(hart) && timeReached(hart, true)) {
    pending |= INTERRUPT.vsti;
  }
  if (hart.features.geilen > 0 && (wanted & (INTERRUPT.vsei | INTERRUPT.sgei)) !== 0) {
    pending |= pendingFromGuestExternal(hart) & wanted;
  }
  return pending;
}

function pendingFromGuestExternal(hart: Context): number {
  const { csr } = hart.state;
  const lines = guestExternalPending(hart);
  const vgein = ((csr[CSR.hstatus] as number) & HSTATUS.vgein) >> HSTATUS.vgeinShift;
  // Bit 0 of hgeip is always 0, so VGEIN = 0 selects nothing.
  const selected = (lines >>> vgein) & 1 ? INTERRUPT.vsei : 0;
  return selected | ((lines & (csr[CSR.hgeie] as number)) !== 0 ? INTERRUPT.sgei : 0);
}

/** The bits of mip that M-mode software has stored: SSIP, SEIP, and STIP unless stimecmp drives it. */
export function storedPending(hart: Context): number {
  const stored = hart.state.csr[CSR.mip] as number;
  return hasSupervisorTimer(hart) ? stored & ~INTERRUPT.sti : stored & SUPERVISOR_INTERRUPTS;
}

/** The part `wanted` of mip. Sources that nobody asks about are not looked at: reading the time is not free. */
export function machinePending(hart: Context, wanted: number): number {
  let pending = (storedPending(hart) | hart.platform.lines(wanted)) & wanted;
  if ((wanted & INTERRUPT.sti) !== 0 && hasSupervisorTimer(hart) && timeReached(hart, false)) {
    pending |= INTERRUPT.sti;
  }
  return hart.features.hypervisor ? pending | hypervisorPending(hart, wanted) : pending;
}

/** mie: what is stored there, and hie, which it contains. */
export function machineEnabled(hart: Context): number {
  const { csr } = hart.state;
  return (csr[CSR.mie] as number) | (csr[CSR.hie] as number);
}

/** Interrupts that are pending and locally enabled, whatever the global enables and delegation. */
export function pendingAndEnabled(hart: Context): number {
  const enabled = machineEnabled(hart);
  return enabled === 0 ? 0 : machinePending(hart, enabled);
}
