/**
 * The interrupt file that KVM's RISC-V port keeps in software for a vCPU without one in hardware
 * (`arch/riscv/kvm/aia_imsic.c`, "IMSIC SW-file"). After each change of the file its level is computed anew, and VSEIP
 * is set or unset. Between the two, another thread may come, so that the older answer is the last: messages that wait
 * in the file, and a guest that is told of nothing. Linux 6.7 put a lock around the two.
 *
 * The words of the file have 64 bits there; identities that are in one of them are read in one access. Here they have
 * 32, so scenarios with two words take identities that are more than 64 apart.
 */

import { clearBit, setBit, spinLock, spinUnlock } from '../../interrupts/field/bitops.ts';
import { kvmSpinlock } from '../../interrupts/field/kvm-spinlock.ts';
import { published } from '../../interrupts/field/published.ts';
import { FILE_BLOCK, FILE_REGISTER, type FileWords } from '../../interrupts/interrupt-file.ts';
import type { FilePlace, FileProtocol, FileWay } from './way.ts';

const { pending: PENDING, enabled: ENABLED, delivery: DELIVERY, threshold: THRESHOLD } = FILE_BLOCK.word;

/** `imsic_mrif_atomic_read()`: an atomic or with nothing. */
function atomicRead(words: FileWords, index: number): number {
  // Meets the changes of all others.
  return Atomics.or(words, index, 0);
}

/** `imsic_mrif_topei()`: upwards, enable bits first. */
function topei({ words, identities }: FilePlace): number {
  const threshold = atomicRead(words, THRESHOLD);
  const end = threshold !== 0 && threshold <= identities ? threshold : identities + 1;
  for (let index = 0; index <= identities >> 5; index++) {
    const ready = atomicRead(words, ENABLED + index) & atomicRead(words, PENDING + index);
    if (ready === 0) continue;
    const identity = 32 * index + 31 - Math.clz32(ready & -ready);
    return identity < end ? identity : 0;
  }
  return 0;
}

/** `imsic_swfile_extirq_update()`, with or without `swfile_extirq_lock`. */
function update(place: FilePlace, isLocked: boolean): void {
  // The lock meets the unlock of whoever had it before.
  if (isLocked) spinLock(place.lock, 0);
  place.setExternal(atomicRead(place.words, DELIVERY) !== 0 && topei(place) !== 0);
  if (isLocked) spinUnlock(place.lock, 0);
}

function softwareFile(isLocked: boolean): FileWay {
  return {
    isInHart: false,
    receive: (place, identity) => {
      setBit(identity, place.words, PENDING);
      update(place, isLocked);
    },
    asserts: () => false,
    claim: (place) => {
      const top = topei(place);
      if (top !== 0) clearBit(top, place.words, PENDING);
      update(place, isLocked);
      return top;
    },
    read: ({ words }, register) => {
      const first = (register < FILE_REGISTER.enabled ? PENDING : ENABLED) + (register & 0x3f);
      return [atomicRead(words, first), atomicRead(words, first + 1)];
    },
    write: (place, register, bit, set) => {
      if (register >= FILE_REGISTER.pending) {
        const bitmap = (register < FILE_REGISTER.enabled ? PENDING : ENABLED) + (register & 0x3f);
        (set ? setBit : clearBit)(bit, place.words, bitmap);
      } else {
        // Meets the reads of whoever computes the level.
        Atomics.exchange(place.words, register === FILE_REGISTER.delivery ? DELIVERY : THRESHOLD, bit);
      }
      update(place, isLocked);
    },
  };
}

/** Ways of the field to keep an interrupt file, each with the protocol that it came with. */
export const FIELD_FILES: readonly FileProtocol[] = [
  {
    ...kvmSpinlock,
    name: 'kvm-swfile',
    provenance:
      'the same KVM, with its interrupt file in software: arch/riscv/kvm/aia_imsic.c since Linux 6.7',
    file: softwareFile(true),
  },
  {
    ...published,
    name: 'kvm-swfile-unlocked',
    provenance: 'KVM from Linux 6.6, whose interrupt file in software has no swfile_extirq_lock',
    file: softwareFile(false),
  },
];
