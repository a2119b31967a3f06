import { type GuestMemory, type GuestPhysical, physicalAddress } from '../../memory/guest-memory.ts';
import { DESCRIPTOR, DESCRIPTOR_BYTES } from './registers.ts';
import { RingError } from './ring-error.ts';

/** Descriptors of a chain at most, also with an indirect table; QEMU's limit. */
export const LONGEST_CHAIN = 1024;
/** Bytes of a chain at most (virtio 1.2, section 2.7.5.2). */
const LARGEST_CHAIN = 2 ** 32;

/** A part of a buffer: consecutive bytes, all of them RAM. */
export interface Segment {
  readonly address: GuestPhysical;
  readonly length: number;
}

/** One buffer that the driver gave: those that the device may read, then those that it may write. */
export interface Chain {
  /** By this number the driver knows it. */
  readonly head: number;
  readonly readable: readonly Segment[];
  readonly writable: readonly Segment[];
  /** Bytes of all writable segments together, below 2^32. */
  readonly room: number;
}

/** Descriptors that follow each other in RAM. */
interface Table {
  readonly address: GuestPhysical;
  readonly count: number;
}

/** A descriptor as it was when it was read. */
interface Descriptor extends Segment {
  readonly flags: number;
  readonly next: number;
}

/**
 * Follows the descriptors of a chain.
 *
 * Each one is read once: the guest may change it meanwhile, and the checked values are used.
 *
 * @param indirect whether the driver may use indirect tables
 * @throws RingError when the chain breaks a rule of section 2.7.5, or is not in RAM
 */
export function readChain(memory: GuestMemory, queue: Table, head: number, indirect: boolean): Chain {
  const readable: Segment[] = [];
  const writable: Segment[] = [];
  let room = 0;
  let bytes = 0;
  let table = queue;
  let limit = queue.count;
  let index = head;
  for (let seen = 0; ; ) {
    const { address, length, flags, next } = readDescriptor(memory, table, index);
    if ((flags & DESCRIPTOR.INDIRECT) !== 0) {
      if (!indirect) throw new RingError('an indirect descriptor without its feature');
      if (table !== queue) throw new RingError('an indirect descriptor in an indirect table');
      if ((flags & DESCRIPTOR.NEXT) !== 0) throw new RingError('a descriptor after an indirect one');
      table = indirectTable(memory, address, length);
      limit = LONGEST_CHAIN;
      index = 0;
      continue;
    }
    if (++seen > limit) throw new RingError(`a chain of more than ${limit} descriptors`);
    if (length === 0) throw new RingError('a descriptor of no bytes');
    if (!memory.contains(address, length)) throw new RingError('a buffer outside of RAM');
    bytes += length;
    if (bytes >= LARGEST_CHAIN) throw new RingError('a chain of 4 GiB or more');
    if ((flags & DESCRIPTOR.WRITE) !== 0) {
      writable.push({ address, length });
      room += length;
    } else {
      if (room > 0) throw new RingError('bytes to be read after bytes to be written');
      readable.push({ address, length });
    }
    if ((flags & DESCRIPTOR.NEXT) === 0) return { head, readable, writable, room };
    index = next;
  }
}

function indirectTable(memory: GuestMemory, address: GuestPhysical, length: number): Table {
  if (length === 0 || length % DESCRIPTOR_BYTES !== 0) {
    throw new RingError(`an indirect table of ${length} bytes`);
  }
  if (!memory.contains(address, length)) throw new RingError('an indirect table outside of RAM');
  return { address, count: length / DESCRIPTOR_BYTES };
}

function readDescriptor(memory: GuestMemory, { address, count }: Table, index: number): Descriptor {
  if (index >= count) throw new RingError(`descriptor ${index} of ${count}`);
  const at = address + DESCRIPTOR_BYTES * index;
  const low = memory.read32(at);
  const high = memory.read32(at + 4);
  const length = memory.read32(at + 8);
  const flags = memory.read16(at + 12);
  const next = memory.read16(at + 14);
  if (
    low === undefined ||
    high === undefined ||
    length === undefined ||
    flags === undefined ||
    next === undefined
  ) {
    throw new RingError('a descriptor outside of RAM');
  }
  return { address: physicalAddress(low, high), length, flags, next };
}

/** Bytes of all segments together. */
export function bytesIn(segments: readonly Segment[]): number {
  let bytes = 0;
  for (const { length } of segments) bytes += length;
  return bytes;
}

/** A part of consecutive segments: so many bytes, or fewer where they end, from an offset on. */
export function slice(segments: readonly Segment[], offset: number, bytes: number): Segment[] {
  const part: Segment[] = [];
  let skip = offset;
  let left = bytes;
  for (const segment of segments) {
    if (left <= 0) break;
    const { address, length } = segment;
    const from = Math.min(skip, length);
    skip -= from;
    const most = Math.min(length - from, left);
    left -= most;
    if (most === length) part.push(segment);
    else if (most > 0) part.push({ address: address + from, length: most });
  }
  return part;
}

/** The bytes of segments, in place. */
export function partsOf(memory: GuestMemory, segments: readonly Segment[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const add = (bytes: Uint8Array) => void parts.push(bytes);
  for (const { address, length } of segments) memory.use(address, length, add);
  return parts;
}

/** A copy of so many bytes from an offset in segments on; undefined if there are fewer. The caller bounds them. */
export function gather(
  memory: GuestMemory,
  segments: readonly Segment[],
  offset: number,
  bytes: number,
): Uint8Array<ArrayBuffer> | undefined {
  const all = new Uint8Array(bytes);
  let done = 0;
  for (const { address, length } of slice(segments, offset, bytes)) {
    memory.use(address, length, (part) => all.set(part, done));
    done += length;
  }
  return done === bytes ? all : undefined;
}

/**
 * Copies bytes to segments, from their start on.
 *
 * @returns how many there was room for
 */
export function scatter(memory: GuestMemory, segments: readonly Segment[], bytes: Uint8Array): number {
  let done = 0;
  for (const { address, length } of segments) {
    if (done === bytes.length) break;
    const part = bytes.subarray(done, done + length);
    memory.copyIn(address, part);
    done += part.length;
  }
  return done;
}
