import { interruptNumbers } from '../../src/interrupts/numbers.ts';
import type { OwnerState, Protocol } from '../../src/interrupts/protocol.ts';
import { createOwnerState } from '../../src/interrupts/protocol.ts';
import { createVcpuWords } from '../../src/interrupts/words.ts';

/** One vCPU on one hart, driven step by step from one thread. */
export class Rig {
  readonly words = createVcpuWords();
  readonly local: OwnerState;
  readonly protocol: Protocol;
  hvipLo = 0;
  hvipHi = 0;

  constructor(protocol: Protocol, extra: Parameters<typeof interruptNumbers>[0] = {}) {
    this.protocol = protocol;
    this.local = createOwnerState(interruptNumbers(extra));
  }

  set(irq: number): boolean {
    return this.protocol.set(this.words, irq);
  }

  unset(irq: number): boolean {
    return this.protocol.unset(this.words, irq);
  }

  enter(): void {
    this.protocol.flush(this.words, this.local);
    this.hvipLo = this.local.hvipLo;
    this.hvipHi = this.local.hvipHi;
  }

  exit(): void {
    this.protocol.sync(this.words, this.local, this.hvipLo, this.hvipHi);
  }

  roundTrip(): void {
    this.exit();
    this.enter();
  }

  /** The guest writes its sip, given in hvip positions: only the bits it may write change. */
  guestWrites(lo: number, hi = 0): void {
    const { guestWritableLo, guestWritableHi } = this.local;
    this.hvipLo = ((this.hvipLo & ~guestWritableLo) | (lo & guestWritableLo)) >>> 0;
    this.hvipHi = ((this.hvipHi & ~guestWritableHi) | (hi & guestWritableHi)) >>> 0;
  }

  has(lo: number, hi = 0): boolean {
    return this.protocol.has(this.words, this.local, lo, hi);
  }
}
