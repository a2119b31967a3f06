import { bytesOf, sliceParts } from '../../storage/storage.ts';
import { refuse } from '../errno.ts';
import { OUT_HEADER } from './facts.ts';

/**
 * Bytes of an answer that are put together here at most: a list of names. Bytes of files go to the guest as they are.
 */
const LARGEST = 1 << 16;

/** An answer while it is put together. One object serves all requests, one after the other. */
export class FuseReply {
  readonly #bytes = new Uint8Array(OUT_HEADER.BYTES + LARGEST);
  readonly #view = new DataView(this.#bytes.buffer);
  #room: readonly Uint8Array[] = [];
  #roomBytes = 0;
  #length = 0;
  #transferred = 0;

  /** @param room where the answer goes */
  begin(room: readonly Uint8Array[]): void {
    this.#room = room;
    this.#roomBytes = bytesOf(room);
    this.#length = this.#transferred = 0;
  }

  /** Bytes that fit behind the header. */
  get room(): number {
    return Math.max(0, this.#roomBytes - OUT_HEADER.BYTES);
  }

  /** Where in the answer the next {@link add} will be. */
  get length(): number {
    return this.#length;
  }

  /** Adds so many bytes of zeroes. @returns where they are, for the methods below */
  add(bytes: number): number {
    const at = this.#length;
    if (at + bytes > LARGEST || at + bytes > this.room) refuse('ERANGE');
    this.#bytes.fill(0, OUT_HEADER.BYTES + at, OUT_HEADER.BYTES + at + bytes);
    this.#length += bytes;
    return at;
  }

  /** Takes back the bytes that were added from there on. */
  cut(length: number): void {
    this.#length = length;
  }

  half(at: number, value: number): void {
    this.#view.setUint16(OUT_HEADER.BYTES + at, value, true);
  }

  word(at: number, value: number): void {
    this.#view.setUint32(OUT_HEADER.BYTES + at, value, true);
  }

  /** @param value a whole number, exact, which may be negative */
  wide(at: number, value: number): void {
    this.word(at, value % 2 ** 32);
    this.word(at + 4, Math.floor(value / 2 ** 32));
  }

  put(at: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, OUT_HEADER.BYTES + at);
  }

  /** The guest's memory behind the header, so many bytes of it at most, for data that is written there in place. */
  dataRoom(bytes: number): Uint8Array[] {
    return sliceParts(this.#room, OUT_HEADER.BYTES, bytes);
  }

  /** So many bytes of {@link dataRoom} are the answer. */
  transferred(bytes: number): void {
    this.#transferred = bytes;
  }

  /** Writes the answer. @returns its bytes; 0 if there is not even room for a header */
  send([low, high]: readonly [number, number], errno: number): number {
    if (this.#roomBytes < OUT_HEADER.BYTES) return 0;
    const own = OUT_HEADER.BYTES + (errno === 0 ? this.#length : 0);
    const length = own + (errno === 0 ? this.#transferred : 0);
    this.#view.setUint32(OUT_HEADER.LEN, length, true);
    this.#view.setInt32(OUT_HEADER.ERROR, -errno, true);
    this.#view.setUint32(OUT_HEADER.UNIQUE, low, true);
    this.#view.setUint32(OUT_HEADER.UNIQUE + 4, high, true);
    let done = 0;
    for (const part of sliceParts(this.#room, 0, own)) {
      part.set(this.#bytes.subarray(done, done + part.length));
      done += part.length;
    }
    return length;
  }
}
