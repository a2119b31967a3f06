import type { Ipv4 } from './address.ts';
import {
  BROADCAST_MAC,
  ETHERNET_BYTES,
  ETHERTYPE,
  type Mac,
  readMac,
  writeEthernet,
  writeMac,
} from './ethernet.ts';

const ARP_BYTES = 28;
/** Ethernet, IPv4, and the lengths of their addresses. */
const KINDS = [0, 1, 8, 0, 6, 4] as const;
export const ARP_OPERATION = { REQUEST: 1, REPLY: 2 } as const;

/** A message of the address resolution protocol (RFC 826) for IPv4 over Ethernet. */
export interface Arp {
  readonly operation: number;
  readonly senderMac: Mac;
  readonly sender: Ipv4;
  readonly target: Ipv4;
}

/** Reads the message in a frame; undefined if it is none. */
export function readArp(frame: Uint8Array): Arp | undefined {
  if (frame.length < ETHERNET_BYTES + ARP_BYTES) return undefined;
  if (KINDS.some((byte, index) => frame[ETHERNET_BYTES + index] !== byte)) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset + ETHERNET_BYTES, ARP_BYTES);
  return {
    operation: view.getUint16(6),
    senderMac: readMac(frame, ETHERNET_BYTES + 8),
    sender: view.getUint32(14),
    target: view.getUint32(24),
  };
}

/** Makes the frame of a message. A request goes to everybody. */
export function writeArp(
  { operation, senderMac, sender, target }: Arp,
  targetMac: Mac,
): Uint8Array<ArrayBuffer> {
  const isRequest = operation === ARP_OPERATION.REQUEST;
  const frame = new Uint8Array(ETHERNET_BYTES + ARP_BYTES);
  writeEthernet(frame, isRequest ? BROADCAST_MAC : targetMac, senderMac, ETHERTYPE.ARP);
  frame.set(KINDS, ETHERNET_BYTES);
  const view = new DataView(frame.buffer, ETHERNET_BYTES);
  view.setUint16(6, operation);
  writeMac(frame, ETHERNET_BYTES + 8, senderMac);
  view.setUint32(14, sender);
  writeMac(frame, ETHERNET_BYTES + 18, isRequest ? 0 : targetMac);
  view.setUint32(24, target);
  return frame;
}
