import { checkLevels, InterruptRuleError, Phase, requirePhase } from './loop-rules.ts';
import type { InterruptNumbers } from './numbers.ts';
import { interruptNumbers, validate } from './numbers.ts';
import type { OwnerState, Protocol } from './protocol.ts';
import { createOwnerState } from './protocol.ts';
import { DEFAULT_PROTOCOL } from './protocols.ts';
import { refuseOthers } from './refuse-others.ts';
import type { Wake } from './run-state.ts';
import {
  cancelBlock,
  enterGuest,
  exitGuest,
  hasRequests,
  kick,
  nudge,
  prepareToBlock,
  runState,
  stopVcpu,
  takeLook,
  yieldVcpu,
} from './run-state.ts';
import type { VcpuWords } from './words.ts';
import { IRQS_PENDING, IRQS_PENDING_MASK, OWNER, RunState, SAVED_HVIP } from './words.ts';

/** How to put together the interrupts of one vCPU, as one thread sees them. */
export interface VcpuInterruptsOptions {
  readonly words: VcpuWords;
  readonly protocol?: Protocol;
  readonly numbers?: InterruptNumbers;
  /**
   * Levels 0-31 that follow from a source of truth elsewhere: VSTIP from the deadline, VSEIP from the interrupt
   * controller. Asked at each flush and each `hasInterrupts`, never stored; the thread that changes the source calls
   * `kick`.
   */
  readonly derive?: () => number;
  /** The same for interrupts 32-63: none unless given. */
  readonly deriveHi?: () => number;
  /** Puts the vCPU on the run queue; called once for each time that it is woken. */
  readonly wake?: Wake;
  /** Check the rules of the vCPU loop and throw an {@link InterruptRuleError} when one is broken. */
  readonly debug?: boolean;
}

/** The end of a vCPU's attempt to sleep. */
export type BlockResult =
  /** It sleeps until a kick puts it on the run queue, which may have happened already. It is no longer loaded here. */
  | 'blocked'
  /** A waker has put it on the run queue already. It is no longer loaded here. */
  | 'woken'
  /**
   * Something is pending, and it is loaded here again. The state that the caller saved must be loaded again, too:
   * between the two a waker may have handed the vCPU to another pCPU, which ran it and put it to sleep once more.
   */
  | 'pending';

/** A pending state as a snapshot keeps it: hvip positions, numbers 0-31 and 32-63. Derived levels are not in it. */
export interface PendingImage {
  readonly lo: number;
  readonly hi: number;
}

/** Everything that the owner's object of a vCPU knows between two calls, as plain data. */
export interface OwnerImage {
  readonly local: OwnerState;
  readonly phase: Phase;
  /** Number of the pCPU plus 1; 0 if this object has never loaded the vCPU. */
  readonly ownerTag: number;
  /** {@link VcpuInterrupts.hvipLo}, from the flush to the sync. */
  readonly hvipLo: number;
  readonly hvipHi: number;
}

/**
 * The pending interrupts of one vCPU.
 *
 * Each thread has its own object on the same words. Any thread may set, unset and kick. The rest is for the owner, the
 * pCPU that has the vCPU loaded, in this order:
 *
 * ```text
 * load · { enterGuest · flushInterrupts · write HVIP · run · exitGuest · syncInterrupts · handle }
 *      · save/yield/block/stop
 * ```
 *
 * From `enterGuest` to the guest's first instruction nothing else runs on the pCPU, and from `exitGuest` to
 * `syncInterrupts` neither. With `debug` the object checks this order.
 */
export class VcpuInterrupts {
  readonly words: VcpuWords;
  readonly protocol: Protocol;
  readonly numbers: InterruptNumbers;
  readonly #local: OwnerState;
  readonly #derive: () => number;
  readonly #deriveHi: () => number;
  readonly #wake: Wake;
  readonly #debug: boolean;
  #phase: Phase = Phase.UNLOADED;
  #ownerTag = 0;
  #hvipLo = 0;
  #hvipHi = 0;

  /** @throws RangeError for an option that does not exist, or without words */
  constructor(options: VcpuInterruptsOptions) {
    const { words, protocol, numbers, derive, deriveHi, wake, debug, ...others } = options;
    refuseOthers(others, 'option', 'words, protocol, numbers, derive, deriveHi, wake or debug');
    if (words === undefined)
      throw new RangeError('words: they are missing; give those of createVcpuWords or vcpuWordsAt');
    this.words = words;
    this.protocol = protocol ?? DEFAULT_PROTOCOL;
    this.numbers = numbers ?? interruptNumbers();
    this.#local = createOwnerState(this.numbers);
    this.#derive = derive ?? none;
    this.#deriveHi = deriveHi ?? none;
    this.#wake = wake ?? (() => undefined);
    this.#debug = debug ?? false;
  }

  /**
   * Makes `irq` pending and kicks the vCPU if that is news to it. Any thread.
   *
   * @returns whether the vCPU was kicked.
   * @throws RangeError when this vCPU has no such interrupt; nothing was touched.
   */
  setInterrupt(irq: number): boolean {
    validate(this.numbers, irq);
    const wanted = this.protocol.set(this.words, irq);
    if (wanted) {
      kick(this.words, this.#wake);
    }
    return wanted;
  }

  /**
   * Withdraws `irq`, and kicks the vCPU if the protocol says that a running guest must see it. Any thread. A set and
   * an unset that no flush came between are invisible to the guest: the last writer wins.
   *
   * @returns whether the vCPU was kicked.
   * @throws RangeError when this vCPU has no such interrupt; nothing was touched.
   */
  unsetInterrupt(irq: number): boolean {
    validate(this.numbers, irq);
    const wanted = this.protocol.unset(this.words, irq);
    if (wanted) {
      kick(this.words, this.#wake);
    }
    return wanted;
  }

  /**
   * Makes the vCPU look at its interrupts and requests soon, wherever it is: after a change of a derived level. Any
   * thread.
   */
  kick(): void {
    kick(this.words, this.#wake);
  }

  /**
   * As {@link kick} after a change of a derived level that the hart looks at by itself while the guest runs. Any
   * thread.
   */
  nudge(): void {
    nudge(this.words, this.#wake);
  }

  /**
   * Whether the guest's hart, whose poll has found the exit request, is only to look at its levels, which it does next.
   * Otherwise the guest is to be left.
   */
  takeLook(): boolean {
    return takeLook(this.words);
  }

  /**
   * Whether a pending interrupt is among the enabled ones, regardless of the guest's global enable: as WFI needs it.
   *
   * @param enabledLo enabled interrupts 0-31 in hie positions (`vsBitsToHvip` of vsie).
   * @param enabledHi enabled interrupts 32-63.
   */
  hasInterrupts(enabledLo: number, enabledHi: number): boolean {
    this.#require('hasInterrupts', Phase.SYNCED);
    return this.#has(enabledLo, enabledHi);
  }

  /**
   * Takes over the guest's changes of its own pending bits: the first thing after `exitGuest`.
   *
   * @param hvipLo the hart's HVIP after the exit, bits 31:0.
   * @param hvipHi bits 63:32 (hviph on RV32).
   */
  syncInterrupts(hvipLo: number, hvipHi: number): void {
    this.#require('syncInterrupts', Phase.EXITED);
    if (this.#debug) {
      checkLevels(this.#local, hvipLo ^ this.#hvipLo, hvipHi ^ this.#hvipHi);
    }
    this.protocol.sync(this.words, this.#local, hvipLo, hvipHi);
    this.#phase = Phase.SYNCED;
  }

  /**
   * Computes {@link hvipLo} and {@link hvipHi} after `enterGuest`. The caller writes them to HVIP and enters at once.
   */
  flushInterrupts(): void {
    this.#require('flushInterrupts', Phase.ENTERING);
    this.protocol.flush(this.words, this.#local);
    this.#hvipLo = (this.#local.hvipLo | this.#derive()) >>> 0;
    this.#hvipHi = (this.#local.hvipHi | this.#deriveHi()) >>> 0;
    this.#phase = Phase.FLUSHED;
  }

  /**
   * In debug runs: throws an {@link InterruptRuleError} unless the caller may write the hart's HVIP for this vCPU now.
   */
  checkHvipWrite(): void {
    this.#require('The write of HVIP', Phase.FLUSHED);
  }

  /** The value for HVIP from the last flush, bits 31:0, derived levels included. */
  get hvipLo(): number {
    return this.#hvipLo;
  }

  /** The same for bits 63:32 (hviph on RV32). */
  get hvipHi(): number {
    return this.#hvipHi;
  }

  /**
   * Clears one of the guest-writable pending bits on behalf of the guest, as its own write to sip would: the legacy SBI
   * call CLEAR_IPI. An interrupt that is set later stays.
   *
   * @throws RangeError when this vCPU has no such interrupt, or its guest can only read the bit.
   */
  clearOwnInterrupt(irq: number): void {
    this.#require('clearOwnInterrupt', Phase.SYNCED);
    validate(this.numbers, irq);
    const { guestWritableLo, guestWritableHi } = this.numbers;
    if ((((irq < 32 ? guestWritableLo : guestWritableHi) >>> (irq & 31)) & 1) === 0) {
      throw new RangeError(`The guest cannot clear interrupt ${irq} by itself`);
    }
    this.protocol.unset(this.words, irq);
    if (irq < 32) {
      this.#local.hvipLo = (this.#local.hvipLo & ~(1 << irq)) >>> 0;
    } else {
      this.#local.hvipHi = (this.#local.hvipHi & ~(1 << (irq & 31))) >>> 0;
    }
  }

  /**
   * Makes the calling pCPU the owner of a vCPU that it dispatched.
   *
   * @param pcpu the pCPU's number, from 0.
   * @throws InterruptRuleError when another pCPU has it loaded.
   */
  load(pcpu: number): void {
    this.#claim(pcpu + 1);
    this.#takeSaved();
    this.#phase = Phase.SYNCED;
  }

  #takeSaved(): void {
    // Both meet the stores in `#release` on the pCPU that had it last.
    this.#local.hvipLo = Atomics.load(this.words, SAVED_HVIP) >>> 0;
    this.#local.hvipHi = Atomics.load(this.words, SAVED_HVIP + 1) >>> 0;
  }

  /** Gives up a vCPU that has more to do. The caller has saved the rest of it, and queues it next. */
  yield(): void {
    this.#release('yield');
    yieldVcpu(this.words);
  }

  /** Stops the vCPU; only `startVcpu` makes it runnable again. The caller has saved the rest of it. */
  stop(): void {
    this.#release('stop');
    stopVcpu(this.words);
  }

  /**
   * Puts the vCPU to sleep unless an enabled interrupt or a request is there. The caller has saved the rest of it,
   * because a waker may hand it to another pCPU at once.
   *
   * @param enabledLo enabled interrupts 0-31 in hie positions.
   * @param enabledHi enabled interrupts 32-63.
   */
  block(enabledLo: number, enabledHi: number): BlockResult {
    this.#release('block');
    prepareToBlock(this.words);
    if (!this.#has(enabledLo, enabledHi) && !hasRequests(this.words)) {
      return 'blocked';
    }
    if (!cancelBlock(this.words)) {
      return 'woken';
    }
    this.load(this.#ownerTag - 1);
    return 'pending';
  }

  /**
   * Publishes that the guest is about to run; flush, the write of HVIP and the entry follow.
   *
   * @returns false when requests are waiting: take and carry them out, then try again.
   */
  enterGuest(): boolean {
    this.#require('enterGuest', Phase.SYNCED);
    const entered = enterGuest(this.words);
    if (entered) {
      this.#phase = Phase.ENTERING;
    }
    return entered;
  }

  /** Publishes that the guest was left; `syncInterrupts` follows at once. */
  exitGuest(): void {
    this.#require('exitGuest', Phase.FLUSHED);
    exitGuest(this.words);
    this.#phase = Phase.EXITED;
  }

  /**
   * The effective pending state without the derived levels, for snapshots and debuggers: the view of `hasInterrupts`,
   * never one word alone. Changes nothing. The vCPU is loaded and outside its guest.
   */
  savePending(): PendingImage {
    this.#require('savePending', Phase.SYNCED);
    return this.#pending();
  }

  /**
   * The same for a vCPU that nobody has loaded, with the derived levels, by an object that never owns it: while the
   * whole machine stands still.
   */
  peekPending(): PendingImage {
    this.#takeSaved();
    const { lo, hi } = this.#pending();
    return { lo: (lo | this.#derive()) >>> 0, hi: (hi | this.#deriveHi()) >>> 0 };
  }

  /** Clears an interrupt in the state that the last owner has left; while the whole machine stands still. */
  forgetSaved(irq: number): void {
    validate(this.numbers, irq);
    // Meets the loads of the next owner in `load`.
    Atomics.and(this.words, SAVED_HVIP + (irq >>> 5), ~(1 << (irq & 31)));
  }

  #pending(): PendingImage {
    const pending = (lo: number, hi: number) => this.protocol.has(this.words, this.#local, lo, hi);
    let lo = 0;
    let hi = 0;
    for (let bit = 0; bit < 32; bit++) {
      lo |= pending(1 << bit, 0) ? 1 << bit : 0;
      hi |= pending(0, 1 << bit) ? 1 << bit : 0;
    }
    return { lo: lo >>> 0, hi: hi >>> 0 };
  }

  /**
   * Makes the interrupts of an image pending again, as a producer does: one that is set meanwhile is not lost. Before
   * it, {@link reset} makes a used vCPU fresh.
   *
   * @throws RangeError when the image has an interrupt that this vCPU has not; nothing was touched.
   */
  restorePending(image: PendingImage): void {
    const irqs = Array.from({ length: 64 }, (_, irq) => irq).filter(
      (irq) => ((irq < 32 ? image.lo : image.hi) >>> (irq & 31)) & 1,
    );
    for (const irq of irqs) {
      validate(this.numbers, irq);
    }
    for (const irq of irqs) {
      this.setInterrupt(irq);
    }
  }

  /**
   * Forgets all pending interrupts: reset of the vCPU. Producers are quiet, or bits that they set meanwhile may be
   * dropped, as a reset may do. The vCPU is loaded and outside its guest.
   */
  reset(): void {
    this.#require('reset', Phase.SYNCED);
    this.#forgetShared();
    this.#local.hvipLo = 0;
    this.#local.hvipHi = 0;
    this.#hvipLo = 0;
    this.#hvipHi = 0;
  }

  /**
   * {@link reset} for a vCPU that is stopped and about to start anew: an interrupt announced to it before and since is
   * not for its next life. The caller has claimed the start and calls `startVcpu` next; an interrupt that is set after
   * that is kept.
   */
  resetStopped(): void {
    if (this.#debug && runState(this.words) !== RunState.STOPPED) {
      throw new InterruptRuleError('resetStopped needs a vCPU that is stopped');
    }
    this.#forgetShared();
    // Both meet the loads in `load` on the pCPU that takes the vCPU next.
    Atomics.store(this.words, SAVED_HVIP, 0);
    Atomics.store(this.words, SAVED_HVIP + 1, 0);
  }

  #forgetShared(): void {
    for (const index of [IRQS_PENDING, IRQS_PENDING + 1, IRQS_PENDING_MASK, IRQS_PENDING_MASK + 1]) {
      // Meets the producers' accesses, which are quiet or may be dropped.
      Atomics.store(this.words, index, 0);
    }
  }

  /** The object's own state, for {@link resume}. It changes nothing, and touches no shared word. */
  capture(): OwnerImage {
    const inside = this.#phase === Phase.FLUSHED || this.#phase === Phase.EXITED;
    return {
      local: { ...this.#local },
      phase: this.#phase,
      ownerTag: this.#ownerTag,
      hvipLo: inside ? this.#hvipLo : 0,
      hvipHi: inside ? this.#hvipHi : 0,
    };
  }

  /** Goes on where another object on the same words, with the same options, was when it was captured. */
  resume(image: OwnerImage): void {
    this.#local.hvipLo = image.local.hvipLo;
    this.#local.hvipHi = image.local.hvipHi;
    this.#phase = image.phase;
    this.#ownerTag = image.ownerTag;
    this.#hvipLo = image.hvipLo;
    this.#hvipHi = image.hvipHi;
  }

  #has(enabledLo: number, enabledHi: number): boolean {
    return (
      this.protocol.has(this.words, this.#local, enabledLo, enabledHi) ||
      (this.#derive() & enabledLo) !== 0 ||
      (this.#deriveHi() & enabledHi) !== 0
    );
  }

  #claim(tag: number): void {
    // Meets the store in `#release`, and any other pCPU that believes it dispatched this vCPU.
    const owner = Atomics.compareExchange(this.words, OWNER, 0, tag);
    if (owner !== 0) {
      throw new InterruptRuleError(`pCPU ${tag - 1} loads a vCPU that pCPU ${owner - 1} has loaded`);
    }
    this.#ownerTag = tag;
  }

  #release(what: string): void {
    this.#require(what, Phase.SYNCED);
    // Both meet the loads in `load`; the change of the run state that follows hands them over.
    Atomics.store(this.words, SAVED_HVIP, this.#local.hvipLo);
    Atomics.store(this.words, SAVED_HVIP + 1, this.#local.hvipHi);
    // Meets the compare-exchange in `#claim`.
    Atomics.store(this.words, OWNER, 0);
    this.#phase = Phase.UNLOADED;
  }

  #require(what: string, phase: Phase): void {
    if (this.#debug) requirePhase(this.words, { what, phase, own: this.#phase, ownerTag: this.#ownerTag });
  }
}

const none = (): number => 0;
