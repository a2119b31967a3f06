const FIXED64 = 1;
const BYTES = 2;
/** A length below this takes one byte, as most of ours do. */
const ONE_BYTE = 0x80;

const encoder = new TextEncoder();

/** Writes messages of protocol buffers (protobuf.dev, "Encoding") one behind the other, into memory of its own. */
export class MessageWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;

  /** @param bytes room in the beginning; there is more when it is needed */
  constructor(bytes = 1 << 16) {
    this.#bytes = new Uint8Array(bytes);
  }

  /** Bytes written since the last {@link take}. */
  get length(): number {
    return this.#at;
  }

  /** The bytes that were written, valid until the next write. The writer begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    return taken;
  }

  /** An unsigned number up to 2^53. */
  number(field: number, value: number): void {
    this.#reserve(20);
    this.#key(field * 8);
    // Most numbers are small.
    if (value < ONE_BYTE) this.#bytes[this.#at++] = value;
    else this.#varint(value);
  }

  /** An unsigned number of 64 bits in two halves. */
  halves(field: number, low: number, high: number): void {
    this.#reserve(20);
    this.#key(field * 8);
    if (high === 0) {
      this.#varint(low >>> 0);
      return;
    }
    // Seven bits a byte: 28 of the low half, its last 4 with 3 of the high one, and the other 29.
    for (let shift = 0; shift < 28; shift += 7) this.#bytes[this.#at++] = ((low >>> shift) & 0x7f) | 0x80;
    const middle = (low >>> 28) | ((high & 7) << 4);
    const rest = high >>> 3;
    this.#bytes[this.#at++] = rest === 0 ? middle : middle | 0x80;
    if (rest !== 0) this.#varint(rest);
  }

  /** A number of 64 bits in eight bytes. */
  fixed64(field: number, value: number): void {
    this.#reserve(20);
    this.#key(field * 8 + FIXED64);
    const high = Math.floor(value / 2 ** 32);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#at++] = value >>> shift;
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#at++] = high >>> shift;
  }

  double(field: number, value: number): void {
    this.#reserve(20);
    this.#key(field * 8 + FIXED64);
    new DataView(this.#bytes.buffer).setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  text(field: number, value: string): void {
    const begun = this.open(field);
    const bytes = encoder.encode(value);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    this.close(begun);
  }

  /** Begins a message in a field. @returns the argument of {@link close} at its end */
  open(field: number): number {
    this.#reserve(20);
    this.#key(field * 8 + BYTES);
    return ++this.#at;
  }

  /** Ends a message: its length, for which there is one byte, goes before it. */
  close(begun: number): void {
    const length = this.#at - begun;
    if (length >= ONE_BYTE) {
      const more = varintBytes(length) - 1;
      this.#reserve(more);
      this.#bytes.copyWithin(begun + more, begun, this.#at);
      this.#at = begun - 1;
      this.#varint(length);
      this.#at += length;
    } else {
      this.#bytes[begun - 1] = length;
    }
  }

  /** Of a field and its type; most fields have numbers below 16. */
  #key(key: number): void {
    if (key < ONE_BYTE) this.#bytes[this.#at++] = key;
    else this.#varint(key);
  }

  #varint(value: number): void {
    const bytes = this.#bytes;
    let rest = value;
    // Four bytes at once, as times are long: the arithmetic of doubles is slow.
    while (rest >= 2 ** 28) {
      const upper = Math.floor(rest / 2 ** 28);
      const low = rest - upper * 2 ** 28;
      for (let shift = 0; shift < 28; shift += 7) bytes[this.#at++] = ((low >>> shift) & 0x7f) | 0x80;
      rest = upper;
    }
    for (; rest >= 0x80; rest >>>= 7) bytes[this.#at++] = (rest & 0x7f) | 0x80;
    bytes[this.#at++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
