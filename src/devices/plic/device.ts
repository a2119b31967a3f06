import type { AccessWidth, InterruptWitness, LineSink } from '../device.ts';
import { SharedDevice } from '../shared-device.ts';
import { PLIC } from './facts.ts';
import { MAP, PRIORITY_MASK } from './registers.ts';
import { BITMAP_WORDS, CONTEXT, plicWords, WORD } from './words.ts';

/** In place of a context's level: it does not listen to the source in question. */
const DEAF = 2;

/** The wires of the controller. */
export interface PlicWiring {
  /** Targets: as a rule M-mode and S-mode of each hart, in the order of the device tree's `interrupts-extended`. */
  readonly contexts: number;
  /**
   * The level of a context changed, up or down: the thread that runs it must look at {@link Plic.contextPending} again.
   * Called after the words are written, outside this device's lock, on the thread that caused the change. It may be
   * called with the lock of a source's device held, so it may not call into devices.
   */
  onContextChange(context: number): void;
  /** Traces wires, and claims by contexts in the place of harts. */
  readonly witness?: Pick<InterruptWitness, 'wire' | 'claim'> | undefined;
}

/**
 * The platform-level interrupt controller: RISC-V PLIC Specification 1.0.0.
 *
 * All sources are level-triggered. A gateway forwards a high line as one request and then shuts until the request
 * is completed; a forwarded request stays pending until it is claimed, also if the line falls (chapter "Interrupt
 * Gateways"). The level of a context is computed from the registers whenever it is asked for and stored nowhere.
 */
export class Plic extends SharedDevice {
  readonly name = 'plic';
  readonly size = PLIC.size;
  readonly widths = 4;
  readonly #contexts: number;
  readonly #onContextChange: (context: number) => void;
  readonly #witness: PlicWiring['witness'];
  /** Levels before the change under way; of this thread alone. */
  readonly #before: Uint8Array;

  /** Shared words of a controller with so many contexts. */
  static wordsFor(contexts: number): number {
    return plicWords(contexts);
  }

  /**
   * @param words - `Plic.wordsFor(contexts)` shared words
   * @throws RangeError unless there are 1 to 1024 contexts
   */
  constructor(words: Int32Array, wiring: PlicWiring) {
    const { contexts } = wiring;
    if (!Number.isInteger(contexts) || contexts < 1 || contexts > PLIC.maxContexts) {
      throw new RangeError(`A PLIC has 1 to ${PLIC.maxContexts} contexts, not ${contexts}`);
    }
    super(words, plicWords(contexts), 'plic', { from: WORD.PENDING });
    this.#contexts = contexts;
    this.#onContextChange = (context) => wiring.onContextChange(context);
    this.#witness = wiring.witness;
    this.#before = new Uint8Array(contexts);
  }

  /**
   * The wire of one source, for the device that drives it. Only that device may drive it, under its own lock.
   *
   * @param source - 1 to 95
   */
  line(source: number): LineSink {
    if (!Number.isInteger(source) || source < 1 || source > PLIC.sources) {
      throw new RangeError(`A PLIC source is 1 to ${PLIC.sources}, not ${source}`);
    }
    return { set: (level) => this.#drive(source, level) };
  }

  /**
   * True while the controller signals an external interrupt to a context: some enabled pending source has a
   * priority above the context's threshold. Takes no lock as a rule, so a hart may ask at every entry.
   */
  contextPending(context: number): boolean {
    const version = this.guard.version();
    const level = this.#signals(context);
    return this.guard.stillAt(version) ? level : this.guard.locked(() => this.#signals(context));
  }

  read(offset: number, _width: AccessWidth): number {
    if (offset < MAP.PENDING) return this.#readWord(WORD.PRIORITY, offset >> 2, PLIC.sources + 1);
    if (offset < MAP.PENDING_END)
      return this.#readWord(WORD.PENDING, (offset - MAP.PENDING) >> 2, BITMAP_WORDS);
    if (offset < MAP.ENABLE) return 0;
    if (offset < MAP.CONTEXT) {
      const context = Math.floor((offset - MAP.ENABLE) / MAP.ENABLE_STRIDE);
      if (context >= this.#contexts) return 0;
      const index = ((offset - MAP.ENABLE) % MAP.ENABLE_STRIDE) >> 2;
      return this.#readWord(this.#contextWord(context) + CONTEXT.ENABLE, index, BITMAP_WORDS);
    }
    const context = Math.floor((offset - MAP.CONTEXT) / MAP.CONTEXT_STRIDE);
    if (context >= this.#contexts) return 0;
    switch ((offset - MAP.CONTEXT) % MAP.CONTEXT_STRIDE) {
      case MAP.THRESHOLD:
        return this.#load(this.#contextWord(context) + CONTEXT.THRESHOLD);
      case MAP.CLAIM:
        return this.#claim(context);
      default:
        return 0;
    }
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    if (offset < MAP.PENDING) {
      this.#setPriority(offset >> 2, value & PRIORITY_MASK);
    } else if (offset >= MAP.CONTEXT) {
      this.#writeContext(offset - MAP.CONTEXT, value);
    } else if (offset >= MAP.ENABLE) {
      this.#setEnable(offset - MAP.ENABLE, value);
    }
    // The pending bits are for reading.
  }

  /** Gateways that are open forward the lines that are high; the outputs to the harts are asked for, not driven. */
  protected override driveOutputs(): void {
    for (let source = 1; source <= PLIC.sources; source++) this.#forward(source);
  }

  protected override afterReplacement(): void {
    for (let context = 0; context < this.#contexts; context++) this.#onContextChange(context);
  }

  #contextWord(context: number): number {
    return WORD.CONTEXTS + context * CONTEXT.WORDS;
  }

  #load(index: number): number {
    // Counterpart: the stores in #store, which come before the second version change of their section.
    return Atomics.load(this.words, index);
  }

  #store(index: number, value: number): void {
    // Counterpart: the loads in #load of readers without the lock.
    Atomics.store(this.words, index, value);
  }

  #readWord(first: number, index: number, count: number): number {
    return index < count ? this.#load(first + index) >>> 0 : 0;
  }

  #bit(bitmap: number, source: number): boolean {
    return ((this.#load(bitmap + (source >> 5)) >>> (source & 31)) & 1) !== 0;
  }

  #setBit(bitmap: number, source: number, on: boolean): void {
    const index = bitmap + (source >> 5);
    const mask = 1 << (source & 31);
    const old = this.#load(index);
    this.#store(index, on ? old | mask : old & ~mask);
  }

  /** The level of a context, from the registers. Nothing pending is the usual case, and needs few loads. */
  #signals(context: number): boolean {
    for (let index = 0; index < BITMAP_WORDS; index++) {
      const pending = this.#load(WORD.PENDING + index);
      if (pending !== 0 && this.#signalsFrom(context, index, pending)) return true;
    }
    return false;
  }

  /** Whether one of the pending sources of one bitmap word is above the context's threshold. */
  #signalsFrom(context: number, index: number, pending: number): boolean {
    const base = this.#contextWord(context);
    let bits = pending & this.#load(base + CONTEXT.ENABLE + index);
    if (bits === 0) return false;
    const threshold = this.#load(base + CONTEXT.THRESHOLD);
    while (bits !== 0) {
      const bit = 31 - Math.clz32(bits);
      if (this.#load(WORD.PRIORITY + 32 * index + bit) > threshold) return true;
      bits ^= 1 << bit;
    }
    return false;
  }

  /** Runs `body`, which touches one source, alone; then tells the contexts whose level it changed. */
  #changeSource(source: number, body: () => void): void {
    const changed: number[] = [];
    this.guard.change(() => this.#compare(source, changed, body));
    for (const context of changed) this.#onContextChange(context);
  }

  /** Runs `body` with the lock held and notes the contexts whose level it changed: those that listen to the source. */
  #compare(source: number, changed: number[], body: () => void): void {
    const before = this.#before;
    for (let context = 0; context < this.#contexts; context++) {
      before[context] = this.#listens(context, source) ? +this.#signals(context) : DEAF;
    }
    body();
    for (let context = 0; context < this.#contexts; context++) {
      if (before[context] !== DEAF && before[context] !== +this.#signals(context)) changed.push(context);
    }
  }

  /** Runs `body`, which touches one context's own registers, alone; then tells that context if its level changed. */
  #changeContext(context: number, body: () => void): void {
    const changed = this.guard.change(() => {
      const before = this.#signals(context);
      body();
      return this.#signals(context) !== before;
    });
    if (changed) this.#onContextChange(context);
  }

  #listens(context: number, source: number): boolean {
    return this.#bit(this.#contextWord(context) + CONTEXT.ENABLE, source);
  }

  #drive(source: number, level: boolean): void {
    // Nothing to do if the line is there already. The load needs no lock: only the driver of this line changes it.
    if (this.#bit(WORD.LINE, source) === level) return;
    this.#witness?.wire(source, level);
    this.#changeSource(source, () => {
      this.#setBit(WORD.LINE, source, level);
      this.#forward(source);
    });
  }

  /** The gateway: a high line becomes a request unless one of this source is under way. */
  #forward(source: number): void {
    if (this.#bit(WORD.LINE, source) && !this.#bit(WORD.CLAIMED, source))
      this.#setBit(WORD.PENDING, source, true);
  }

  #setPriority(source: number, priority: number): void {
    if (source < 1 || source > PLIC.sources) return;
    this.#changeSource(source, () => this.#store(WORD.PRIORITY + source, priority));
  }

  #setEnable(offset: number, value: number): void {
    const context = Math.floor(offset / MAP.ENABLE_STRIDE);
    const index = (offset % MAP.ENABLE_STRIDE) >> 2;
    if (context >= this.#contexts || index >= BITMAP_WORDS) return;
    // Source 0 does not exist and cannot be enabled.
    const sources = index === 0 ? value & ~1 : value;
    this.#changeContext(context, () =>
      this.#store(this.#contextWord(context) + CONTEXT.ENABLE + index, sources | 0),
    );
  }

  #writeContext(offset: number, value: number): void {
    const context = Math.floor(offset / MAP.CONTEXT_STRIDE);
    if (context >= this.#contexts) return;
    const register = offset % MAP.CONTEXT_STRIDE;
    if (register === MAP.THRESHOLD) {
      this.#changeContext(context, () =>
        this.#store(this.#contextWord(context) + CONTEXT.THRESHOLD, value & PRIORITY_MASK),
      );
    } else if (register === MAP.CLAIM) {
      this.#complete(context, value);
    }
  }

  /** The claimable source of highest priority, the lowest number among equals; 0 if there is none. */
  #best(context: number): number {
    const base = this.#contextWord(context);
    let best = 0;
    // The threshold masks the signal, not the claim (chapter "Interrupt Claim Process"); priority 0 masks both.
    let bestPriority = 0;
    for (let index = 0; index < BITMAP_WORDS; index++) {
      let bits = this.#load(WORD.PENDING + index) & this.#load(base + CONTEXT.ENABLE + index);
      while (bits !== 0) {
        const lowest = bits & -bits;
        const source = 32 * index + 31 - Math.clz32(lowest);
        const priority = this.#load(WORD.PRIORITY + source);
        if (priority > bestPriority) {
          best = source;
          bestPriority = priority;
        }
        bits ^= lowest;
      }
    }
    return best;
  }

  /** Of several contexts that claim at once one gets the source; the others get 0 or another source. */
  #claim(context: number): number {
    const changed: number[] = [];
    const source = this.guard.change(() => {
      const best = this.#best(context);
      if (best !== 0) this.#compare(best, changed, () => this.#take(best));
      return best;
    });
    this.#witness?.claim(context, source);
    for (const other of changed) this.#onContextChange(other);
    return source;
  }

  #take(source: number): void {
    this.#setBit(WORD.PENDING, source, false);
    this.#setBit(WORD.CLAIMED, source, true);
  }

  /**
   * The handler is done: the gateway opens, and forwards again if the line is still high. Completions of a source
   * that the context has not enabled are ignored (chapter "Interrupt Completion").
   */
  #complete(context: number, source: number): void {
    if (source < 1 || source > PLIC.sources) return;
    this.#changeSource(source, () => {
      if (!this.#listens(context, source) || !this.#bit(WORD.CLAIMED, source)) return;
      this.#setBit(WORD.CLAIMED, source, false);
      this.#forward(source);
    });
  }
}
