/**
 * Which interrupts are pending and enabled at supervisor and VS level of a hart with the Advanced Interrupt
 * Architecture: 64 of them, delegated (mideleg, hideleg) or virtual (mvien with mvip, hvien with hvip). Those that the
 * hart itself can raise have numbers below 32, so machine level has no high half.
 */
import { CSR } from '../../layout.ts';
import type { Context } from '../context.ts';
import { hasSupervisorTimer, machinePending } from '../pending.ts';
import { GUEST_INTERRUPTS, INTERRUPT, SUPERVISOR_INTERRUPTS } from '../registers.ts';

/** Interrupts 13 to 31, which the AIA lets be virtual; of 32 to 63 all. */
export const LOCAL_LOW = ~0x1fff;
/** Interrupts that mideleg can hand on. */
export const DELEGABLE = SUPERVISOR_INTERRUPTS | INTERRUPT.lcofi;
/** Bits of mvien that can be 1: SSI and SEI for filtering, and those of {@link LOCAL_LOW}. */
export const VIRTUAL_LOW = LOCAL_LOW | INTERRUPT.ssi | INTERRUPT.sei;

/**
 * The part `wanted` of mip. With bit 9 of mvien SEIP is the level of the interrupt controller alone ("Interrupt
 * filtering and virtual interrupts for supervisor level").
 */
export function mipLow(context: Context, wanted: number): number {
  const { csr } = context.state;
  const counterOverflow = (csr[CSR.mip] as number) & wanted & INTERRUPT.lcofi;
  const filtered = (csr[CSR.mvien] as number) & wanted & INTERRUPT.sei;
  if (filtered === 0) return machinePending(context, wanted) | counterOverflow;
  const line = context.platform.lines(INTERRUPT.sei) & INTERRUPT.sei;
  return machinePending(context, wanted & ~INTERRUPT.sei) | counterOverflow | line;
}

/** mvip: its bits 1, 5 and 9 are those that software has stored in mip, except bit 1 with that of mvien. */
export function mvipLow(context: Context): number {
  const { csr } = context.state;
  const stored = csr[CSR.mip] as number;
  const ssip = ((csr[CSR.mvien] as number) & INTERRUPT.ssi) !== 0 ? (csr[CSR.mvip] as number) : stored;
  const stip = hasSupervisorTimer(context) ? 0 : stored & INTERRUPT.sti;
  return ((csr[CSR.mvip] as number) & LOCAL_LOW) | (ssip & INTERRUPT.ssi) | (stored & INTERRUPT.sei) | stip;
}

function delegated({ state: { csr } }: Context): number {
  return (csr[CSR.mideleg] as number) & DELEGABLE;
}

/** Bits of sip that are those of mvip. */
export function virtualLow(context: Context): number {
  const { csr } = context.state;
  return (csr[CSR.mvien] as number) & ~(csr[CSR.mideleg] as number);
}

/** The part of sip in which `mip` was evaluated. */
export function sipLow(context: Context, mip: number): number {
  return (mip & delegated(context)) | (mvipLow(context) & virtualLow(context));
}

export function sipHigh({ state: { csr } }: Context): number {
  return (csr[CSR.mvip + 1] as number) & (csr[CSR.mvien + 1] as number);
}

export function sieLow(context: Context): number {
  const { csr } = context.state;
  return (
    ((csr[CSR.mie] as number) & delegated(context)) | ((csr[CSR.sieVirtual] as number) & virtualLow(context))
  );
}

export function sieHigh({ state: { csr } }: Context): number {
  return (csr[CSR.sieVirtual + 1] as number) & (csr[CSR.mvien + 1] as number);
}

/** hideleg: only interrupts that supervisor level has can be handed on. */
export function hidelegLow({ state: { csr } }: Context): number {
  const own = ((csr[CSR.mideleg] as number) | (csr[CSR.mvien] as number)) & LOCAL_LOW;
  return (csr[CSR.hideleg] as number) & (own | GUEST_INTERRUPTS);
}

export function hidelegHigh({ state: { csr } }: Context): number {
  return (csr[CSR.hideleg + 1] as number) & (csr[CSR.mvien + 1] as number);
}

/** vsip but for bits 1, 5 and 9: numbers 13 to 31, of which `sip` was evaluated. */
export function vsipLocalLow(context: Context, sip: number): number {
  const { csr } = context.state;
  return choose(hidelegLow(context), sip, csr[CSR.hvien] as number, csr[CSR.hvip] as number) & LOCAL_LOW;
}

export function vsipHigh(context: Context): number {
  const { csr } = context.state;
  const hvien = csr[CSR.hvien + 1] as number;
  return choose(hidelegHigh(context), sipHigh(context), hvien, csr[CSR.hvip + 1] as number);
}

export function vsieLocalLow(context: Context): number {
  const { csr } = context.state;
  const hvien = csr[CSR.hvien] as number;
  return choose(hidelegLow(context), sieLow(context), hvien, csr[CSR.vsieVirtual] as number) & LOCAL_LOW;
}

export function vsieHigh(context: Context): number {
  const { csr } = context.state;
  const hvien = csr[CSR.hvien + 1] as number;
  return choose(hidelegHigh(context), sieHigh(context), hvien, csr[CSR.vsieVirtual + 1] as number);
}

/** Bits of `delegated` from the register of supervisor level, others that hvien turns on from the virtual one. */
function choose(delegated: number, supervisor: number, enabled: number, virtual: number): number {
  return (supervisor & delegated) | (virtual & enabled & ~delegated);
}
