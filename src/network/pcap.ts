import {
  closeChecksum,
  type DropCounts,
  type Frame,
  type Network,
  type OpenChecksum,
  type Taker,
} from './ethernet.ts';

const MAGIC = 0xa1b2_c3d4;
const LONGEST = 0x4_0000;
const LINK_ETHERNET = 1;
const FILE_HEAD_BYTES = 24;
const RECORD_HEAD_BYTES = 16;

/** The beginning of a file in the format of libpcap, version 2.4, with times in microseconds. */
function pcapHead(): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(FILE_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, MAGIC);
  view.setUint16(4, 2);
  view.setUint16(6, 4);
  view.setUint32(16, LONGEST);
  view.setUint32(20, LINK_ETHERNET);
  return head;
}

/** A frame at a time, which is in milliseconds since 1970. */
function pcapRecord(frame: Uint8Array, milliseconds: number): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(RECORD_HEAD_BYTES + frame.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, Math.floor(milliseconds / 1000));
  view.setUint32(4, Math.floor((milliseconds % 1000) * 1000));
  view.setUint32(8, frame.length);
  view.setUint32(12, frame.length);
  record.set(frame, RECORD_HEAD_BYTES);
  return record;
}

/** Writes down all frames that pass between a card and its network, with whole checksums. */
export class DumpedNetwork implements Network {
  readonly #network: Network;
  readonly #write: (bytes: Uint8Array) => void;
  #shown: Frame | undefined;

  constructor(network: Network, write: (bytes: Uint8Array) => void) {
    this.#network = network;
    this.#write = write;
    write(pcapHead());
  }

  get dropped(): Readonly<DropCounts> {
    return this.#network.dropped;
  }

  send(frame: Uint8Array<ArrayBuffer>, open: OpenChecksum | undefined): void {
    this.#record(frame, open);
    this.#network.send(frame, open);
  }

  peek(taker: Taker): Frame | undefined {
    this.#shown = this.#network.peek(taker);
    return this.#shown;
  }

  shift(): void {
    if (this.#shown !== undefined) this.#record(this.#shown.bytes, this.#shown.open);
    this.#network.shift();
  }

  save(): Uint8Array {
    return this.#network.save?.() ?? new Uint8Array();
  }

  restore(saved: Uint8Array): void {
    this.#network.restore?.(saved);
  }

  #record(frame: Uint8Array, open: OpenChecksum | undefined): void {
    const record = pcapRecord(frame, performance.timeOrigin + performance.now());
    if (open !== undefined) closeChecksum(record.subarray(RECORD_HEAD_BYTES), open);
    this.#write(record);
  }
}
