import { HOLE } from './hole.ts';

const encoder = new TextEncoder();
/** The longest that one operation of a stencil can become, in bytes. */
const LONGEST = 10;

/**
 * A growable byte buffer with the encodings of the WebAssembly binary format.
 *
 * One writer is reused for many functions (`reset`), so that generating code allocates nothing but the result.
 */
export class ByteWriter {
  /** Positions and kinds of the holes that a stencil is to fill in; only while one is recorded. */
  readonly holes: { readonly at: number; readonly operation: number }[] | undefined;
  /** Positions of branches that are hardly ever taken. */
  readonly unlikely: number[] = [];
  #bytes: Uint8Array;
  #length = 0;

  /**
   * @param capacity initial capacity in bytes; the buffer doubles when it is full
   * @param recording written code may have holes
   */
  constructor(capacity = 1024, recording = false) {
    this.#bytes = new Uint8Array(capacity);
    this.holes = recording ? [] : undefined;
  }

  /** Number of bytes written since the last reset. */
  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
    this.unlikely.length = 0;
  }

  /** A copy of the written bytes. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length) as Uint8Array<ArrayBuffer>;
  }

  u8(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Unsigned LEB128; `value` is an integer in 0..2^32-1. */
  u32(value: number): void {
    if (value >= 0 && value < 0x80) {
      this.u8(value);
      return;
    }
    this.#reserve(LONGEST);
    this.#length = writeU32(this.#bytes, this.#length, value);
  }

  /** Signed LEB128 of a 32-bit integer. */
  s32(value: number): void {
    if (value >= -0x40 && value < 0x40) {
      this.u8(value & 0x7f);
      return;
    }
    this.#reserve(LONGEST);
    this.#length = writeS32(this.#bytes, this.#length, value);
  }

  /** Signed LEB128 of a 64-bit integer; numbers must be safe integers. */
  s64(value: number | bigint): void {
    if (typeof value === 'number' && value >= -0x8000_0000 && value <= 0x7fff_ffff) {
      this.s32(value);
      return;
    }
    this.#reserve(LONGEST);
    this.#length = writeS64(this.#bytes, this.#length, BigInt(value));
  }

  /**
   * An index of a local or function, an offset or the distance of a label: a number, or, while a stencil is recorded, a
   * hole.
   */
  index(value: number): void {
    if (this.holes !== undefined && value >= HOLE.index) this.hole(value);
    else this.u32(value);
  }

  /** A place for a stencil to fill in. @throws Error when none is recorded */
  hole(operation: number): void {
    if (this.holes === undefined) throw new Error('a hole outside of a stencil');
    this.holes.push({ at: this.#length, operation });
  }

  /** Marks a branch as hardly ever taken, where its opcode follows. */
  markUnlikely(): void {
    if (this.holes === undefined) this.unlikely.push(this.#length);
    else this.hole(HOLE.unlikely);
  }

  /** Writes recorded operations (see {@link Stencil}), with numbers for their holes. */
  paste(operations: Int32Array, values: Int32Array): void {
    this.#reserve(operations.length * LONGEST);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < operations.length; i++) {
      const operation = operations[i];
      if (operation < 0x100) {
        bytes[at++] = operation;
        continue;
      }
      const slot = (operation >> 8) & 0xffff;
      switch (operation & HOLE.kinds) {
        case HOLE.index:
          at = writeU32(bytes, at, values[slot] + (operation & 0xff));
          break;
        case HOLE.signed:
          at = writeS32(bytes, at, values[slot]);
          break;
        case HOLE.wide:
          at = writeWide(bytes, at, values[slot] * 0x1_0000 + values[slot + 1]);
          break;
        default:
          this.unlikely.push(at);
      }
    }
    this.#length = at;
  }

  bytes(source: Uint8Array): void {
    this.#reserve(source.length);
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
  }

  /** Appends all that another writer holds. */
  append(other: ByteWriter): void {
    this.bytes(other.#bytes.subarray(0, other.#length));
  }

  /** A name: its length in bytes, then UTF-8. */
  name(text: string): void {
    const encoded = encoder.encode(text);
    this.u32(encoded.length);
    this.bytes(encoded);
  }

  #reserve(needed: number): void {
    if (this.#length + needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + needed));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function writeU32(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

function writeS32(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value | 0;
  while (rest < -0x40 || rest > 0x3f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>= 7;
  }
  bytes[at++] = rest & 0x7f;
  return at;
}

/** As {@link writeS32}, of any safe integer. */
function writeWide(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest < -0x8000_0000 || rest > 0x7fff_ffff) {
    const next = Math.floor(rest / 0x80);
    bytes[at++] = (rest - next * 0x80) | 0x80;
    rest = next;
  }
  return writeS32(bytes, at, rest);
}

function writeS64(bytes: Uint8Array, start: number, value: bigint): number {
  let at = start;
  let rest = BigInt.asIntN(64, value);
  while (rest < -0x40n || rest > 0x3fn) {
    bytes[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  bytes[at++] = Number(rest & 0x7fn);
  return at;
}
