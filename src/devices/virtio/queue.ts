import { type GuestMemory, type GuestPhysical, physicalAddress } from '../../memory/guest-memory.ts';
import { type Chain, readChain } from './chain.ts';
import { DESCRIPTOR_BYTES, FEATURE, NO_INTERRUPT, NO_NOTIFY } from './registers.ts';
import { RingError } from './ring-error.ts';
import { QUEUE_WORD as WORD } from './words.ts';

/** Bytes of a ring before its entries: flags and index. */
const RING_HEAD = 4;
/** Bytes of an entry of the driver's ring and of the device's. */
const DRIVER_ENTRY = 2;
const DEVICE_ENTRY = 8;
/** Bytes of the index after each ring that says when its reader wants to hear of the next entry. */
const EVENT = 2;

/**
 * The device's side of a split virtqueue (virtio 1.2, section 2.7).
 *
 * Its state is in shared words, so that each thread may have its own object; its callers hold the lock of the device.
 * Nothing that the guest has written is believed: each method throws {@link RingError} when the rings break the rules.
 * Indices count modulo 2^16.
 */
export class VirtQueue {
  readonly #memory: GuestMemory;
  readonly #words: Int32Array;
  readonly #largest: number;

  /**
   * @param words - `QUEUE_WORDS` shared words
   * @param largest - the greatest size that the driver may choose
   */
  constructor(memory: GuestMemory, words: Int32Array, largest: number) {
    this.#memory = memory;
    this.#words = words;
    this.#largest = largest;
  }

  get ready(): boolean {
    return this.#words[WORD.READY] !== 0;
  }

  /** The first 32 features that were negotiated when it became ready. */
  get features(): number {
    return this.#words[WORD.FEATURES];
  }

  /**
   * Begins to work with the size and the addresses in the words, at index 0. The words of a queue that is ready stay as
   * they are.
   *
   * @param features the negotiated ones of the first 32
   */
  begin(features: number): void {
    const words = this.#words;
    const size = words[WORD.SIZE];
    if (size <= 0 || size > this.#largest || (size & (size - 1)) !== 0) {
      throw new RingError(`a queue of ${size} entries, where ${this.#largest} are the most`);
    }
    this.#check('descriptors', this.#address(WORD.DESC), DESCRIPTOR_BYTES * size, DESCRIPTOR_BYTES);
    this.#check('ring of the driver', this.#address(WORD.DRIVER), RING_HEAD + DRIVER_ENTRY * size + EVENT, 2);
    this.#check('ring of the device', this.#address(WORD.DEVICE), RING_HEAD + DEVICE_ENTRY * size + EVENT, 4);
    words[WORD.FEATURES] = features;
    for (const index of [WORD.NEXT, WORD.USED, WORD.SIGNALLED]) words[index] = 0;
    words[WORD.READY] = 1;
  }

  /** How many chains the driver has put into the queue that were not taken yet. */
  waiting(): number {
    const words = this.#words;
    // Meets the driver's store of the index, which is made after those of the entries.
    const waiting = (this.#load(this.#address(WORD.DRIVER) + 2) - words[WORD.NEXT]) & 0xffff;
    if (waiting > words[WORD.SIZE]) {
      throw new RingError(`${waiting} chains in a queue of ${words[WORD.SIZE]}`);
    }
    return waiting;
  }

  /**
   * Asks the driver to notify of the next chain that it adds.
   *
   * @param after of which one: 2 is the one behind the next. A driver without an event index notifies of each
   * @returns how many chains wait: of these the driver may have said nothing, and of that one it will
   */
  listen(after = 1): number {
    for (let before = this.waiting(); ; ) {
      if (this.#has(FEATURE.EVENT_IDX))
        this.#store(this.#event(), this.#words[WORD.NEXT] + before + after - 1);
      else this.#store(this.#address(WORD.DEVICE), 0);
      // The driver stores its index and then loads the word that was stored here; one of both sees the other's.
      const now = this.waiting();
      if (now === before) return now;
      // So often only as there are entries.
      if (now < before) throw new RingError('the index of the driver goes back');
      before = now;
    }
  }

  /** Lets the driver know that it need not notify until {@link listen} is called. It may do so all the same. */
  hush(): void {
    // With an event index, the last one is passed by and says nothing more.
    if (!this.#has(FEATURE.EVENT_IDX)) this.#store(this.#address(WORD.DEVICE), NO_NOTIFY);
  }

  /** Takes the next chain; undefined if there is none. */
  pop(): Chain | undefined {
    if (this.waiting() === 0) return undefined;
    const words = this.#words;
    const size = words[WORD.SIZE];
    const next = words[WORD.NEXT];
    const entry = this.#address(WORD.DRIVER) + RING_HEAD + DRIVER_ENTRY * (next % size);
    words[WORD.NEXT] = (next + 1) & 0xffff;
    const table = { address: this.#address(WORD.DESC), count: size };
    return readChain(this.#memory, table, this.#load(entry), this.#has(FEATURE.INDIRECT_DESC));
  }

  /** Makes the chains that were taken last the next ones again. */
  unpop(count: number): void {
    this.#words[WORD.NEXT] = (this.#words[WORD.NEXT] - count) & 0xffff;
  }

  /**
   * Gives a chain back.
   *
   * @param written bytes from the start of its writable part that are new
   */
  push({ head }: Chain, written: number): void {
    const words = this.#words;
    const used = words[WORD.USED];
    const ring = this.#address(WORD.DEVICE);
    const entry = ring + RING_HEAD + DEVICE_ENTRY * (used % words[WORD.SIZE]);
    this.#memory.write32(entry, head);
    this.#memory.write32(entry + 4, written);
    words[WORD.USED] = (used + 1) & 0xffff;
    // Meets the driver's load of the index, after which it reads the entry and the buffer.
    this.#store(ring + 2, used + 1);
  }

  /** Whether the driver wants an interrupt for the buffers given back since this was last asked. */
  wantsInterrupt(): boolean {
    const words = this.#words;
    const used = words[WORD.USED];
    const before = words[WORD.SIGNALLED];
    if (used === before) return false;
    words[WORD.SIGNALLED] = used;
    const ring = this.#address(WORD.DRIVER);
    // These loads come after the store of the index, and meet stores of the driver, which then loads the index.
    if (!this.#has(FEATURE.EVENT_IDX)) return (this.#load(ring) & NO_INTERRUPT) === 0;
    const wanted = this.#load(ring + RING_HEAD + DRIVER_ENTRY * words[WORD.SIZE]);
    return ((used - wanted - 1) & 0xffff) < ((used - before) & 0xffff);
  }

  /** Where the driver reads which index it shall notify of. */
  #event(): GuestPhysical {
    return this.#address(WORD.DEVICE) + RING_HEAD + DEVICE_ENTRY * this.#words[WORD.SIZE];
  }

  #has(feature: number): boolean {
    return (this.#words[WORD.FEATURES] & feature) !== 0;
  }

  #address(index: number): GuestPhysical {
    return physicalAddress(this.#words[index], this.#words[index + 1]);
  }

  #check(name: string, address: GuestPhysical, bytes: number, alignment: number): void {
    if (address % alignment !== 0 || !this.#memory.contains(address, bytes)) {
      throw new RingError(`the ${name} at 0x${address.toString(16)}: ${bytes} bytes of RAM were expected`);
    }
  }

  #load(address: GuestPhysical): number {
    const value = this.#memory.load16(address);
    if (value === undefined) throw new RingError('a ring outside of RAM');
    return value;
  }

  #store(address: GuestPhysical, value: number): void {
    if (!this.#memory.store16(address, value)) throw new RingError('a ring outside of RAM');
  }
}
