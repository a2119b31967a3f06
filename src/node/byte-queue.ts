/** Bytes of one piece. */
const PIECE = 16_384;

/**
 * A queue of bytes that takes little more memory than there are bytes in it, however small the pieces are in which they
 * come: bytes that arrive one by one would otherwise be as many objects.
 */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = [];
  /** Where the first piece begins, and where the last one ends. */
  #start = 0;
  #end = PIECE;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds a copy of the bytes. */
  push(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#end === PIECE) {
        this.#pieces.push(new Uint8Array(PIECE));
        this.#end = 0;
      }
      const part = rest.subarray(0, PIECE - this.#end);
      this.#pieces.at(-1)?.set(part, this.#end);
      this.#end += part.length;
      this.#length += part.length;
      rest = rest.subarray(part.length);
    }
  }

  /** The oldest bytes, as many as lie together; none when the queue is empty. */
  first(): Uint8Array {
    return (
      this.#pieces[0]?.subarray(this.#start, Math.min(PIECE, this.#start + this.#length)) ?? new Uint8Array()
    );
  }

  /** Removes the oldest bytes. @param count - at most the length of {@link first} */
  drop(count: number): void {
    this.#start += count;
    this.#length -= count;
    if (this.#length === 0) {
      this.#pieces.length = 0;
      this.#start = 0;
      this.#end = PIECE;
    } else if (this.#start === PIECE) {
      this.#pieces.shift();
      this.#start = 0;
    }
  }
}
