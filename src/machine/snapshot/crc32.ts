/** The reflected polynomial of CRC-32 (ITU-T V.42, section 8.1.1.6.2), which zip and gzip use. */
const POLYNOMIAL = 0xedb8_8320;
const BYTE_VALUES = 256;
/** Bytes that are looked up at once. */
const STEP = 8;

/** `TABLES[n]` has, for each value of a byte, its sum with `n` zero bytes behind it. */
const TABLES: readonly Uint32Array[] = makeTables();

function makeTables(): readonly Uint32Array[] {
  const first = Uint32Array.from({ length: BYTE_VALUES }, (_, value) => {
    let rest = value;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ ((rest & 1) === 0 ? 0 : POLYNOMIAL);
    return rest;
  });
  const tables = [first];
  while (tables.length < STEP) {
    tables.push((tables.at(-1) ?? first).map((value) => (value >>> 8) ^ (first[value & 0xff] ?? 0)));
  }
  return tables;
}

/**
 * CRC-32 of bytes, eight at a time.
 *
 * @param before the sum of those that come before them; 0 if there are none
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let sum = ~before;
  let at = 0;
  for (const end = bytes.length - STEP; at <= end; at += STEP) {
    const low = sum ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    sum =
      t7[low & 0xff] ^
      t6[(low >>> 8) & 0xff] ^
      t5[(low >>> 16) & 0xff] ^
      t4[low >>> 24] ^
      t3[bytes[at + 4]] ^
      t2[bytes[at + 5]] ^
      t1[bytes[at + 6]] ^
      t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) sum = (sum >>> 8) ^ t0[(sum ^ bytes[at]) & 0xff];
  return ~sum >>> 0;
}
