import { shown } from '../errors/arguments.ts';
import { InputError } from '../errors/input-error.ts';
import { decodeName, encodeName } from './byte-text.ts';
import { broken } from './frame.ts';
import { PROTOCOL } from './protocol.ts';

/** Writes the payload of a request: numbers and texts, one behind the other. */
export class PayloadWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  u32(value: number): this {
    this.#room(4);
    new DataView(this.#bytes.buffer).setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** @param value an integer, exact up to 2^53 */
  i64(value: number): this {
    return this.u32(value >>> 0).u32(Math.floor(value / 2 ** 32) >>> 0);
  }

  /** @throws InputError for a text with a zero, or one that is too long */
  text(value: string): this {
    if (value.includes('\0')) {
      throw new InputError(`A path, an argument or a variable has a zero byte in it: ${shown(value)}.`);
    }
    return this.bytes(encodeName(`${value}\0`));
  }

  texts(values: readonly string[]): this {
    this.u32(values.length);
    for (const value of values) this.text(value);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** All of it. */
  get payload(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted > PROTOCOL.LARGEST_TO_AGENT) {
      throw new InputError(
        `The arguments and the environment have more than ${PROTOCOL.LARGEST_TO_AGENT} bytes. Put them into a file.`,
      );
    }
    if (wanted <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Reads an agent's bytes, of which none is believed. Methods throw AgentError where it ends too early. */
export class PayloadReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u32(): number {
    this.#want(4);
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  /** Above 2^53 it is not exact. */
  i64(): number {
    const low = this.u32();
    return (this.u32() | 0) * 2 ** 32 + low;
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw broken('a text without an end');
    const value = decodeName(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return value;
  }

  #want(bytes: number): void {
    if (this.left < bytes) throw broken('a payload that ends too early');
  }
}
