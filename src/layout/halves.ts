/** A 64-bit value as two 32-bit halves; each half may be read as signed or unsigned. */
export interface Halves {
  low: number;
  high: number;
}

const TWO_32 = 0x1_0000_0000;

/** `out = a + b`, modulo 2^64. */
export function addTo(out: Halves, aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  const low = (aLow >>> 0) + (bLow >>> 0);
  out.low = low | 0;
  out.high = (aHigh + bHigh + (low >= TWO_32 ? 1 : 0)) | 0;
}

/** `out = a - b`, modulo 2^64. */
export function subtractTo(out: Halves, aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  const borrow = aLow >>> 0 < bLow >>> 0 ? 1 : 0;
  out.low = (aLow - bLow) | 0;
  out.high = (aHigh - bHigh - borrow) | 0;
}

/** `a >= b` as unsigned 64-bit values. */
export function isAtLeast(aLow: number, aHigh: number, bLow: number, bHigh: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 >= bLow >>> 0 : aHigh >>> 0 > bHigh >>> 0;
}

/** The halves of a whole number below 2^53. */
export function setNumber(out: Halves, value: number): void {
  out.low = value | 0;
  out.high = Math.floor(value / TWO_32) | 0;
}

/** The value as a number; inexact at 2^53 and above. */
export function toNumber(low: number, high: number): number {
  return (high >>> 0) * TWO_32 + (low >>> 0);
}
