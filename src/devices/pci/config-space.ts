import type { AccessWidth } from '../device.ts';
import { COMMAND, CONFIG, CONFIG_BYTES, PCI_STATUS } from './registers.ts';

/** Names and numbers by which drivers know a function. */
export interface PciIdentity {
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  /** Class, subclass and programming interface, 24 bits. */
  readonly class: number;
  readonly subsystemVendor: number;
  readonly subsystem: number;
}

/** An entry of the list of capabilities. */
export interface Capability {
  readonly id: number;
  /** All that follows its number and the place of the next one. */
  readonly body: Uint8Array;
  /** The bits of `body` that software may change; none if it is left out. */
  readonly writable?: Uint8Array;
}

const HEAD = 2;
const NO_BITS = new Uint8Array();

/**
 * The configuration space of a function with one window of memory and a pin (PCI 3.0, chapter 6). Registers that
 * software has written is in shared words; zero words are a function just reset.
 */
export class PciConfigSpace {
  /** Shared words that it needs. */
  static readonly WORDS = CONFIG_BYTES / 4;
  /** Where the capabilities begin, in the order in which they were given. */
  readonly places: readonly number[];
  readonly #words: Int32Array;
  readonly #fixed = new DataView(new ArrayBuffer(CONFIG_BYTES));
  /** The bits that software may change. */
  readonly #writable = new DataView(new ArrayBuffer(CONFIG_BYTES));

  /** @param windowBytes - a power of two */
  constructor(
    words: Int32Array,
    identity: PciIdentity,
    windowBytes: number,
    capabilities: readonly Capability[],
  ) {
    this.#words = words;
    const fixed = this.#fixed;
    fixed.setUint16(CONFIG.VENDOR_ID, identity.vendor, true);
    fixed.setUint16(CONFIG.DEVICE_ID, identity.device, true);
    fixed.setUint16(CONFIG.STATUS, PCI_STATUS.CAPABILITIES, true);
    fixed.setUint32(CONFIG.REVISION, identity.revision | (identity.class << 8), true);
    fixed.setUint16(CONFIG.SUBSYSTEM_VENDOR_ID, identity.subsystemVendor, true);
    fixed.setUint16(CONFIG.SUBSYSTEM_ID, identity.subsystem, true);
    fixed.setUint8(CONFIG.INTERRUPT_PIN, 1);
    const writable = this.#writable;
    writable.setUint16(CONFIG.COMMAND, COMMAND.MEMORY | COMMAND.BUS_MASTER | COMMAND.INTX_DISABLE, true);
    writable.setUint32(CONFIG.BAR, -windowBytes, true);
    writable.setUint8(CONFIG.CACHE_LINE_SIZE, 0xff);
    writable.setUint8(CONFIG.INTERRUPT_LINE, 0xff);
    this.places = this.#list(capabilities);
  }

  read(offset: number, width: AccessWidth): number {
    if (offset >= CONFIG_BYTES) return 0;
    const at = offset & ~3;
    const mask = this.#writable.getUint32(at, true);
    const word = (this.#fixed.getUint32(at, true) & ~mask) | (this.#words[at / 4] & mask);
    return ((word >>> (8 * (offset & 3))) & (2 ** (8 * width) - 1)) >>> 0;
  }

  write(offset: number, width: AccessWidth, value: number): void {
    if (offset >= CONFIG_BYTES) return;
    const at = offset & ~3;
    const shift = 8 * (offset & 3);
    const written = ((2 ** (8 * width) - 1) << shift) & this.#writable.getUint32(at, true);
    this.#words[at / 4] = (this.#words[at / 4] & ~written) | ((value << shift) & written);
  }

  /** Whether a bit of COMMAND is set. */
  allows(bit: number): boolean {
    return (this.#words[CONFIG.COMMAND / 4] & bit) !== 0;
  }

  /** PCI address of its window; undefined while it answers nowhere. */
  windowAt(): number | undefined {
    return this.allows(COMMAND.MEMORY) ? this.#words[CONFIG.BAR / 4] >>> 0 : undefined;
  }

  #list(capabilities: readonly Capability[]): number[] {
    let next: number = CONFIG.FREE;
    let link: number = CONFIG.CAPABILITIES;
    return capabilities.map(({ id, body, writable = NO_BITS }) => {
      const place = next;
      next = (place + HEAD + body.length + 3) & ~3;
      if (next > CONFIG_BYTES) throw new RangeError('the capabilities are larger than a configuration space');
      this.#fixed.setUint8(link, place);
      link = place + 1;
      this.#fixed.setUint8(place, id);
      for (const [index, byte] of body.entries()) this.#fixed.setUint8(place + HEAD + index, byte);
      for (const [index, bits] of writable.entries()) this.#writable.setUint8(place + HEAD + index, bits);
      return place;
    });
  }
}
