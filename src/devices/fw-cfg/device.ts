import { type GuestMemory, type GuestPhysical, physicalAddress } from '../../memory/guest-memory.ts';
import type { AccessWidth } from '../device.ts';
import { SharedDevice } from '../shared-device.ts';
import { FW_CFG } from './facts.ts';
import type { Items } from './items.ts';
import { CONTROL, DMA_SIGNATURE, REG, REQUEST, WRITE_CHANNEL } from './registers.ts';
import { WORD, WORDS } from './words.ts';

/** Zeroes that one copy brings to the guest at most. */
const ZEROES = new Uint8Array(0x1_0000);
const NOTHING = new Uint8Array();

/** Items about the machine that its guest can read, byte by byte or by requests in memory. None can be written. */
export class FwCfg extends SharedDevice {
  static readonly WORDS = WORDS;
  readonly name = 'fw-cfg';
  readonly size = FW_CFG.size;
  readonly #items: Items;
  readonly #memory: GuestMemory;

  /** @param words - `FwCfg.WORDS` shared words */
  constructor(words: Int32Array, items: Items, memory: GuestMemory) {
    super(words, WORDS, 'fw-cfg');
    this.#items = items;
    this.#memory = memory;
  }

  read(offset: number, width: AccessWidth): number {
    if (offset < REG.SELECTOR)
      return compose(
        this.guard.change(() => this.#take(width)),
        width,
      );
    return offset < REG.DMA ? 0 : compose(DMA_SIGNATURE_BYTES.subarray(offset - REG.DMA), width);
  }

  write(offset: number, width: AccessWidth, value: number): void {
    if (offset === REG.SELECTOR && width === 2) this.guard.change(() => this.#select(swap16(value)));
    if (offset === REG.DMA && width === 4)
      this.guard.change(() => this.words.set([swap32(value)], WORD.DMA_HIGH));
    if (offset === REG.DMA + 4 && width === 4) this.guard.change(() => this.#request(swap32(value)));
  }

  protected override driveOutputs(): void {}

  #select(selector: number): void {
    this.words[WORD.ITEM] = selector & ~WRITE_CHANNEL;
    this.words[WORD.POSITION] = 0;
  }

  /** The next bytes of the item: fewer than `most` at its end. */
  #take(most: number): Uint8Array {
    const { words } = this;
    const item = this.#items.get(words[WORD.ITEM]) ?? NOTHING;
    const bytes = item.subarray(words[WORD.POSITION], words[WORD.POSITION] + most);
    words[WORD.POSITION] += bytes.length;
    return bytes;
  }

  /** Carries out a request; its result stands in its control. */
  #request(low: number): void {
    const address = physicalAddress(low, this.words[WORD.DMA_HIGH]);
    this.words[WORD.DMA_HIGH] = 0;
    const bytes = this.#memory.copyOut(address, REQUEST.BYTES);
    const done = bytes !== undefined && this.#carryOut(new DataView(bytes.buffer));
    this.#memory.write32(address + REQUEST.CONTROL, swap32(done ? 0 : CONTROL.ERROR));
  }

  #carryOut(request: DataView): boolean {
    const control = request.getUint32(REQUEST.CONTROL);
    const length = request.getUint32(REQUEST.LENGTH);
    const high = request.getUint32(REQUEST.ADDRESS);
    const low = request.getUint32(REQUEST.ADDRESS + 4);
    if ((control & CONTROL.SELECT) !== 0) this.#select(control >>> 16);
    if ((control & CONTROL.READ) !== 0) return this.#copy(physicalAddress(low, high), length);
    if ((control & CONTROL.WRITE) !== 0) return length === 0;
    if ((control & CONTROL.SKIP) !== 0) this.#take(length);
    return true;
  }

  /** Copies so many bytes of the item to memory, and zeroes behind its end. */
  #copy(address: GuestPhysical, length: number): boolean {
    if (!this.#memory.contains(address, length)) return false;
    const bytes = this.#take(length);
    this.#memory.copyIn(address, bytes);
    for (let at = bytes.length; at < length; at += ZEROES.length) {
      this.#memory.copyIn(address + at, ZEROES.subarray(0, length - at));
    }
    return true;
  }
}

const DMA_SIGNATURE_BYTES = new TextEncoder().encode(DMA_SIGNATURE);

/** The little-endian number that bytes are in memory; those that there are too few of are 0. */
function compose(bytes: Uint8Array, width: AccessWidth): number {
  let value = 0;
  for (let index = Math.min(width, bytes.length) - 1; index >= 0; index--) value = value * 256 + bytes[index];
  return value;
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

function swap32(value: number): number {
  return ((swap16(value & 0xffff) << 16) | swap16(value >>> 16)) >>> 0;
}
