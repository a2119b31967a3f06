import type { AccessWidth, LineSink } from '../device.ts';
import { VIRTIO_MMIO } from './facts.ts';
import type { VirtioFunction } from './function.ts';
import { INTERRUPT, MAGIC, REG, VENDOR, VERSION } from './registers.ts';
import { VirtioTransport, type VirtioWiring } from './transport.ts';
import { QUEUE_WORD, virtioWords, WORD } from './words.ts';

const ALL_ONES = 0xffff_ffff;

/** The words of a queue that its registers show, by their offset. */
const QUEUE_REGISTERS: ReadonlyMap<number, number> = new Map([
  [REG.QUEUE_NUM, QUEUE_WORD.SIZE],
  [REG.QUEUE_DESC, QUEUE_WORD.DESC],
  [REG.QUEUE_DESC + 4, QUEUE_WORD.DESC + 1],
  [REG.QUEUE_DRIVER, QUEUE_WORD.DRIVER],
  [REG.QUEUE_DRIVER + 4, QUEUE_WORD.DRIVER + 1],
  [REG.QUEUE_DEVICE, QUEUE_WORD.DEVICE],
  [REG.QUEUE_DEVICE + 4, QUEUE_WORD.DEVICE + 1],
]);

/** The transport of virtio over memory-mapped registers, version 2 (virtio 1.2, section 4.2), of one device. */
export class VirtioMmio extends VirtioTransport {
  readonly size = VIRTIO_MMIO.size;
  readonly #irq: LineSink;

  /**
   * @param words - as many shared words as `virtioWords` says, then those of the device's own
   * @param sizes - the greatest size of each queue, a power of two up to 32768
   */
  constructor(
    words: Int32Array,
    device: VirtioFunction,
    sizes: readonly number[],
    { irq, ...wiring }: VirtioWiring & { readonly irq: LineSink },
  ) {
    super(words, Math.max(words.length, virtioWords(sizes.length)), device, sizes, wiring);
    this.#irq = irq;
  }

  read(offset: number, width: AccessWidth): number {
    return (
      this.guard.locked(() => {
        if (offset >= REG.CONFIG) return this.readDeviceConfig(offset - REG.CONFIG, width);
        return width === 4 ? this.#readRegister(offset) : 0;
      }) >>> 0
    );
  }

  write(offset: number, width: AccessWidth, value: number): void {
    const ends = value === 0 && (offset === REG.STATUS || offset === REG.QUEUE_READY);
    this.change(ends, () => {
      if (offset >= REG.CONFIG) this.writeDeviceConfig(offset - REG.CONFIG, width, value);
      else if (width === 4) this.#writeRegister(offset, value);
    });
  }

  protected override usedBuffers(): void {
    this.#interrupt(INTERRUPT.USED_BUFFER);
  }

  protected override changed(): void {
    this.#interrupt(INTERRUPT.CONFIG_CHANGE);
  }

  protected override driveOutputs(): void {
    this.#irq.set(this.words[WORD.INTERRUPT_STATUS] !== 0);
  }

  #readRegister(offset: number): number {
    const words = this.words;
    switch (offset) {
      case REG.MAGIC:
        return MAGIC;
      case REG.VERSION:
        return VERSION;
      case REG.DEVICE_ID:
        return this.function.id;
      case REG.VENDOR_ID:
        return VENDOR;
      case REG.DEVICE_FEATURES:
        return this.offered(words[WORD.DEVICE_FEATURES_SEL]);
      case REG.QUEUE_NUM_MAX:
        return this.largestSize();
      case REG.QUEUE_READY:
        return this.queueReady() ? 1 : 0;
      case REG.INTERRUPT_STATUS:
        return words[WORD.INTERRUPT_STATUS];
      case REG.STATUS:
        return words[WORD.STATUS];
      case REG.SHM_LEN:
      case REG.SHM_LEN + 4:
      case REG.SHM_BASE:
      case REG.SHM_BASE + 4:
        return ALL_ONES;
      case REG.CONFIG_GENERATION:
        return words[WORD.CONFIG_GENERATION];
      default:
        return 0;
    }
  }

  #writeRegister(offset: number, value: number): void {
    const words = this.words;
    switch (offset) {
      case REG.DEVICE_FEATURES_SEL:
        words[WORD.DEVICE_FEATURES_SEL] = value;
        break;
      case REG.DRIVER_FEATURES_SEL:
        words[WORD.DRIVER_FEATURES_SEL] = value;
        break;
      case REG.DRIVER_FEATURES:
        this.chooseFeatures(words[WORD.DRIVER_FEATURES_SEL], value);
        break;
      case REG.QUEUE_SEL:
        words[WORD.QUEUE_SEL] = value;
        break;
      case REG.QUEUE_READY:
        if (value === 0) this.endQueue();
        else this.beginQueue();
        break;
      case REG.QUEUE_NOTIFY:
        this.serve(value);
        break;
      case REG.INTERRUPT_ACK:
        words[WORD.INTERRUPT_STATUS] &= ~value;
        this.driveOutputs();
        break;
      case REG.STATUS:
        this.writeStatus(value & 0xff);
        break;
      default: {
        const word = QUEUE_REGISTERS.get(offset);
        if (word !== undefined) this.describeQueue(word, value);
      }
    }
  }

  #interrupt(bit: number): void {
    this.words[WORD.INTERRUPT_STATUS] |= bit;
    this.driveOutputs();
  }
}
