/** @returns the four bytes of a value in the other order, unsigned */
export function swapBytes(value: number): number {
  const swapped = (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
  return swapped >>> 0;
}
