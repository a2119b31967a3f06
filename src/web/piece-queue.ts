/** Bytes that are sent piece by piece, for a reader of one after the other. */
export class PieceQueue implements AsyncIterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = [];
  #isWhole = false;
  #added = Promise.withResolvers<void>();

  /** @param piece undefined behind the last one */
  add(piece: Uint8Array | undefined): void {
    if (piece === undefined) this.#isWhole = true;
    else this.#pieces.push(piece);
    this.#added.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) yield piece;
      else if (this.#isWhole) return;
      else {
        await this.#added.promise;
        this.#added = Promise.withResolvers();
      }
    }
  }
}
