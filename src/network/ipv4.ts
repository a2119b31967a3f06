import type { Ipv4 } from './address.ts';
import { checksum, fold, sumOf } from './checksum.ts';

export const IPV4_BYTES = 20;
export const PROTOCOL = { ICMP: 1, TCP: 6, UDP: 17 } as const;
/** Bytes of a packet without a fragment, as Ethernet carries them. */
export const MTU = 1500;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;
const DONT_FRAGMENT = 0x4000;
const TIME_TO_LIVE = 64;

/** A packet of IPv4 (RFC 791), or a fragment of one. */
export interface Packet {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
  readonly identification: number;
  /** Where the payload belongs in that of the whole packet; 0 where it is whole. */
  readonly offset: number;
  readonly moreFragments: boolean;
  /** Header and payload, for messages that quote it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Reads the packet that begins at an offset of a frame, which may go on behind it; undefined if it is none. */
export function readPacket(frame: Uint8Array<ArrayBuffer>, at: number): Packet | undefined {
  if (frame.length < at + IPV4_BYTES) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset + at, frame.length - at);
  const first = view.getUint8(0);
  const header = (first & 0xf) * 4;
  const length = view.getUint16(2);
  if (first >>> 4 !== 4 || header < IPV4_BYTES || length < header || length > view.byteLength)
    return undefined;
  if (fold(sumOf(frame, at, at + header)) !== 0xffff) return undefined;
  const fragment = view.getUint16(6);
  return {
    source: view.getUint32(12),
    destination: view.getUint32(16),
    protocol: view.getUint8(9),
    identification: view.getUint16(4),
    offset: (fragment & FRAGMENT_OFFSET) * 8,
    moreFragments: (fragment & MORE_FRAGMENTS) !== 0,
    bytes: frame.subarray(at, at + length),
    payload: frame.subarray(at + header, at + length),
  };
}

/** The parts of a header that differ. */
export interface PacketHead {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
}

let identification = 0;

/** Writes a header of 20 bytes. @param length bytes of the packet, with the header */
export function writePacketHead(frame: Uint8Array, at: number, head: PacketHead, length: number): void {
  const view = new DataView(frame.buffer, frame.byteOffset + at, IPV4_BYTES);
  identification = (identification + 1) & 0xffff;
  view.setUint16(0, 0x4500);
  view.setUint16(2, length);
  view.setUint16(4, identification);
  view.setUint16(6, DONT_FRAGMENT);
  view.setUint8(8, TIME_TO_LIVE);
  view.setUint8(9, head.protocol);
  view.setUint16(10, 0);
  view.setUint32(12, head.source);
  view.setUint32(16, head.destination);
  view.setUint16(10, checksum(sumOf(frame, at, at + IPV4_BYTES)));
}
