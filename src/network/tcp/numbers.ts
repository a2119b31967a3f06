/** Numbers of bytes in TCP: they count modulo 2^32. */

export function plus(number: number, bytes: number): number {
  return (number + bytes) >>> 0;
}

/** How far `one` is behind `other`, as far as their order can be told: less than 2^31. Negative if it is before. */
export function distance(one: number, other: number): number {
  return (one - other) | 0;
}
