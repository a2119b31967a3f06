import type { GuestMemory } from '../../memory/guest-memory.ts';
import {
  closeChecksum,
  type DropCounts,
  type Frame,
  type Mac,
  type Network,
  type OpenChecksum,
  writeMac,
} from '../../network/ethernet.ts';
import { bytesIn, type Chain, gather, scatter, slice } from '../virtio/chain.ts';
import { fieldsOf } from '../virtio/fields.ts';
import type { Buffers, ConfigSpace, VirtioFunction } from '../virtio/function.ts';
import { RingError } from '../virtio/ring-error.ts';
import {
  LINK_UP,
  LONGEST_FRAME,
  NET_CONFIG,
  NET_FEATURE,
  NET_FLAG,
  NET_HEADER,
  NET_QUEUE,
  SEGMENTS_TCP4,
  VIRTIO_NET,
} from './facts.ts';
import { VirtioNetHost } from './host.ts';
import { WORD } from './words.ts';

/** Frames that are given to the driver together. */
const BATCH = 32;

/**
 * The features of every card, and of those whose cable leads to a network that parts frames and completes checksums.
 */
const PLAIN = NET_FEATURE.MAC | NET_FEATURE.MRG_RXBUF | NET_FEATURE.STATUS;
const OFFLOADS = NET_FEATURE.CSUM | NET_FEATURE.GUEST_CSUM | NET_FEATURE.GUEST_TSO4 | NET_FEATURE.HOST_TSO4;

const DROPS = [
  ['malformed', WORD.MALFORMED],
  ['refused', WORD.REFUSED],
  ['overflow', WORD.OVERFLOW],
] as const;

/** The surroundings of a network card. */
export interface NetOptions {
  readonly memory: GuestMemory;
  readonly mac: Mac;
  /** Its frames are whole and short. */
  readonly plain?: boolean;
  /** The card's shared words. */
  readonly words: Int32Array;
  /** The network at the other end of its cable, on the thread where frames are carried. */
  network(): Network;
}

/** A network card: gives frames of the driver to a {@link Network}, and frames of the network to the driver. */
export class VirtioNet implements VirtioFunction {
  readonly name = 'virtio-net';
  readonly id = VIRTIO_NET.id;
  readonly features: number;
  readonly config: ConfigSpace;
  readonly inbound = {
    queue: NET_QUEUE.RECEIVE,
    deliver: (buffers: Buffers) => this.#deliver(buffers),
  } as const;
  readonly #options: NetOptions;
  #network: Network | undefined;
  /** Those that were counted: a restored machine goes on counting with a network that begins anew. */
  readonly #dropped: DropCounts = { malformed: 0, refused: 0, overflow: 0 };

  constructor(options: NetOptions) {
    this.#options = options;
    this.features = options.plain === true ? PLAIN : PLAIN | OFFLOADS;
    this.config = netConfig(options.mac);
  }

  carryOut(chain: Chain): number {
    const { memory } = this.#options;
    const header = gather(memory, chain.readable, 0, NET_HEADER.BYTES);
    if (header === undefined) throw new RingError('a frame without a header');
    const length = bytesIn(chain.readable) - NET_HEADER.BYTES;
    // Drivers make none that are longer; it is lost, as on a cable.
    if (length > LONGEST_FRAME) return 0;
    const frame = gather(memory, chain.readable, NET_HEADER.BYTES, length);
    if (frame === undefined) return 0;
    const open = openChecksum(header, length);
    if (open !== 'wrong') this.#theNetwork().send(frame, open);
    this.#count(WORD.SENT);
    return 0;
  }

  connect(): VirtioNetHost {
    return new VirtioNetHost(this.#options.words);
  }

  *save(): Generator<Uint8Array> {
    const saved = this.#theNetwork().save?.();
    if (saved !== undefined) yield saved;
  }

  restore(saved: Uint8Array): void {
    this.#theNetwork().restore?.(saved);
  }

  /** Gives the driver frames, as long as there are any, and buffers for them. */
  #deliver(buffers: Buffers): boolean {
    const network = this.#theNetwork();
    const has = (feature: number) => (buffers.features & feature) !== 0;
    const taker = { openChecksums: has(NET_FEATURE.GUEST_CSUM), longFrames: has(NET_FEATURE.GUEST_TSO4) };
    let count = 0;
    for (; count < BATCH; count++) {
      const frame = network.peek(taker);
      if (frame === undefined) break;
      // Made for a driver that has been reset since.
      const isForOthers = frame.segments !== undefined && !taker.longFrames;
      if (!isForOthers && !this.#give(frame, buffers)) break;
      network.shift();
      this.#count(WORD.RECEIVED);
    }
    return count > 0;
  }

  /** Counts a frame, and those that the network has dropped. Meets the loads of the card's host side. */
  #count(frames: number): void {
    const { words } = this.#options;
    Atomics.add(words, frames, 1);
    const { dropped } = this.#theNetwork();
    for (const [why, word] of DROPS) {
      if (dropped[why] === this.#dropped[why]) continue;
      Atomics.add(words, word, dropped[why] - this.#dropped[why]);
      this.#dropped[why] = dropped[why];
    }
  }

  /** Gives the driver one frame. @returns false if there are not enough buffers */
  #give(frame: Frame, buffers: Buffers): boolean {
    const mayMerge = (buffers.features & NET_FEATURE.MRG_RXBUF) !== 0;
    const needed = NET_HEADER.BYTES + frame.bytes.length;
    const chains: Chain[] = [];
    for (let room = 0; room < needed; room += chains[chains.length - 1].room) {
      // A frame that is larger than the driver's buffers is lost.
      const chain = mayMerge || chains.length === 0 ? buffers.take() : undefined;
      if (chain === undefined) {
        buffers.untake(chains.length);
        return chains.length > 0 && !mayMerge;
      }
      if (chain.readable.length > 0 || chain.room < NET_HEADER.BYTES)
        throw new RingError('a buffer for frames that cannot be written, or has no room for a header');
      chains.push(chain);
    }
    this.#write(frame, buffers, chains);
    return true;
  }

  #write(frame: Frame, buffers: Buffers, chains: readonly Chain[]): void {
    const { memory } = this.#options;
    const isOpen = (buffers.features & NET_FEATURE.GUEST_CSUM) !== 0;
    if (frame.open !== undefined && !isOpen) closeChecksum(frame.bytes, frame.open);
    const header = headerOf(frame, isOpen, chains.length);
    let at = 0;
    for (const [index, chain] of chains.entries()) {
      const skip = index === 0 ? scatter(memory, chain.writable, header) : 0;
      const bytes = frame.bytes.subarray(at, at + chain.room - skip);
      scatter(memory, skip === 0 ? chain.writable : slice(chain.writable, skip, bytes.length), bytes);
      buffers.give(chain, skip + bytes.length);
      at += bytes.length;
    }
  }

  #theNetwork(): Network {
    this.#network ??= this.#options.network();
    return this.#network;
  }
}

function netConfig(mac: Mac): ConfigSpace {
  const bytes = new Uint8Array(NET_CONFIG.BYTES);
  writeMac(bytes, NET_CONFIG.MAC, mac);
  const view = new DataView(bytes.buffer);
  view.setUint16(NET_CONFIG.STATUS, LINK_UP, true);
  return fieldsOf(view);
}

/** The checksum that the driver has left open in a frame of that length. */
function openChecksum(header: Uint8Array<ArrayBuffer>, length: number): OpenChecksum | 'wrong' | undefined {
  if ((header[NET_HEADER.FLAGS] & NET_FLAG.NEEDS_CSUM) === 0) return undefined;
  const view = new DataView(header.buffer);
  const start = view.getUint16(NET_HEADER.CHECKSUM_START, true);
  const at = start + view.getUint16(NET_HEADER.CHECKSUM_OFFSET, true);
  return at + 2 <= length ? { start, at } : 'wrong';
}

function headerOf({ open, segments }: Frame, isOpen: boolean, buffers: number): Uint8Array {
  const header = new Uint8Array(NET_HEADER.BYTES);
  const view = new DataView(header.buffer);
  view.setUint16(NET_HEADER.BUFFERS, buffers, true);
  if (!isOpen) return header;
  if (open === undefined) {
    header[NET_HEADER.FLAGS] = NET_FLAG.DATA_VALID;
    return header;
  }
  header[NET_HEADER.FLAGS] = NET_FLAG.NEEDS_CSUM;
  view.setUint16(NET_HEADER.CHECKSUM_START, open.start, true);
  view.setUint16(NET_HEADER.CHECKSUM_OFFSET, open.at - open.start, true);
  if (segments !== undefined) {
    header[NET_HEADER.SEGMENTS] = SEGMENTS_TCP4;
    view.setUint16(NET_HEADER.HEADERS, segments.headers, true);
    view.setUint16(NET_HEADER.SEGMENT_BYTES, segments.bytes, true);
  }
  return header;
}
