import { checksum, fold, pseudoHeaderSum, sumOf } from './checksum.ts';
import { type Packet, type PacketHead, PROTOCOL } from './ipv4.ts';

export const UDP_BYTES = 8;

/** A datagram of UDP (RFC 768). */
export interface Datagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Reads the datagram in a packet; undefined if it is none. @param whole whether its checksum is there */
export function readDatagram({ source, destination, payload }: Packet, whole: boolean): Datagram | undefined {
  if (payload.length < UDP_BYTES) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const length = view.getUint16(4);
  if (length < UDP_BYTES || length > payload.length) return undefined;
  // Zero: the sender made none.
  if (whole && view.getUint16(6) !== 0) {
    const start = pseudoHeaderSum(source, destination, PROTOCOL.UDP, length);
    if (fold(sumOf(payload, 0, length, start)) !== 0xffff) return undefined;
  }
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    data: payload.subarray(UDP_BYTES, length),
  };
}

/** Makes a datagram with its checksum. */
export function writeDatagram(
  { source, destination }: PacketHead,
  { sourcePort, destinationPort, data }: Omit<Datagram, 'data'> & { readonly data: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(UDP_BYTES + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, bytes.length);
  bytes.set(data, UDP_BYTES);
  const sum = checksum(
    sumOf(bytes, 0, bytes.length, pseudoHeaderSum(source, destination, PROTOCOL.UDP, bytes.length)),
  );
  // Zero would say that there is none.
  view.setUint16(6, sum === 0 ? 0xffff : sum);
  return bytes;
}
