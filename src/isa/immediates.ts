/** How an immediate lies in an encoding, and which values it can have. */
export interface Immediate {
  /** The value as a JavaScript number, sign-extended where the format says so. */
  decode(bits: number): number;
  /** The bits of the encoding that hold `value`, which must be in range. */
  encode(value: number): number;
  readonly min: number;
  readonly max: number;
  /** Values are multiples of this. */
  readonly step: number;
}

/** Formats without an immediate. */
export const noImmediate: Immediate = { decode: () => 0, encode: () => 0, min: 0, max: 0, step: 1 };

/** An immediate that the encoding implies. */
export const always = (value: number): Immediate => ({ ...noImmediate, decode: () => value });

/** I-type: 12 bits, signed. */
export const immediateI: Immediate = {
  decode: (bits) => bits >> 20,
  encode: (value) => value << 20,
  min: -2048,
  max: 2047,
  step: 1,
};

/** S-type: 12 bits, signed. */
export const immediateS: Immediate = {
  decode: (bits) => ((bits >> 25) << 5) | ((bits >>> 7) & 0x1f),
  encode: (value) => ((value >> 5) << 25) | ((value & 0x1f) << 7),
  min: -2048,
  max: 2047,
  step: 1,
};

/** Of prefetches: that of the S-type without its lower five bits. */
export const immediatePrefetch: Immediate = {
  decode: (bits) => (bits >> 25) << 5,
  encode: (value) => (value >> 5) << 25,
  min: -2048,
  max: 2016,
  step: 32,
};

/** B-type: a signed, even distance of 13 bits. */
export const immediateB: Immediate = {
  decode: (bits) =>
    ((bits >> 31) << 12) | ((bits & 0x80) << 4) | (((bits >>> 25) & 0x3f) << 5) | (((bits >>> 8) & 0xf) << 1),
  encode: (value) =>
    ((value >> 12) << 31) |
    (((value >> 11) & 1) << 7) |
    (((value >> 5) & 0x3f) << 25) |
    (((value >> 1) & 0xf) << 8),
  min: -4096,
  max: 4094,
  step: 2,
};

/** U-type: the upper 20 bits of a signed 32-bit value. */
export const immediateU: Immediate = {
  decode: (bits) => (bits & 0xffff_f000) | 0,
  encode: (value) => value & 0xffff_f000,
  min: -0x8000_0000,
  max: 0x7fff_f000,
  step: 4096,
};

/** J-type: a signed, even distance of 21 bits. */
export const immediateJ: Immediate = {
  decode: (bits) =>
    ((bits >> 31) << 20) | (bits & 0xf_f000) | (((bits >>> 20) & 1) << 11) | (((bits >>> 21) & 0x3ff) << 1),
  encode: (value) =>
    ((value >> 20) << 31) | (value & 0xf_f000) | (((value >> 11) & 1) << 20) | (((value >> 1) & 0x3ff) << 21),
  min: -0x10_0000,
  max: 0xf_fffe,
  step: 2,
};

/** `width` unsigned bits from bit `low` on: shift amounts, the immediate of `csrrwi`, the sets of `fence`. */
export function unsignedAt(low: number, width: number): Immediate {
  const max = (1 << width) - 1;
  return {
    decode: (bits) => (bits >>> low) & max,
    encode: (value) => (value & max) << low,
    min: 0,
    max,
    step: 1,
  };
}

/** Consecutive bits of an encoding, `[highest, lowest]`, and the bit of the value that the lowest one holds. */
export type Piece = readonly [highest: number, lowest: number, valueBit: number];

/**
 * An immediate in pieces, as the compressed formats have them.
 *
 * @param signBit bit of the value that is its sign; undefined for unsigned values
 */
export function scattered(pieces: readonly Piece[], signBit?: number): Immediate {
  const all = pieces.reduce((sum, [high, low, bit]) => sum | (((1 << (high - low + 1)) - 1) << bit), 0);
  const extend = signBit === undefined ? 0 : 31 - signBit;
  return {
    decode: (bits) => {
      let value = 0;
      for (const [high, low, bit] of pieces) value |= ((bits >>> low) & ((1 << (high - low + 1)) - 1)) << bit;
      return (value << extend) >> extend;
    },
    encode: (value) => {
      let bits = 0;
      for (const [high, low, bit] of pieces) bits |= ((value >>> bit) & ((1 << (high - low + 1)) - 1)) << low;
      return bits;
    },
    min: signBit === undefined ? 0 : -(1 << signBit),
    max: signBit === undefined ? all : all & ~(1 << signBit),
    step: all & -all,
  };
}
