import { TARGET } from './registers.ts';

/** Places of the registers that say where messages go to, in the order of their addresses. */
const REGISTER = { MACHINE: 0, MACHINE_HIGH: 1, SUPERVISOR: 2, SUPERVISOR_HIGH: 3 } as const;

const LOCKED = 0x8000_0000;
/** Bits of each register that a write can change. */
const WRITABLE = [0xffff_ffff, 0x9f77_ffff, 0xffff_ffff, 0x0070_0fff] as const;

const PAGE = 4096;
const TWO_32 = 2 ** 32;
const HIGH_PAGE = 0xfff;

/**
 * The registers `mmsiaddrcfg` to `smsiaddrcfgh` of a root domain, and the addresses that follow from them: RISC-V AIA
 * 1.0, section "Addresses and data for outgoing MSIs".
 */
export class MessageAddresses {
  readonly #words: Int32Array;
  readonly #first: number;

  /** @param first index of the four words that hold the registers */
  constructor(words: Int32Array, first: number) {
    this.#words = words;
    this.#first = first;
  }

  /** @param index 0 to 3, in the order of their addresses */
  read(index: number): number {
    // Counterpart: the store in `write`.
    return Atomics.load(this.#words, this.#first + index) >>> 0;
  }

  /** Ignored once the registers are locked. Called with the controller's lock held. */
  write(index: number, value: number): void {
    if ((this.read(REGISTER.MACHINE_HIGH) & LOCKED) !== 0) return;
    // Counterpart: the load in `read`.
    Atomics.store(this.#words, this.#first + index, value & WRITABLE[index]);
  }

  /** The address of a hart's machine-level file. */
  machine(hart: number): number {
    const high = this.read(REGISTER.MACHINE_HIGH);
    return this.#address(this.read(REGISTER.MACHINE), high, high, hart, 0);
  }

  /** The address of a hart's supervisor-level file, or of one of its guest files. */
  supervisor(hart: number, guest: number): number {
    const high = this.read(REGISTER.SUPERVISOR_HIGH);
    return this.#address(this.read(REGISTER.SUPERVISOR), high, this.read(REGISTER.MACHINE_HIGH), hart, guest);
  }

  /** @param widths the register that has the fields which both levels share */
  #address(lowPage: number, high: number, widths: number, hart: number, guest: number): number {
    const lowShift = (high >>> 20) & 7;
    const lowWidth = (widths >>> 12) & 15;
    const highWidth = (widths >>> 16) & 7;
    const highShift = (widths >>> 24) & 31;
    // 7 bits by 43 places at most: exact.
    const group = ((hart >>> lowWidth) & (2 ** highWidth - 1)) * 2 ** (highShift + 12);
    const member = (hart & (2 ** lowWidth - 1)) << lowShift;
    const low = (lowPage | (group % TWO_32) | member | guest) >>> 0;
    const top = (high | Math.floor(group / TWO_32)) & HIGH_PAGE;
    // A multiple of the page size, so exact beyond 2^53.
    return (top * TWO_32 + low) * PAGE;
  }
}

/** The hart that a `target` or `genmsi` names. */
export function hartOf(target: number): number {
  return target >>> TARGET.HART_SHIFT;
}

/** The guest file that a `target` names. */
export function guestOf(target: number): number {
  return (target >>> TARGET.GUEST_SHIFT) & TARGET.GUEST;
}
