/**
 * Mistakes in the order of accesses: C code with one order less, which no interleaving of its accesses shows. Under
 * `sc` each of them is as right as its base; only the weak memory of RISC-V tells them apart.
 */
import { kvmSpinlock } from '../../../src/interrupts/field/kvm-spinlock.ts';
import { minimalPatch } from '../../../src/interrupts/field/minimal-patch.ts';
import { xenMinimalPatch } from '../../../src/interrupts/field/xen-minimal-patch.ts';
import { takeMirror } from '../../../src/interrupts/take-mirror.ts';
import type { Weakening } from '../../../src/verify/memory/orderings.ts';
import type { Mutant } from './mutant.ts';

/** A mutant whose functions are those of its base. */
export interface WeakMutant extends Pick<Mutant, 'name' | 'about' | 'base' | 'killedBy'> {
  /** The order that is gone from the C code of its base. */
  readonly weakening: Weakening;
}

export const WEAK_MUTANTS: readonly WeakMutant[] = [
  {
    name: 'relaxed-or',
    about:
      'set publishes nothing with its or: the interrupt overtakes the message, and a set that skips its kick has nothing else to publish it with',
    base: takeMirror,
    weakening: { at: 'set: atomic_fetch_or_release(pending)', without: '.rl' },
    killedBy: ['one-mail', 'P6'],
  },
  {
    name: 'relaxed-take',
    about: 'the take in flush does not acquire: the handler reads the message before it is there',
    base: takeMirror,
    weakening: { at: 'flush: atomic_fetch_andnot_acquire(pending)', without: '.aq' },
    killedBy: ['mail', 'P6'],
  },
  {
    name: 'set-without-barrier',
    about:
      'set has no barrier between pending and mask: a flush takes the mask bit and finds nothing pending',
    base: minimalPatch,
    weakening: { at: 'set: set_bit(mask): smp_mb__before_atomic', without: 'fence rw,rw' },
    killedBy: ['one-ipi', 'P1'],
  },
  {
    name: 'unset-without-barrier',
    about: 'unset has no barrier between pending and mask: a level that fell stays high',
    base: minimalPatch,
    weakening: { at: 'unset: set_bit(mask): smp_mb__before_atomic', without: 'fence rw,rw' },
    killedBy: ['line-busy', 'P3'],
  },
  {
    name: 'relaxed-xchg',
    about: 'flush takes the mask with a relaxed xchg, and reads pending before it',
    base: minimalPatch,
    weakening: { at: 'flush: xchg_acquire(mask)', without: 'fence r,rw' },
    killedBy: ['one-ipi', 'P1'],
  },
  {
    name: 'xen-relaxed-xchg',
    about: 'the same with the xchg of Xen, which is the partner of its write barriers',
    base: xenMinimalPatch,
    weakening: { at: 'flush: xchg(mask)', without: '.aq' },
    killedBy: ['one-ipi', 'P1'],
  },
  {
    name: 'unset-without-wmb',
    about: 'unset has no write barrier between pending and mask',
    base: xenMinimalPatch,
    weakening: { at: 'unset: set_bit(mask): smp_wmb', without: 'fence w,w' },
    killedBy: ['line-busy', 'P3'],
  },
  {
    name: 'lock-without-acquire',
    about: 'sync has the lock, and reads values from before it had it',
    base: kvmSpinlock,
    weakening: { at: 'sync: raw_spin_lock(lock)', without: '.aq' },
    killedBy: ['ipi-after-round', 'P1'],
  },
];
