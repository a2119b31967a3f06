import type { Ipv4 } from './address.ts';

/**
 * Adds up 16-bit words, the first byte of each the higher one; an odd last byte has a zero behind it. The sum is exact
 * for far more than a frame: it is folded only at the end.
 */
export function sumOf(bytes: Uint8Array, from = 0, to = bytes.length, start = 0): number {
  let sum = start;
  const even = to - ((to - from) & 1);
  for (let at = from; at < even; at += 2) sum += (bytes[at] << 8) | bytes[at + 1];
  return even < to ? sum + (bytes[even] << 8) : sum;
}

/** The sum as one's complement has it, 16 bits (RFC 1071). */
export function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x1_0000) + Math.floor(folded / 0x1_0000);
  return folded;
}

/** The checksum that belongs to a sum. */
export function checksum(sum: number): number {
  return ~fold(sum) & 0xffff;
}

/** The sum of the fields that TCP and UDP also cover: addresses, protocol, length. */
export function pseudoHeaderSum(source: Ipv4, destination: Ipv4, protocol: number, length: number): number {
  return (
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    protocol +
    (length & 0xffff)
  );
}
