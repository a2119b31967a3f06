import { takeRequests } from './run-state.ts';
import type { BlockResult, VcpuInterrupts } from './vcpu-interrupts.ts';

/**
 * Where a vCPU is in its loop, between two parts of it:
 *
 * ```text
 * load · (wait) · { enter · flush · guest · exit · handle } · block, yield or stop · gone
 * ```
 */
export type LoopPart =
  /** A pCPU has taken it from the run queue. */
  | 'load'
  /** Loaded, and it was woken while it waits in WFI. */
  | 'wait'
  /** Outside its guest, with nothing left to do there. */
  | 'enter'
  /** It has published that it is in its guest. */
  | 'flush'
  /** In its guest, or HVIP has just been written. */
  | 'guest'
  /** The hart has left the guest, which nobody knows yet. */
  | 'exit'
  /** Outside its guest, with HVIP taken back. */
  | 'handle'
  /** It is to wait for an interrupt. */
  | 'block'
  /** It has more to do, and leaves its pCPU to others. */
  | 'yield'
  /** It has stopped itself. */
  | 'stop'
  /** Not this pCPU's any more. */
  | 'gone';

/** The decision of the handler of an exit. */
export type LoopOutcome = 'enter' | 'block' | 'yield' | 'stop';

/** Around the loop: the hart with the guest in it, the handlers of exits, the memory for registers, the run queue. */
export interface LoopSurroundings {
  readonly interrupts: VcpuInterrupts;
  /** Number of the pCPU that carries out the loop. */
  readonly pcpu: number;
  /** False when the domain ends: the vCPU then leaves its pCPU instead of entering its guest. */
  readonly running: boolean;
  /** HVIP of the hart, bits 31:0. */
  readonly hvipLo: number;
  /** HVIP of the hart, bits 63:32 (hviph on RV32). */
  readonly hvipHi: number;
  /** The vCPU has executed WFI, or something like it, and waits for an interrupt since. It moves with the vCPU. */
  waiting: boolean;
  /** All that has to be done before each entry, and must not be between the published entry and the guest. */
  prepareEntry(): void;
  writeHvip(lo: number, hi: number): void;
  /** Runs the guest. @returns whether it has been left; if not, this is called again. */
  runGuest(): boolean;
  /**
   * Carries out the requests of other threads by `makeRequest`; also called when they asked for nothing.
   *
   * @returns whether the guest has something to do now, and no longer waits if it did
   */
  carryOut(requests: number): boolean;
  /** Handles the exit. */
  handle(): LoopOutcome;
  /** Takes the registers out of the hart. */
  saveRegisters(): void;
  /** Puts them into the hart again. */
  loadRegisters(): void;
  /** `VcpuInterrupts.block` with the interrupts that the saved guest has enabled. */
  block(): BlockResult;
  /** Puts the vCPU, which is runnable, on the run queue. */
  queue(): void;
  /** The vCPU has stopped; others may start it from here on. */
  stopped(): void;
}

/**
 * The loop that every vCPU runs in: which of its parts follows which, and the effect of each on the words that other
 * threads see. `hypervisor/` runs it around harts; `verify/` explores it with a guest and handlers of its own. So it
 * keeps nothing between two parts: the owner of the surroundings can stop after any part and go on later.
 *
 * The rules that no protocol can repair are kept here: HVIP is taken back directly after the exit; between the
 * published entry and the guest nothing happens but flush and the write of HVIP; and a vCPU that blocks publishes
 * first, then looks.
 */
export class VcpuLoop {
  protected readonly at: LoopSurroundings;

  constructor(surroundings: LoopSurroundings) {
    this.at = surroundings;
  }

  /** Carries out one part. @returns the next one */
  step(part: LoopPart): LoopPart {
    switch (part) {
      case 'load':
        return this.load();
      case 'wait':
        return this.wait();
      case 'enter':
        return this.enter();
      case 'flush':
        return this.flush();
      case 'guest':
        return this.at.runGuest() ? 'exit' : 'guest';
      case 'exit':
        return this.exit();
      case 'handle':
        return this.at.handle();
      case 'block':
        return this.block();
      case 'yield':
        return this.yield();
      case 'stop':
        return this.stop();
      case 'gone':
        return 'gone';
    }
  }

  protected load(): LoopPart {
    this.at.interrupts.load(this.at.pcpu);
    this.at.loadRegisters();
    return this.at.waiting ? 'wait' : 'enter';
  }

  /**
   * Kicks tell that something may have changed. Whether it is something to wake up for is decided here, so that an
   * interrupt that the guest has disabled, a remote fence or a stray kick leaves the vCPU asleep.
   */
  protected wait(): LoopPart {
    const hasWork = this.#carryOutRequests();
    if (!this.at.running) return 'yield';
    if (!hasWork) return this.#sleep();
    this.at.waiting = false;
    return 'enter';
  }

  protected enter(): LoopPart {
    if (!this.at.running) return 'yield';
    this.at.prepareEntry();
    if (this.at.interrupts.enterGuest()) return 'flush';
    this.#carryOutRequests();
    return 'enter';
  }

  protected flush(): LoopPart {
    const { interrupts } = this.at;
    interrupts.flushInterrupts();
    interrupts.checkHvipWrite();
    this.at.writeHvip(interrupts.hvipLo, interrupts.hvipHi);
    return 'guest';
  }

  protected exit(): LoopPart {
    const { interrupts } = this.at;
    interrupts.exitGuest();
    interrupts.syncInterrupts(this.at.hvipLo, this.at.hvipHi);
    return 'handle';
  }

  protected block(): LoopPart {
    this.at.waiting = true;
    this.at.saveRegisters();
    return this.#sleep();
  }

  /** The registers are saved: a waker may hand the vCPU to another pCPU as soon as it is published as blocked. */
  #sleep(): LoopPart {
    if (this.at.block() !== 'pending') return 'gone';
    // Another pCPU may have run it in between, see `BlockResult`.
    this.at.loadRegisters();
    this.at.waiting = false;
    return 'enter';
  }

  protected yield(): LoopPart {
    this.at.saveRegisters();
    this.at.interrupts.yield();
    this.at.queue();
    return 'gone';
  }

  protected stop(): LoopPart {
    this.at.saveRegisters();
    this.at.interrupts.stop();
    this.at.stopped();
    return 'gone';
  }

  #carryOutRequests(): boolean {
    return this.at.carryOut(takeRequests(this.at.interrupts.words));
  }
}
