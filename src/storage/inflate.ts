/** Deflate data (RFC 1951), unpacked at once: hosts without a function for that have one which waits at best. */

/** Bits of a code at most. */
const LONGEST = 15;
const END_OF_BLOCK = 256;

/** Of each length and distance symbol: its least value, and how many more bits follow (section 3.2.5). */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** The order in which the lengths of the code for lengths come (section 3.2.7). */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A code: how many symbols have each length, and the symbols by length and value. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

/**
 * Unpacks raw deflate data. Anything behind its end is left alone.
 *
 * @param most bytes that it may unpack to
 * @throws RangeError for data that is damaged, cut short, or unpacks to more
 */
export function inflate(packed: Uint8Array, most: number): Uint8Array<ArrayBuffer> {
  const output = new Uint8Array(most);
  const bits = new Bits(packed);
  let length = 0;
  for (let last = false; !last; ) {
    last = bits.take(1) === 1;
    const kind = bits.take(2);
    if (kind === 0) length = copyStored(bits, output, length);
    else if (kind === 1) length = unpackBlock(bits, FIXED, output, length);
    else if (kind === 2) length = unpackBlock(bits, readCodes(bits), output, length);
    else throw new RangeError('there is no such kind of block');
  }
  return output.subarray(0, length);
}

/** Bits from the lowest of each byte on. */
class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next bits, 0 to 16, the first of which is the lowest. */
  take(count: number): number {
    while (this.#count < count) this.#load();
    const taken = this.#held & ((1 << count) - 1);
    this.#held >>>= count;
    this.#count -= count;
    return taken;
  }

  /** The next symbol of a code, whose bits come from the highest on. */
  symbol({ counts, symbols }: Code): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= LONGEST; length++) {
      if (this.#count === 0) this.#load();
      code |= this.#held & 1;
      this.#held >>>= 1;
      this.#count--;
      const count = counts[length];
      if (code - first < count) return symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new RangeError('there is no such symbol');
  }

  /** Whole bytes, from the next one on. */
  bytes(count: number): Uint8Array {
    this.#held = 0;
    this.#count = 0;
    const part = this.#bytes.subarray(this.#at, this.#at + count);
    if (part.length < count) throw new RangeError('the data is cut short');
    this.#at += count;
    return part;
  }

  #load(): void {
    if (this.#at === this.#bytes.length) throw new RangeError('the data is cut short');
    this.#held |= this.#bytes[this.#at++] << this.#count;
    this.#count += 8;
  }
}

function codeOf(lengths: readonly number[]): Code {
  const counts = new Uint16Array(LONGEST + 1);
  for (const length of lengths) counts[length]++;
  let left = 1;
  for (let length = 1; length <= LONGEST; length++) {
    left = left * 2 - counts[length];
    if (left < 0) throw new RangeError('a code has more symbols than it can');
  }
  const places = new Uint16Array(LONGEST + 2);
  for (let length = 1; length <= LONGEST; length++) places[length + 1] = places[length] + counts[length];
  const symbols = new Uint16Array(lengths.length);
  for (const [symbol, length] of lengths.entries()) if (length > 0) symbols[places[length]++] = symbol;
  counts[0] = 0;
  return { counts, symbols };
}

interface Codes {
  readonly lengths: Code;
  readonly distances: Code;
}

/** Section 3.2.6. */
const FIXED: Codes = {
  lengths: codeOf(
    Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
  ),
  distances: codeOf(Array.from({ length: 30 }, () => 5)),
};

function readCodes(bits: Bits): Codes {
  const lengthSymbols = bits.take(5) + 257;
  const distanceSymbols = bits.take(5) + 1;
  const orders = bits.take(4) + 4;
  const small = ORDER.map(() => 0);
  for (let index = 0; index < orders; index++) small[ORDER[index]] = bits.take(3);
  const code = codeOf(small);
  const lengths: number[] = [];
  while (lengths.length < lengthSymbols + distanceSymbols) {
    const symbol = bits.symbol(code);
    if (symbol < 16) lengths.push(symbol);
    else if (symbol === 16) repeat(lengths, lengths.at(-1), 3 + bits.take(2));
    else repeat(lengths, 0, symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7));
  }
  if (lengths.length > lengthSymbols + distanceSymbols) throw new RangeError('a code has too many lengths');
  return {
    lengths: codeOf(lengths.slice(0, lengthSymbols)),
    distances: codeOf(lengths.slice(lengthSymbols)),
  };
}

function repeat(lengths: number[], length: number | undefined, times: number): void {
  if (length === undefined) throw new RangeError('there is no length to repeat');
  for (let count = 0; count < times; count++) lengths.push(length);
}

function copyStored(bits: Bits, output: Uint8Array, start: number): number {
  const [low, high, lowNot, highNot] = bits.bytes(4);
  if ((low ^ lowNot) !== 0xff || (high ^ highNot) !== 0xff) throw new RangeError('a length is damaged');
  const bytes = bits.bytes(low | (high << 8));
  if (start + bytes.length > output.length) throw new RangeError('the data unpacks to more than it should');
  output.set(bytes, start);
  return start + bytes.length;
}

function unpackBlock(bits: Bits, { lengths, distances }: Codes, output: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const symbol = bits.symbol(lengths);
    if (symbol === END_OF_BLOCK) return at;
    if (symbol < END_OF_BLOCK) {
      if (at === output.length) throw new RangeError('the data unpacks to more than it should');
      output[at++] = symbol;
      continue;
    }
    const kind = symbol - END_OF_BLOCK - 1;
    const length = numberOf(bits, LENGTH_BASE, LENGTH_BITS, kind);
    const distance = numberOf(bits, DISTANCE_BASE, DISTANCE_BITS, bits.symbol(distances));
    if (distance > at) throw new RangeError('a part lies before the start');
    if (at + length > output.length) throw new RangeError('the data unpacks to more than it should');
    // Byte by byte: a part may overlap its result.
    for (const end = at + length; at < end; at++) output[at] = output[at - distance];
  }
}

function numberOf(bits: Bits, bases: readonly number[], extra: readonly number[], kind: number): number {
  if (kind >= bases.length) throw new RangeError('there is no such symbol');
  return bases[kind] + bits.take(extra[kind]);
}
