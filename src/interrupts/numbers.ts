import { refuseOthers } from './refuse-others.ts';

/**
 * Interrupt numbers of a vCPU, counted as in hvip and hie: 64 on RV32 and RV64 alike, because the Advanced Interrupt
 * Architecture makes these registers 64 bits wide on both (RV32 reaches the upper half through hviph and friends).
 *
 * Sets of numbers are two unsigned 32-bit words, `lo` for 0-31 and `hi` for 32-63.
 */

/** VS-level software interrupt: hvip.VSSIP, the guest's sip.SSIP (bit 1 there). */
export const IRQ_VS_SOFT = 2;

/** VS-level timer interrupt: hvip.VSTIP, the guest's sip.STIP (bit 5 there). */
export const IRQ_VS_TIMER = 6;

/** VS-level external interrupt: hvip.VSEIP, the guest's sip.SEIP (bit 9 there). */
export const IRQ_VS_EXT = 10;

/** Local counter overflow interrupt (LCOFI): bit 13 in hvip and in the guest's sip. */
export const IRQ_PMU_OVF = 13;

/** Local interrupts of the AIA about reliability events of low and high priority: bits 35 and 43 in hvip and in sip. */
export const IRQ_RAS_LOW = 35;
export const IRQ_RAS_HIGH = 43;

/** How many interrupt numbers there are; the largest is one less. */
export const NR_IRQS = 64;

/** The first number that an extension may add; below it the privileged specification has assigned every number. */
const FIRST_LOCAL_IRQ = 13;

/** vsip and vsie hold SSI, STI and SEI one position lower than hvip and hie hold VSSI, VSTI and VSEI. */
const RENUMBERED_VSIP = 0x222;

/** Bits 31:13 have the same position in vsip and hvip. KVM's common shift moves 13 to 14 by mistake; we do not. */
const SAME_POSITION = 0xffff_e000;

/** Which interrupts a vCPU takes, and which of their pending bits its guest can write itself. */
export interface InterruptNumbers {
  readonly allowedLo: number;
  readonly allowedHi: number;
  /** Edges: VSSIP always, LCOFI and others that the guest may both set and clear through sip. The rest are levels. */
  readonly guestWritableLo: number;
  readonly guestWritableHi: number;
}

/** Interrupts of a vCPU beyond the software, timer and external ones. */
export interface ExtraInterrupts {
  /** The vCPU has the local counter overflow interrupt (Sscofpmf with Shlcofideleg or hvien). */
  readonly lcofi?: boolean;
  /** AIA numbers (13-63) whose pending bit the guest may write: those that hvien turns on. */
  readonly edges?: readonly number[];
  /** AIA numbers (13-63) whose pending bit the guest can only read. */
  readonly levels?: readonly number[];
}

function bitsOf(numbers: readonly number[], word: 0 | 1): number {
  return numbers.reduce((bits, irq) => (irq >>> 5 === word ? (bits | (1 << (irq & 31))) >>> 0 : bits), 0);
}

/**
 * Builds the set of interrupts that a vCPU takes.
 *
 * @throws RangeError when an extra number is not an integer from 13 to 63, or is both an edge and a level; and for a
 *   kind of numbers that does not exist.
 */
export function interruptNumbers(extra: ExtraInterrupts = {}): InterruptNumbers {
  const { lcofi = false, edges = [], levels = [], ...others } = extra;
  refuseOthers(others, 'kind of interrupts', 'lcofi, edges or levels');
  for (const irq of [...edges, ...levels]) {
    if (!Number.isInteger(irq) || irq < FIRST_LOCAL_IRQ || irq >= NR_IRQS) {
      throw new RangeError(`An extra interrupt number is an integer from 13 to 63, but ${irq} was given`);
    }
  }
  const guestWritable = [IRQ_VS_SOFT, ...edges, ...(lcofi ? [IRQ_PMU_OVF] : [])];
  const both = levels.find((irq) => guestWritable.includes(irq));
  if (both !== undefined) {
    throw new RangeError(
      `Interrupt ${both} cannot be both writable by the guest and a level of the hypervisor`,
    );
  }
  const allowed = [IRQ_VS_TIMER, IRQ_VS_EXT, ...guestWritable, ...levels];
  return {
    allowedLo: bitsOf(allowed, 0),
    allowedHi: bitsOf(allowed, 1),
    guestWritableLo: bitsOf(guestWritable, 0),
    guestWritableHi: bitsOf(guestWritable, 1),
  };
}

function listOf({ allowedLo, allowedHi }: InterruptNumbers): string {
  const all = Array.from({ length: NR_IRQS }, (_, irq) => irq);
  return all.filter((irq) => ((irq < 32 ? allowedLo : allowedHi) >>> (irq & 31)) & 1).join(', ');
}

/**
 * Checks that `irq` is an interrupt that this vCPU takes. Touches nothing but its arguments.
 *
 * @throws RangeError otherwise: 13 without LCOFI, 64, -1, 1.5, NaN, 2^31 and so on.
 */
export function validate(numbers: InterruptNumbers, irq: number): void {
  const inRange = irq >>> 0 === irq && irq < NR_IRQS;
  if (!inRange || (((irq < 32 ? numbers.allowedLo : numbers.allowedHi) >>> (irq & 31)) & 1) === 0) {
    throw new RangeError(`This vCPU has no interrupt number ${irq}; it has ${listOf(numbers)}`);
  }
}

/** Turns the low word of vsie or vsip into hie/hvip positions, ready for `hasInterrupts`. Bits 63:32 need no change. */
export function vsBitsToHvip(vs: number): number {
  return (((vs & RENUMBERED_VSIP) << 1) | (vs & SAME_POSITION)) >>> 0;
}

/** Turns the low word of hvip into vsip positions, as a guest with every bit of hideleg set sees it. */
export function hvipToVsBits(hvip: number): number {
  return (((hvip >>> 1) & RENUMBERED_VSIP) | (hvip & SAME_POSITION)) >>> 0;
}
