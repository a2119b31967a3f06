import type { Hart } from '../hart/index.ts';
import { CSR } from '../hart/layout.ts';
import { IRQ_PMU_OVF } from '../interrupts/numbers.ts';
import { COUNTER, type FirmwareState } from './firmware-state.ts';
import type { Vcpu } from './vcpu.ts';

const MCYCLE = 0xb00;
const TWO_32 = 0x1_0000_0000;

/**
 * Sscofpmf for guests: a counter that runs over its end sets its bit of scountovf and, if that was 0, raises the local
 * counter overflow interrupt. The SBI starts and stops the counters of a guest, which are its cycle and instret.
 */
export class CounterOverflows {
  /** Those that were close to their end when the guest was entered, as bits by number. */
  #close = 0;

  /** Instructions until the first counter that the SBI has started overflows; before an entry. */
  limit({ privileged }: Hart, firmware: FirmwareState): number {
    this.#close = 0;
    let least = Number.POSITIVE_INFINITY;
    if (!firmware.countsHardware) return least;
    for (const counter of [COUNTER.cycle, COUNTER.instret]) {
      if (!firmware.isStarted(counter)) continue;
      privileged.readCsr(MCYCLE + counter);
      if ((privileged.high | 0) !== -1) continue;
      this.#close |= 1 << counter;
      least = Math.min(least, TWO_32 - (privileged.low >>> 0));
    }
    return least;
  }

  /** Looks for overflows since {@link limit}; before anything else happens to the counters. */
  notice({ privileged, state: { csr } }: Hart, vcpu: Vcpu): void {
    if (this.#close === 0) return;
    for (const counter of [COUNTER.cycle, COUNTER.instret]) {
      const bit = 1 << counter;
      if ((this.#close & bit) === 0) continue;
      privileged.readCsr(MCYCLE + counter);
      const overflown = csr[CSR.scountovf] as number;
      if ((privileged.high | 0) < 0 || (overflown & bit) !== 0) continue;
      csr[CSR.scountovf] = overflown | bit;
      vcpu.interrupts.setInterrupt(IRQ_PMU_OVF);
    }
  }
}
