import { HEADER, HOST_CID, TYPE_STREAM } from './facts.ts';

/** The header of a packet, as far as both directions have it. */
export interface PacketHead {
  readonly guestPort: number;
  readonly hostPort: number;
  readonly op: number;
  readonly flags: number;
  /** Bytes that its sender takes without anybody reading them. */
  readonly buffer: number;
  /** Bytes, modulo 2^32, that its sender has received and that were read. */
  readonly forwarded: number;
}

/** A packet of the guest. */
export interface GuestPacket extends PacketHead {
  readonly type: number;
  readonly data: Uint8Array;
}

/** Bytes of data that a header announces. @param head `HEADER.BYTES` bytes */
export function dataLength(head: Uint8Array<ArrayBuffer>): number {
  return viewOf(head).getUint32(HEADER.LENGTH, true);
}

/**
 * Reads a header.
 *
 * @param head `HEADER.BYTES` bytes
 * @returns undefined if the packet is not one from that guest to the host
 */
export function readPacket(
  head: Uint8Array<ArrayBuffer>,
  data: Uint8Array,
  cid: number,
): GuestPacket | undefined {
  const view = viewOf(head);
  if (readCid(view, HEADER.SOURCE_CID) !== cid || readCid(view, HEADER.DESTINATION_CID) !== HOST_CID)
    return undefined;
  return {
    guestPort: view.getUint32(HEADER.SOURCE_PORT, true),
    hostPort: view.getUint32(HEADER.DESTINATION_PORT, true),
    type: view.getUint16(HEADER.TYPE, true),
    op: view.getUint16(HEADER.OP, true),
    flags: view.getUint32(HEADER.FLAGS, true),
    buffer: view.getUint32(HEADER.BUFFER, true),
    forwarded: view.getUint32(HEADER.FORWARDED, true),
    data,
  };
}

/** A packet for the guest. */
export function writePacket(head: PacketHead, cid: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER.BYTES + data.length);
  const view = viewOf(bytes);
  view.setUint32(HEADER.SOURCE_CID, HOST_CID, true);
  view.setUint32(HEADER.DESTINATION_CID, cid, true);
  view.setUint32(HEADER.SOURCE_PORT, head.hostPort, true);
  view.setUint32(HEADER.DESTINATION_PORT, head.guestPort, true);
  view.setUint32(HEADER.LENGTH, data.length, true);
  view.setUint16(HEADER.TYPE, TYPE_STREAM, true);
  view.setUint16(HEADER.OP, head.op, true);
  view.setUint32(HEADER.FLAGS, head.flags, true);
  view.setUint32(HEADER.BUFFER, head.buffer, true);
  view.setUint32(HEADER.FORWARDED, head.forwarded, true);
  bytes.set(data, HEADER.BYTES);
  return bytes;
}

function viewOf({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** An address; Infinity for those of more than 32 bits, which nobody has. */
function readCid(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) === 0 ? view.getUint32(offset, true) : Number.POSITIVE_INFINITY;
}
