/** A guest-physical address. One that is not exact (2^53 and above) is in no RAM. */
export type GuestPhysical = number & { readonly space?: 'guest' };
/** An address in linear memory, 0 to 2^32 - 1. Index typed arrays by division or `>>>`, never by `>>`. */
export type HostOffset = number & { readonly space?: 'host' };

/** A guest-physical address from both halves of a register. */
export function physicalAddress(low: number, high: number): GuestPhysical {
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}

/**
 * Guest RAM within linear memory: `size` bytes from guest-physical `base`, at `offset` in linear memory. All three are
 * multiples of 4096: decoded code and translations go by pages.
 */
export interface RamWindow {
  readonly base: GuestPhysical;
  readonly size: number;
  readonly offset: HostOffset;
}

/** Consecutive 32-bit words of RAM, signed; each access is atomic. */
export interface GuestWords {
  load(index: number): number;
  store(index: number, value: number): void;
}

const PAGE = 4096;

/**
 * The RAM of one guest, as one thread sees it: the only place where a guest-physical address becomes one of linear
 * memory.
 *
 * Addresses and lengths may come from the guest as they are. A range that is not all in RAM gives `undefined`, false or
 * -1, and nothing of it is written. An empty range is in RAM where its address is, or is the end of RAM. Values are
 * little-endian.
 *
 * The writing methods are for the host: devices, the SBI, a debugger. They announce each write to the listeners of this
 * object ({@link onWrite}), that is, of this thread. A hart's own stores are the guest's; they go to linear memory at
 * {@link offsetOf} and are not announced. Decoded code listens to neither: as on real machines whose devices write to
 * memory, a guest says FENCE.I before it executes written code, and each hart then compares its decoded pages with RAM.
 */
export class GuestMemory {
  /** Guest-physical address of the first byte of RAM. */
  readonly base: GuestPhysical;
  /** Bytes of RAM. */
  readonly size: number;
  /** All linear memory, which has a fixed size. */
  readonly linear: WebAssembly.Memory;
  readonly #offset: HostOffset;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #halfwords: Uint16Array;
  readonly #words: Int32Array;
  readonly #listeners: ((address: GuestPhysical, bytes: number) => void)[] = [];

  constructor(linear: WebAssembly.Memory, { base, size, offset }: RamWindow) {
    this.base = base;
    this.size = size;
    this.linear = linear;
    this.#offset = offset;
    this.#view = new DataView(linear.buffer);
    this.#bytes = new Uint8Array(linear.buffer);
    this.#halfwords = new Uint16Array(linear.buffer);
    this.#words = new Int32Array(linear.buffer);
  }

  /** The RAM at the same place of another linear memory. */
  within(linear: WebAssembly.Memory): GuestMemory {
    return new GuestMemory(linear, { base: this.base, size: this.size, offset: this.#offset });
  }

  /** Tells `listener` of each write by this object, after it is done. */
  onWrite(listener: (address: GuestPhysical, bytes: number) => void): void {
    this.#listeners.push(listener);
  }

  /** Whether so many bytes from an address on are all RAM. */
  contains(address: GuestPhysical, bytes: number): boolean {
    return this.offsetOf(address, bytes) >= 0;
  }

  /** Where so many bytes of RAM begin in linear memory; -1 unless they are all RAM. */
  offsetOf(address: GuestPhysical, bytes: number): HostOffset {
    const offset = address - this.base;
    return offset >= 0 && bytes >= 0 && offset + bytes <= this.size ? this.#offset + offset : -1;
  }

  /** Number of the 4 KiB page of RAM that an address is in, from 0 on; -1 outside of RAM. */
  pageOf(address: GuestPhysical): number {
    const offset = address - this.base;
    return offset >= 0 && offset < this.size ? Math.floor(offset / PAGE) : -1;
  }

  /** Where a page of RAM begins in linear memory, by its number. */
  offsetOfPage(page: number): HostOffset {
    return this.#offset + page * PAGE;
  }

  /** All of RAM as 32-bit words, to be compared, or overwritten where nobody listens. */
  asWords(): Int32Array {
    return new Int32Array(this.linear.buffer, this.#offset, this.size / 4);
  }

  /** A copy of a range. Its length is the guest's if the caller sets no bound to it. */
  copyOut(address: GuestPhysical, length: number): Uint8Array<ArrayBuffer> | undefined {
    const at = this.offsetOf(address, length);
    return at < 0 ? undefined : this.#bytes.slice(at, at + length);
  }

  copyIn(address: GuestPhysical, bytes: Uint8Array): boolean {
    const at = this.offsetOf(address, bytes.length);
    if (at < 0) return false;
    this.#bytes.set(bytes, at);
    if (bytes.length > 0) this.#announce(address, bytes.length);
    return true;
  }

  /**
   * Lets `work` read a range in place. The guest may change it meanwhile.
   *
   * @returns false, without a call, unless it is all RAM
   */
  use(address: GuestPhysical, length: number, work: (bytes: Uint8Array) => void): boolean {
    const at = this.offsetOf(address, length);
    if (at < 0) return false;
    work(this.#bytes.subarray(at, at + length));
    return true;
  }

  /** Lets `work` write a range in place; else as {@link use}. It counts as written also where `work` throws. */
  fill(address: GuestPhysical, length: number, work: (bytes: Uint8Array) => void): boolean {
    try {
      return this.use(address, length, work);
    } finally {
      if (this.contains(address, length)) this.#announce(address, length);
    }
  }

  /** A range was written to in place, by way of the result of {@link use}. */
  wrote(address: GuestPhysical, length: number): void {
    if (this.#listeners.length > 0 && this.contains(address, length)) this.#announce(address, length);
  }

  /** A plain read, unsigned, at any alignment; so are the next two. */
  read8(address: GuestPhysical): number | undefined {
    const at = this.offsetOf(address, 1);
    return at < 0 ? undefined : this.#view.getUint8(at);
  }

  read16(address: GuestPhysical): number | undefined {
    const at = this.offsetOf(address, 2);
    return at < 0 ? undefined : this.#view.getUint16(at, true);
  }

  read32(address: GuestPhysical): number | undefined {
    const at = this.offsetOf(address, 4);
    return at < 0 ? undefined : this.#view.getUint32(at, true);
  }

  /** A plain write of the low 8 bits, at any alignment; the next two write 16 and 32. */
  write8(address: GuestPhysical, value: number): boolean {
    const at = this.offsetOf(address, 1);
    if (at < 0) return false;
    this.#view.setUint8(at, value);
    return this.#announce(address, 1);
  }

  write16(address: GuestPhysical, value: number): boolean {
    const at = this.offsetOf(address, 2);
    if (at < 0) return false;
    this.#view.setUint16(at, value, true);
    return this.#announce(address, 2);
  }

  write32(address: GuestPhysical, value: number): boolean {
    const at = this.offsetOf(address, 4);
    if (at < 0) return false;
    this.#view.setUint32(at, value, true);
    return this.#announce(address, 4);
  }

  /** An atomic load, unsigned. The address must be aligned, or there is no such word; so with the next three. */
  load16(address: GuestPhysical): number | undefined {
    const at = this.#aligned(address, 2);
    // Meets stores of the guest's harts; the guest's stores before this value are visible after it.
    return at < 0 ? undefined : Atomics.load(this.#halfwords, at / 2);
  }

  load32(address: GuestPhysical): number | undefined {
    const at = this.#aligned(address, 4);
    // As in `load16`.
    return at < 0 ? undefined : Atomics.load(this.#words, at / 4) >>> 0;
  }

  store16(address: GuestPhysical, value: number): boolean {
    const at = this.#aligned(address, 2);
    if (at < 0) return false;
    // Meets loads of the guest's harts: one that sees this value sees the host's writes before it.
    Atomics.store(this.#halfwords, at / 2, value);
    return this.#announce(address, 2);
  }

  store32(address: GuestPhysical, value: number): boolean {
    const at = this.#aligned(address, 4);
    if (at < 0) return false;
    // As in `store16`.
    Atomics.store(this.#words, at / 4, value);
    return this.#announce(address, 4);
  }

  /** So many words from an address on; undefined if it is not a multiple of 4, or not all of them are RAM. */
  words(address: GuestPhysical, count: number): GuestWords | undefined {
    const at = address % 4 === 0 ? this.offsetOf(address, 4 * count) : -1;
    if (at < 0) return undefined;
    const words = new Int32Array(this.linear.buffer, at, count);
    return {
      // As in `load16` and `store16`.
      load: (index) => Atomics.load(words, index),
      store: (index, value) => {
        Atomics.store(words, index, value);
        this.#announce(address + 4 * index, 4);
      },
    };
  }

  #aligned(address: GuestPhysical, width: number): HostOffset {
    return address % width === 0 ? this.offsetOf(address, width) : -1;
  }

  #announce(address: GuestPhysical, bytes: number): true {
    for (const listener of this.#listeners) listener(address, bytes);
    return true;
  }
}
