/** Reads the encodings of the WebAssembly binary format. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get atEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  /** @throws RangeError at the end of the bytes */
  u8(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw new RangeError('the module ends in the middle');
    return value;
  }

  u32(): number {
    return Number(this.#leb().value);
  }

  s32(): number {
    return Number(this.s64());
  }

  s64(): bigint {
    const { value, bits } = this.#leb();
    return BigInt.asIntN(bits, value);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.u32()));
  }

  /** The next `length` bytes. */
  take(length: number): Uint8Array {
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** The bits of a number, and how many there are. */
  #leb(): { readonly value: bigint; readonly bits: number } {
    let value = 0n;
    for (let bits = 0; ; bits += 7) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << BigInt(bits);
      if (byte < 0x80) return { value, bits: bits + 7 };
    }
  }
}
