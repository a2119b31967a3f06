import type { GuestMemory } from '../../memory/guest-memory.ts';
import { checkRange, type ShortStorage, type Storage } from '../../storage/storage.ts';
import type { DriveFacts } from '../descriptor.ts';
import { bytesIn, type Chain, gather, partsOf, type Segment, scatter, slice } from '../virtio/chain.ts';
import type { ConfigSpace, VirtioFunction } from '../virtio/function.ts';
import { RingError } from '../virtio/ring-error.ts';
import { blkConfig, MOST_RANGE_SECTORS, MOST_RANGES } from './config.ts';
import {
  BLK_FEATURE,
  HEADER_BYTES,
  ID_BYTES,
  RANGE_BYTES,
  REQUEST,
  REQUEST_STATUS,
  UNMAP,
  VIRTIO_BLK,
} from './facts.ts';

const { OK, IOERR, UNSUPP } = REQUEST_STATUS;
const WRITES: readonly number[] = [REQUEST.WRITE, REQUEST.DISCARD, REQUEST.WRITE_ZEROES];

/**
 * Bytes of the data of a request that is carried out where it is made: to copy them takes less than two wake-ups, of
 * the I/O thread and of the hart that waits for it.
 */
const MOST_SHORT_BYTES = 1 << 20;

/** Different troubles of a drive that are remembered. */
const MOST_TOLD = 8;

/** The surroundings of a drive. */
export interface BlkOptions {
  readonly memory: GuestMemory;
  readonly drive: DriveFacts;
  readonly queues: number;
  /** The drive's contents, asked for when the first request comes, on the thread that carries requests out. */
  open(): Storage;
  /** The part of them for the thread of a hart, if there is any. */
  openShort?(): ShortStorage | undefined;
  /** The host could not read or write; `text` is for people. */
  onTrouble(text: string): void;
}

/** A request as its driver wrote it. */
interface Request {
  readonly type: number;
  /** Byte of the drive; not exact above 2^53, where no drive reaches. */
  readonly offset: number;
  /** The data behind the header, and the room before the status. */
  readonly data: readonly Segment[];
  readonly room: readonly Segment[];
}

/** The result of a request: its status, and bytes from the start of its room that are new. */
interface Answer {
  readonly status: number;
  readonly written: number;
}

/** The part of a storage for reads and writes. */
type Transfers = Pick<Storage, 'size' | 'readParts' | 'writeParts'>;

/** A disk: requests that read, write and flush a {@link Storage}. */
export class VirtioBlk implements VirtioFunction {
  readonly name = 'virtio-blk';
  readonly id = VIRTIO_BLK.id;
  readonly features: number;
  readonly withoutVersion = true;
  readonly config: ConfigSpace;
  readonly #options: BlkOptions;
  /** The last messages to people: one is enough for a trouble, however often the guest tries again. */
  readonly #told: string[] = [];
  #storage: Storage | undefined;
  /** Null: there is none. */
  #shortStorage: ShortStorage | undefined | null;

  constructor(options: BlkOptions) {
    const { SEG_MAX, RO, BLK_SIZE, FLUSH, MQ, DISCARD, WRITE_ZEROES } = BLK_FEATURE;
    this.features = SEG_MAX | BLK_SIZE | FLUSH | MQ | (options.drive.readOnly ? RO : DISCARD | WRITE_ZEROES);
    this.config = blkConfig(options.drive, options.queues);
    this.#options = options;
  }

  carryOut(chain: Chain): number {
    const request = this.#requestOf(chain);
    if (request === undefined) throw new RingError('a request without a header or a status');
    return this.#finish(chain, () => this.#perform(request));
  }

  /** Reads and writes are short: requests of a sector or less are neither, or as good as never made. */
  carryOutHere(chain: Chain): (() => number) | undefined {
    const bytes = bytesIn(chain.readable) + chain.room - HEADER_BYTES - 1;
    if (bytes < VIRTIO_BLK.sector || bytes > MOST_SHORT_BYTES) return undefined;
    if (this.#options.drive.anyThread === true) return () => this.carryOut(chain);
    if (this.#shortStorage === undefined) this.#shortStorage = this.#options.openShort?.() ?? null;
    const storage = this.#shortStorage;
    const request = storage === null ? undefined : this.#requestOf(chain);
    if (storage === null || request === undefined) return undefined;
    const { type, offset, data, room } = request;
    if (type !== REQUEST.READ && type !== REQUEST.WRITE) return undefined;
    const writes = type === REQUEST.WRITE;
    if (!storage.has(offset, bytesIn(writes ? data : room), writes)) return undefined;
    return () => this.#finish(chain, () => this.#transfer(storage, request));
  }

  /** The request of a chain, as it is when it is read; undefined where it is none. */
  #requestOf({ readable, writable, room: written }: Chain): Request | undefined {
    const header = this.#headerOf(readable);
    if (header === undefined || written < 1) return undefined;
    return {
      ...header,
      data: slice(readable, HEADER_BYTES, bytesIn(readable) - HEADER_BYTES),
      room: slice(writable, 0, written - 1),
    };
  }

  #headerOf(readable: readonly Segment[]): Pick<Request, 'type' | 'offset'> | undefined {
    const { memory } = this.#options;
    const { address, length } = readable[0] ?? { address: 0, length: 0 };
    // In one piece, as a rule: arrays over it would take as long as all else that is done for a short request.
    if (length >= HEADER_BYTES) return headerFrom((at) => memory.read32(address + at) ?? 0);
    const header = gather(memory, readable, 0, HEADER_BYTES);
    if (header === undefined) return undefined;
    const view = new DataView(header.buffer);
    return headerFrom((at) => view.getUint32(at, true));
  }

  /** Performs a request and gives its status to the driver. @returns as {@link carryOut} */
  #finish(chain: Chain, perform: () => Answer): number {
    const { status, written } = this.#answer(perform);
    const room = chain.room - 1;
    const last = chain.writable.at(-1);
    if (last !== undefined) this.#options.memory.write8(last.address + last.length - 1, status);
    // The status is the last byte, and all before it count as written, too.
    return status === OK && written < room ? written : room + 1;
  }

  /** Readers of the drive's file find in it the guest's writes; changes that are not there are given. */
  *save(): Generator<Uint8Array> {
    if (this.#options.drive.readOnly) return;
    const storage = this.#theStorage();
    storage.flush();
    storage.settle?.();
    yield* storage.changes?.() ?? [];
  }

  restore(change: Uint8Array): void {
    const storage = this.#theStorage();
    if (storage.takeChange === undefined)
      throw new Error('the machine was saved with changes to a drive that has none now');
    storage.takeChange(change);
  }

  #theStorage(): Storage {
    this.#storage ??= this.#options.open();
    return this.#storage;
  }

  #answer(perform: () => Answer): Answer {
    try {
      return perform();
    } catch (error) {
      if (error instanceof RangeError) return { status: IOERR, written: 0 };
      this.#tell(error instanceof Error ? error.message : String(error));
      return { status: IOERR, written: 0 };
    }
  }

  #tell(why: string): void {
    if (this.#told.includes(why)) return;
    this.#told.push(why);
    if (this.#told.length > MOST_TOLD) this.#told.shift();
    const { drive, onTrouble } = this.#options;
    onTrouble(`The drive ${drive.name} has an error, which the guest is told: ${why}`);
  }

  /** Reads or writes. */
  #transfer(storage: Transfers, { type, offset, data, room }: Request): Answer {
    const { memory, drive } = this.#options;
    if (type === REQUEST.WRITE) {
      if (drive.readOnly) return { status: IOERR, written: 0 };
      checkSectors(storage, offset, bytesIn(data));
      storage.writeParts(offset, partsOf(memory, data));
      return { status: OK, written: 0 };
    }
    const bytes = bytesIn(room);
    checkSectors(storage, offset, bytes);
    try {
      storage.readParts(offset, partsOf(memory, room));
    } finally {
      // The listener to writes hears of them.
      for (const { address, length } of room) memory.wrote(address, length);
    }
    return { status: OK, written: bytes };
  }

  #perform(request: Request): Answer {
    const { type, data, room } = request;
    const { memory, drive } = this.#options;
    if (drive.readOnly && WRITES.includes(type)) return { status: IOERR, written: 0 };
    const storage = this.#theStorage();
    switch (type) {
      case REQUEST.READ:
      case REQUEST.WRITE:
        return this.#transfer(storage, request);
      case REQUEST.FLUSH:
        storage.flush();
        return { status: OK, written: 0 };
      case REQUEST.GET_ID: {
        const name = new TextEncoder().encode(drive.serial).subarray(0, ID_BYTES);
        const id = new Uint8Array(ID_BYTES);
        id.set(name);
        return { status: OK, written: scatter(memory, room, id) };
      }
      case REQUEST.DISCARD:
      case REQUEST.WRITE_ZEROES:
        return { status: this.#zero(storage, type, data), written: 0 };
      default:
        return { status: UNSUPP, written: 0 };
    }
  }

  /** Zeroes ranges. A range to discard may keep its bytes, but QEMU's disks read zeroes there. */
  #zero(storage: Storage, type: number, data: readonly Segment[]): number {
    const length = bytesIn(data);
    if (length === 0 || length % RANGE_BYTES !== 0 || length > MOST_RANGES * RANGE_BYTES) return IOERR;
    const ranges = gather(this.#options.memory, data, 0, length);
    if (ranges === undefined) return IOERR;
    const view = new DataView(ranges.buffer);
    for (let at = 0; at < length; at += RANGE_BYTES) {
      const sector = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      const sectors = view.getUint32(at + 8, true);
      const flags = view.getUint32(at + 12, true);
      const known = type === REQUEST.WRITE_ZEROES ? UNMAP : 0;
      if ((flags & ~known) !== 0) return UNSUPP;
      if (sectors > MOST_RANGE_SECTORS) return IOERR;
      const discard = type === REQUEST.DISCARD || (flags & UNMAP) !== 0;
      storage.zero(sector * VIRTIO_BLK.sector, sectors * VIRTIO_BLK.sector, discard);
    }
    return OK;
  }
}

/** @param word gives an unsigned word of the header, by its place in bytes */
function headerFrom(word: (at: number) => number): Pick<Request, 'type' | 'offset'> {
  return { type: word(0), offset: (word(8) + word(12) * 2 ** 32) * VIRTIO_BLK.sector };
}

/** Before the first of several parts, so that nothing is done of a request that is refused. */
function checkSectors(storage: Transfers, offset: number, bytes: number): void {
  checkRange(storage, offset, bytes);
  if (bytes % VIRTIO_BLK.sector !== 0) throw new RangeError(`${bytes} bytes are not whole sectors`);
}
