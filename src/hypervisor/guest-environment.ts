import { CAUSE } from '../hart/exceptions.ts';
import type { Hart } from '../hart/index.ts';
import { CSR } from '../hart/layout.ts';
import { COUNTER, ENVCFG, GUEST_INTERRUPTS, INTERRUPT } from '../hart/privileged/registers.ts';
import { IRQ_RAS_HIGH, IRQ_RAS_LOW } from '../interrupts/numbers.ts';

const CSR_NUMBER = {
  hedeleg: 0x602,
  hideleg: 0x603,
  hcounteren: 0x606,
  hvien: 0x608,
  henvcfg: 0x60a,
} as const;

/**
 * Exceptions that a guest handles itself: everything but its calls to the hypervisor (10), guest-page faults (20, 21,
 * 23) and virtual-instruction exceptions (22).
 */
export const DELEGATED_EXCEPTIONS = 0b1011_0001_1111_1111;
/**
 * hvien: interrupts that a guest of harts with the AIA may raise and clear by itself, 0-31 and 32-63: the counter
 * overflow, and the events of low and high priority about reliability (35 and 43: AIA specification, "Major
 * interrupts").
 */
export const VIRTUAL_INTERRUPTS = {
  low: INTERRUPT.lcofi,
  high: (1 << (IRQ_RAS_LOW - 32)) | (1 << (IRQ_RAS_HIGH - 32)),
} as const;
/** Misaligned loads and stores: the one part of it that the guest can change. */
const MISALIGNED = (1 << CAUSE.loadMisaligned) | (1 << CAUSE.storeMisaligned);
const COUNTERS = COUNTER.cycle | COUNTER.time | COUNTER.instret;
/** henvcfg: CBIE = flush, CBCFE, CBZE. */
const CACHE_BLOCKS = (1 << 4) | ENVCFG.cbcfe | ENVCFG.cbze;

/** hstateen0 to hstateen3. */
const STATE_ENABLES = [0x60c, 0x60d, 0x60e, 0x60f];

/** Sets up HS-mode's side of a hart for guests: their rights and their own exceptions. Once per hart. */
export function openToGuests({ privileged }: Pick<Hart, 'privileged'>, sstc: boolean): void {
  privileged.writeCsr(CSR_NUMBER.hedeleg, DELEGATED_EXCEPTIONS, 0);
  privileged.writeCsr(CSR_NUMBER.hideleg, GUEST_INTERRUPTS, 0);
  privileged.writeCsr(CSR_NUMBER.hcounteren, COUNTERS, 0);
  // Harts without the AIA have no such register.
  privileged.writeCsr(CSR_NUMBER.hvien, VIRTUAL_INTERRUPTS.low, VIRTUAL_INTERRUPTS.high);
  // Bits of features that the hart lacks stay 0.
  const high = ENVCFG.adueHigh | ENVCFG.pbmteHigh | (sstc ? ENVCFG.stceHigh : 0);
  privileged.writeCsr(CSR_NUMBER.henvcfg, CACHE_BLOCKS, high);
  // Nor have harts without Smstateen these; with it the guest has the sstateen registers, in which nothing is to be
  // set.
  for (const number of STATE_ENABLES) privileged.writeCsr(number, ~0, ~0);
}

/** Whether the loaded guest handles misaligned accesses itself. */
export function delegatesMisaligned({ state: { csr } }: Hart): boolean {
  return ((csr[CSR.hedeleg] as number) & MISALIGNED) !== 0;
}

/** Lets the loaded guest handle misaligned accesses itself, or not. */
export function delegateMisaligned({ state: { csr } }: Hart, delegated: boolean): void {
  csr[CSR.hedeleg] = ((csr[CSR.hedeleg] as number) & ~MISALIGNED) | (delegated ? MISALIGNED : 0);
}
