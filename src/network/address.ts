/** An IPv4 address: its four bytes as a number, 0 to 2^32 - 1. */
export type Ipv4 = number;

export const BROADCAST: Ipv4 = 0xffff_ffff;
export const LOOPBACK: Ipv4 = 0x7f00_0001;

/** Addresses that have the same first bits. */
export interface Subnet {
  /** With zeroes behind its first bits. */
  readonly base: Ipv4;
  /** 0 to 32. */
  readonly bits: number;
}

/** Reads `10.0.2.15`; undefined for anything else. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

export function formatIpv4(address: Ipv4): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** Reads `10.0.2.0/24`, or an address alone, which is a subnet of one; undefined for anything else. */
export function parseSubnet(text: string): Subnet | undefined {
  const [addressText = '', bitsText = '32', ...rest] = text.split('/');
  const address = parseIpv4(addressText);
  if (address === undefined || rest.length > 0 || !/^\d{1,2}$/.test(bitsText) || Number(bitsText) > 32)
    return undefined;
  const bits = Number(bitsText);
  return { base: (address & maskOf(bits)) >>> 0, bits };
}

export function contains({ base, bits }: Subnet, address: Ipv4): boolean {
  return (address & maskOf(bits)) >>> 0 === base;
}

/** The netmask with so many ones. */
export function maskOf(bits: number): Ipv4 {
  return bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0;
}

/** The last address of a subnet: its broadcast address. */
export function lastOf({ base, bits }: Subnet): Ipv4 {
  return (base | ~maskOf(bits)) >>> 0;
}
