import { APLIC } from './facts.ts';
import { MODE, SOURCECFG } from './registers.ts';
import { BITMAP_WORDS, WORD } from './words.ts';

/** Number of the root domain, and of the one below it. */
export const ROOT = 0;
export const CHILD = 1;

/** Whether a mode looks at the level of the wire; the others at its edges, or not at it. */
const LEVEL_BIT = 2;

/** Properties of the whole controller, which never change. */
export interface SourceSetting {
  /** There is a domain below the root. */
  readonly child: boolean;
  /** The controller sends messages (MSI delivery mode); otherwise it drives wires to harts. */
  readonly messages: boolean;
}

/**
 * The interrupt sources: modes, delegation, pending and enable bits (RISC-V AIA 1.0, sections "Source configurations"
 * and "Precise effects on interrupt-pending bits").
 *
 * A source is active in one domain at most, so that it has one state, whichever domain that is. All methods that change
 * something are called with the controller's lock held.
 */
export class Sources {
  readonly #words: Int32Array;
  readonly #setting: SourceSetting;

  /** @param words the controller's, as `words.ts` lays them out */
  constructor(words: Int32Array, setting: SourceSetting) {
    this.#words = words;
    this.#setting = setting;
  }

  /** The domain to which a source belongs. */
  domainOf(source: number): number {
    return this.#bit(WORD.DELEGATED, source) ? CHILD : ROOT;
  }

  /** Whether a source exists, and is active in a domain. */
  activeIn(domain: number, source: number): boolean {
    return this.#mode(source) !== MODE.INACTIVE && this.domainOf(source) === domain;
  }

  /** `sourcecfg` of a source, as a domain sees it. */
  config(domain: number, source: number): number {
    const delegated = this.#bit(WORD.DELEGATED, source);
    if (domain === CHILD) return delegated ? this.#mode(source) : 0;
    return delegated ? SOURCECFG.DELEGATE : this.#mode(source);
  }

  /** A write of `sourcecfg`: 1 to 96, and any value. */
  configure(domain: number, source: number, value: number): void {
    const belongs = this.domainOf(source) === domain;
    if (domain === CHILD) {
      if (belongs) this.#setMode(source, (value & SOURCECFG.DELEGATE) === 0 ? value & SOURCECFG.MODE : 0);
      return;
    }
    // A root without a child has nobody to delegate to, and makes the source inactive.
    const delegates = (value & SOURCECFG.DELEGATE) !== 0;
    const delegated = delegates && this.#setting.child;
    if (delegated === belongs) {
      this.#setMode(source, MODE.INACTIVE);
      this.#setBit(WORD.DELEGATED, source, delegated);
    }
    if (!delegated) this.#setMode(source, delegates ? MODE.INACTIVE : value & SOURCECFG.MODE);
  }

  /** The pending bits of 32 sources, as a domain sees them. */
  pendingWord(domain: number, index: number): number {
    return this.#load(WORD.PENDING + index) & this.#ownWord(domain, index);
  }

  /** Their enable bits. */
  enabledWord(domain: number, index: number): number {
    return this.#load(WORD.ENABLED + index) & this.#ownWord(domain, index);
  }

  /** Those that are pending and enabled. */
  readyWord(domain: number, index: number): number {
    const pending = this.#load(WORD.PENDING + index);
    return pending === 0 ? 0 : pending & this.enabledWord(domain, index);
  }

  /** The rectified input values of 32 sources. */
  inputWord(domain: number, index: number): number {
    let values = 0;
    for (
      let source = Math.max(32 * index, 1);
      source < 32 * index + 32 && source <= APLIC.sources;
      source++
    ) {
      if (this.domainOf(source) === domain && this.#rectified(source)) values |= 1 << (source & 31);
    }
    return values;
  }

  /** `target` of a source, 0 where it is inactive. */
  target(source: number): number {
    return this.#load(WORD.TARGET + source);
  }

  setTarget(source: number, value: number): void {
    this.#store(WORD.TARGET + source, value);
  }

  /** The level of the wire, which its driver alone changes. */
  line(source: number): boolean {
    return this.#bit(WORD.LINE, source);
  }

  /** The wire changes its level. */
  drive(source: number, level: boolean): void {
    this.#setBit(WORD.LINE, source, level);
    const mode = this.#mode(source);
    if (mode < MODE.EDGE1) return;
    const high = this.#rectified(source);
    if (high) this.#setBit(WORD.PENDING, source, true);
    else if ((mode & LEVEL_BIT) !== 0) this.#setBit(WORD.PENDING, source, false);
  }

  /** Sets the pending bit of an active source, where its mode allows that. */
  setPending(source: number): void {
    const level = (this.#mode(source) & LEVEL_BIT) !== 0;
    if (!level || (this.#setting.messages && this.#rectified(source)))
      this.#setBit(WORD.PENDING, source, true);
  }

  /** Clears the pending bit of an active source, where its mode allows that: by a register, or by a claim. */
  clearPending(source: number): void {
    const level = (this.#mode(source) & LEVEL_BIT) !== 0;
    if (!level || this.#setting.messages) this.#setBit(WORD.PENDING, source, false);
  }

  setEnabled(source: number, on: boolean): void {
    this.#setBit(WORD.ENABLED, source, on);
  }

  /** Whether a source is both pending and enabled. */
  ready(source: number): boolean {
    return this.#bit(WORD.PENDING, source) && this.#bit(WORD.ENABLED, source);
  }

  /** Whether there is no such number among the sources. */
  static missing(source: number): boolean {
    return source < 1 || source > APLIC.sources;
  }

  #setMode(source: number, wanted: number): void {
    const mode = wanted === MODE.DETACHED || wanted >= MODE.EDGE1 ? wanted : MODE.INACTIVE;
    const before = this.#mode(source);
    this.#store(WORD.MODE + source, mode);
    if (mode === MODE.INACTIVE) {
      this.#setBit(WORD.PENDING, source, false);
      this.#setBit(WORD.ENABLED, source, false);
      this.#store(WORD.TARGET + source, 0);
      return;
    }
    // A priority is never 0; identity 0, the lowest hart are as good as any.
    if (before === MODE.INACTIVE) this.#store(WORD.TARGET + source, this.#setting.messages ? 0 : 1);
    if ((mode & LEVEL_BIT) !== 0) this.#setBit(WORD.PENDING, source, this.#rectified(source));
  }

  #mode(source: number): number {
    return this.#load(WORD.MODE + source);
  }

  /** The level of the wire as the mode takes it: false where the mode does not look at it. */
  #rectified(source: number): boolean {
    const mode = this.#mode(source);
    return mode >= MODE.EDGE1 && this.line(source) !== ((mode & 1) !== 0);
  }

  /** The sources of a domain, of 32. */
  #ownWord(domain: number, index: number): number {
    const delegated = this.#load(WORD.DELEGATED + index);
    return domain === CHILD ? delegated : ~delegated;
  }

  #load(index: number): number {
    // Counterpart: the stores in #store, which come before the second version change of their section.
    return Atomics.load(this.#words, index);
  }

  #store(index: number, value: number): void {
    // Counterpart: the loads in #load of readers without the lock.
    Atomics.store(this.#words, index, value | 0);
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
}

/** Every source of the bits of one bitmap word. */
export function* sourcesOf(index: number, bits: number): Generator<number> {
  for (let rest = bits; rest !== 0; ) {
    const lowest = rest & -rest;
    const source = 32 * index + 31 - Math.clz32(lowest);
    if (index < BITMAP_WORDS && !Sources.missing(source)) yield source;
    rest ^= lowest;
  }
}
