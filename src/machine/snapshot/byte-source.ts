/** The bytes of a file, in pieces as they come. A page has them of a stream, Node of a file. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Takes as many bytes at a time from a source as its reader wants. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(chunks: ByteChunks) {
    this.#chunks =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  /**
   * The next bytes.
   *
   * @param count - so much memory is taken only as it comes
   * @returns fewer than `count` at the end
   */
  async take(count: number): Promise<Uint8Array> {
    if (this.#rest.length >= count) return this.#cut(count);
    const pieces: Uint8Array[] = [];
    let length = 0;
    while (length < count) {
      if (this.#rest.length === 0 && !(await this.#next())) break;
      const piece = this.#cut(Math.min(count - length, this.#rest.length));
      pieces.push(piece);
      length += piece.length;
    }
    const whole = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** Ends the source, of which nothing more is wanted. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #next(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done === true) return false;
    this.#rest = value;
    return true;
  }

  #cut(count: number): Uint8Array {
    const piece = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return piece;
  }
}
