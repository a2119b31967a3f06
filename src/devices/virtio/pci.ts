import { array, i32 } from '../../layout/struct.ts';
import type { AccessWidth, LineSink, MsiSink } from '../device.ts';
import { PciConfigSpace } from '../pci/config-space.ts';
import type { PciFunction } from '../pci/function.ts';
import { MsixTable } from '../pci/msix.ts';
import { CAPABILITY, COMMAND, CONFIG, MSI_X, PCI_STATUS } from '../pci/registers.ts';
import type { VirtioFunction } from './function.ts';
import { ACCESS, virtioCapabilities } from './pci-capabilities.ts';
import { COMMON, NO_VECTOR, NOTIFY_STEP, PART, PART_BYTES, VIRTIO_PCI } from './pci-registers.ts';
import { INTERRUPT } from './registers.ts';
import { VirtioTransport, type VirtioWiring } from './transport.ts';
import { QUEUE_WORD, virtioWords, WORD } from './words.ts';

/** The words of a queue that its registers show, by their offset. */
const QUEUE_REGISTERS: ReadonlyMap<number, number> = new Map([
  [COMMON.QUEUE_SIZE, QUEUE_WORD.SIZE],
  [COMMON.QUEUE_DESC, QUEUE_WORD.DESC],
  [COMMON.QUEUE_DESC + 4, QUEUE_WORD.DESC + 1],
  [COMMON.QUEUE_DRIVER, QUEUE_WORD.DRIVER],
  [COMMON.QUEUE_DRIVER + 4, QUEUE_WORD.DRIVER + 1],
  [COMMON.QUEUE_DEVICE, QUEUE_WORD.DEVICE],
  [COMMON.QUEUE_DEVICE + 4, QUEUE_WORD.DEVICE + 1],
]);

/** How a virtio device is connected to the PCI bus. */
export interface VirtioPciWiring extends VirtioWiring {
  /** The function's pin. */
  readonly irq: LineSink;
  /** Undefined if no messages reach interrupt files in the machine. */
  readonly msi: MsiSink | undefined;
  /** Class, subclass and programming interface, 24 bits. */
  readonly class: number;
}

/**
 * The transport of virtio over PCI, without the registers of before virtio 1.0 (virtio 1.2, section 4.1), of one
 * device. It has one window of memory; interrupts are messages where software has enabled them, else its pin.
 */
export class VirtioPci extends VirtioTransport implements PciFunction {
  /** The layouts of its words behind those of all transports. */
  static readonly STATE = [array(i32, PciConfigSpace.WORDS), MsixTable.STATE];
  readonly size = VIRTIO_PCI.windowBytes;
  readonly #queueCount: number;
  readonly #irq: LineSink;
  readonly #config: PciConfigSpace;
  readonly #msix: MsixTable | undefined;
  /** Places of the capabilities for access without the window, and of MSI-X. */
  readonly #accessAt: number;
  readonly #msixAt: number;
  /** First of the words with the vector of changes of configuration and that of each queue, 1 more than it is. */
  readonly #vectorsAt: number;

  /**
   * @param words - as many shared words as {@link wordsFor} says, then those of the device's own
   * @param sizes - the greatest size of each queue, a power of two up to 32768
   */
  constructor(
    words: Int32Array,
    device: VirtioFunction,
    sizes: readonly number[],
    { irq, msi, class: pciClass, ...wiring }: VirtioPciWiring,
  ) {
    super(words, Math.max(words.length, VirtioPci.wordsFor(sizes.length)), device, sizes, wiring);
    this.#queueCount = sizes.length;
    this.#irq = irq;
    this.#vectorsAt = virtioWords(sizes.length);
    const vectors = sizes.length + 1;
    const configAt = this.#vectorsAt + vectors;
    const msixAt = configAt + PciConfigSpace.WORDS;
    const options = {
      queues: sizes.length,
      configBytes: device.config?.size ?? 0,
      messages: msi !== undefined,
    };
    const capabilities = virtioCapabilities(options);
    this.#config = new PciConfigSpace(
      this.words.subarray(configAt, msixAt),
      {
        vendor: VIRTIO_PCI.vendor,
        device: VIRTIO_PCI.firstDevice + device.id,
        revision: VIRTIO_PCI.revision,
        class: pciClass,
        subsystemVendor: VIRTIO_PCI.vendor,
        subsystem: VIRTIO_PCI.subsystem,
      },
      this.size,
      capabilities,
    );
    this.#msix = msi === undefined ? undefined : new MsixTable(this.words.subarray(msixAt), vectors, msi);
    const msix = capabilities.findIndex(({ id }) => id === CAPABILITY.MSI_X);
    this.#accessAt = this.#config.places[0];
    this.#msixAt = msix < 0 ? 0 : this.#config.places[msix];
  }

  /** Shared words of a device with so many queues. */
  static wordsFor(queues: number): number {
    const vectors = queues + 1;
    return virtioWords(queues) + vectors + PciConfigSpace.WORDS + MsixTable.wordsFor(vectors);
  }

  windowAt(): number | undefined {
    return this.#config.windowAt();
  }

  readConfig(offset: number, width: AccessWidth): number {
    if (this.#isAccess(offset)) return this.#throughAccess((at, bytes) => this.read(at, bytes)) ?? 0;
    return (
      this.guard.locked(() => {
        const value = this.#config.read(offset, width);
        const raised = (offset & ~3) === CONFIG.COMMAND && this.words[WORD.INTERRUPT_STATUS] !== 0;
        if (!raised) return value;
        return offset === CONFIG.COMMAND
          ? value | (width === 4 ? PCI_STATUS.INTERRUPT << 16 : 0)
          : value | (offset === CONFIG.STATUS ? PCI_STATUS.INTERRUPT : 0);
      }) >>> 0
    );
  }

  writeConfig(offset: number, width: AccessWidth, value: number): void {
    if (this.#isAccess(offset)) {
      this.#throughAccess((at, bytes) => this.write(at, bytes, value));
      return;
    }
    this.change(false, () => {
      const could = this.mayUseMemory();
      this.#config.write(offset, width, value);
      this.driveOutputs();
      if (this.#messagesLive()) this.#msix?.sendPending();
      if (!could && this.mayUseMemory()) this.serveAll();
    });
  }

  read(offset: number, width: AccessWidth): number {
    // Reading the register clears it.
    if (offset === PART.ISR) return this.guard.change(() => this.#takeInterruptStatus());
    return this.guard.locked(() => this.#read(offset, width)) >>> 0;
  }

  write(offset: number, width: AccessWidth, value: number): void {
    const ends = value === 0 && offset === PART.COMMON + COMMON.DEVICE_STATUS;
    this.change(ends, () => this.#write(offset, width, value));
  }

  protected override clear(): void {
    this.words.fill(0, this.#vectorsAt, this.#vectorsAt + 1 + this.#queueCount);
    super.clear();
  }

  protected override mayUseMemory(): boolean {
    return this.#config.allows(COMMAND.BUS_MASTER);
  }

  protected override usedBuffers(queue: number): void {
    if (this.#messagesEnabled()) this.#raise(1 + queue);
    else this.#interrupt(INTERRUPT.USED_BUFFER);
  }

  protected override changed(): void {
    this.#interrupt(INTERRUPT.CONFIG_CHANGE);
    if (this.#messagesEnabled()) this.#raise(0);
  }

  protected override driveOutputs(): void {
    const raised = this.words[WORD.INTERRUPT_STATUS] !== 0;
    this.#irq.set(raised && !this.#messagesEnabled() && !this.#config.allows(COMMAND.INTX_DISABLE));
  }

  #read(offset: number, width: AccessWidth): number {
    const part = offset & -PART_BYTES;
    const at = offset - part;
    switch (part) {
      case PART.COMMON:
        return this.#readCommon(at) & (2 ** (8 * width) - 1);
      case PART.DEVICE:
        return this.readDeviceConfig(at, width);
      case PART.MSIX_TABLE:
        return this.#msix?.read(at, width) ?? 0;
      case PART.MSIX_PENDING:
        return this.#msix?.readPending(at, width) ?? 0;
      default:
        return 0;
    }
  }

  #write(offset: number, width: AccessWidth, value: number): void {
    const part = offset & -PART_BYTES;
    const at = offset - part;
    switch (part) {
      case PART.COMMON:
        this.#writeCommon(at, value);
        break;
      case PART.DEVICE:
        this.writeDeviceConfig(at, width, value);
        break;
      case PART.NOTIFY:
        if (at % NOTIFY_STEP === 0) this.serve(at / NOTIFY_STEP);
        break;
      case PART.MSIX_TABLE:
        this.#msix?.write(at, width, value, this.#messagesLive());
    }
  }

  #readCommon(offset: number): number {
    const { words } = this;
    switch (offset) {
      case COMMON.DEVICE_FEATURE_SELECT:
        return words[WORD.DEVICE_FEATURES_SEL];
      case COMMON.DEVICE_FEATURE:
        return this.offered(words[WORD.DEVICE_FEATURES_SEL]);
      case COMMON.DRIVER_FEATURE_SELECT:
        return words[WORD.DRIVER_FEATURES_SEL];
      case COMMON.DRIVER_FEATURE: {
        const half = words[WORD.DRIVER_FEATURES_SEL];
        return half === 0 || half === 1 ? words[WORD.DRIVER_FEATURES + half] : 0;
      }
      case COMMON.CONFIG_MSIX_VECTOR:
        return this.#vector(0);
      case COMMON.NUM_QUEUES:
        return this.#queueCount;
      case COMMON.DEVICE_STATUS:
        return words[WORD.STATUS];
      case COMMON.CONFIG_GENERATION:
        return words[WORD.CONFIG_GENERATION];
      case COMMON.QUEUE_SELECT:
        return words[WORD.QUEUE_SEL];
      case COMMON.QUEUE_SIZE:
        return this.#queueSize();
      case COMMON.QUEUE_MSIX_VECTOR:
        return this.largestSize() === 0 ? NO_VECTOR : this.#vector(1 + words[WORD.QUEUE_SEL]);
      case COMMON.QUEUE_ENABLE:
        return this.queueReady() ? 1 : 0;
      case COMMON.QUEUE_NOTIFY_OFF:
        return words[WORD.QUEUE_SEL];
      default: {
        const place = this.queueWord(QUEUE_REGISTERS.get(offset) ?? -1);
        return place === undefined || !QUEUE_REGISTERS.has(offset) ? 0 : words[place];
      }
    }
  }

  #writeCommon(offset: number, value: number): void {
    const { words } = this;
    switch (offset) {
      case COMMON.DEVICE_FEATURE_SELECT:
        words[WORD.DEVICE_FEATURES_SEL] = value;
        break;
      case COMMON.DRIVER_FEATURE_SELECT:
        words[WORD.DRIVER_FEATURES_SEL] = value;
        break;
      case COMMON.DRIVER_FEATURE:
        this.chooseFeatures(words[WORD.DRIVER_FEATURES_SEL], value);
        break;
      case COMMON.CONFIG_MSIX_VECTOR:
        this.#setVector(0, value);
        break;
      case COMMON.DEVICE_STATUS:
        this.writeStatus(value & 0xff);
        break;
      case COMMON.QUEUE_SELECT:
        words[WORD.QUEUE_SEL] = value & 0xffff;
        break;
      case COMMON.QUEUE_MSIX_VECTOR:
        if (this.largestSize() > 0) this.#setVector(1 + words[WORD.QUEUE_SEL], value);
        break;
      case COMMON.QUEUE_ENABLE:
        // Software writes nothing but 1; the way to end a queue is a reset.
        if (value === 1) this.#enableQueue();
        break;
      default: {
        const word = QUEUE_REGISTERS.get(offset);
        if (word !== undefined) this.describeQueue(word, value);
      }
    }
  }

  /** A driver that does not choose has the greatest size. */
  #queueSize(): number {
    const place = this.queueWord(QUEUE_WORD.SIZE);
    return place === undefined ? 0 : this.words[place] || this.largestSize();
  }

  #enableQueue(): void {
    this.describeQueue(QUEUE_WORD.SIZE, this.#queueSize());
    this.beginQueue();
  }

  #vector(index: number): number {
    const word = this.words[this.#vectorsAt + index];
    return word === 0 ? NO_VECTOR : word - 1;
  }

  /** A vector that there is not becomes none: so drivers see that they have too many. */
  #setVector(index: number, value: number): void {
    const possible = this.#msix !== undefined && value <= this.#queueCount;
    this.words[this.#vectorsAt + index] = possible ? value + 1 : 0;
  }

  #takeInterruptStatus(): number {
    const status = this.words[WORD.INTERRUPT_STATUS];
    this.words[WORD.INTERRUPT_STATUS] = 0;
    this.driveOutputs();
    return status;
  }

  #interrupt(bit: number): void {
    this.words[WORD.INTERRUPT_STATUS] |= bit;
    this.driveOutputs();
  }

  /** @param index 0 for the configuration, else 1 more than the queue's number */
  #raise(index: number): void {
    const vector = this.#vector(index);
    if (vector !== NO_VECTOR) this.#msix?.raise(vector, this.#messagesLive());
  }

  #messageControl(): number {
    return this.#msix === undefined ? 0 : this.#config.read(this.#msixAt + 2, 2);
  }

  #messagesEnabled(): boolean {
    return (this.#messageControl() & MSI_X.ENABLE) !== 0;
  }

  /** Whether messages are sent now: a message is a write to memory. */
  #messagesLive(): boolean {
    const bits = this.#messageControl() & (MSI_X.ENABLE | MSI_X.FUNCTION_MASK);
    return bits === MSI_X.ENABLE && this.mayUseMemory();
  }

  #isAccess(offset: number): boolean {
    const at = offset - this.#accessAt - ACCESS.DATA;
    return at >= 0 && at < 4;
  }

  /** Calls `access` with the place in the window that software has chosen, if it is one. */
  #throughAccess<T>(access: (offset: number, width: AccessWidth) => T): T | undefined {
    const bar = this.#config.read(this.#accessAt + ACCESS.BAR, 1);
    const offset = this.#config.read(this.#accessAt + ACCESS.OFFSET, 4);
    const length = this.#config.read(this.#accessAt + ACCESS.LENGTH, 4);
    if (length !== 1 && length !== 2 && length !== 4) return undefined;
    if (bar !== 0 || offset % length !== 0 || offset + length > this.size) return undefined;
    return access(offset, length);
  }
}
