/** Bytes on their way to the guest: those that it has not acknowledged yet, in the order of their numbers. */
export class SendQueue {
  readonly #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are gone. */
  #gone = 0;
  #length = 0;
  /** Where the last look began: the chunk, and its distance from the first byte that is there. */
  #at = 0;
  #before = 0;

  /** Bytes in it. */
  get length(): number {
    return this.#length;
  }

  /** Puts bytes at the end, and keeps them. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** Drops so many bytes from the start, or all of them. */
  drop(count: number): void {
    let left = Math.min(count, this.#length);
    this.#length -= left;
    let chunks = 0;
    while (left > 0) {
      const rest = this.#chunks[chunks].length - this.#gone;
      if (left < rest) {
        this.#gone += left;
        break;
      }
      left -= rest;
      this.#gone = 0;
      chunks++;
    }
    this.#chunks.splice(0, chunks);
    this.#at = 0;
    this.#before = 0;
  }

  clear(): void {
    this.drop(this.#length);
  }

  /** So many bytes from an offset on, which are there: parts of the pieces that were put in. */
  slice(offset: number, count: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    if (offset < this.#before) {
      this.#at = 0;
      this.#before = 0;
    }
    let index = this.#at;
    let before = this.#before;
    for (let left = count; left > 0; ) {
      const chunk = this.#chunks[index];
      const gone = index === 0 ? this.#gone : 0;
      const bytes = chunk.length - gone;
      const from = Math.max(0, offset - before);
      if (from < bytes) {
        if (parts.length === 0) {
          this.#at = index;
          this.#before = before;
        }
        const part = chunk.subarray(gone + from, gone + Math.min(bytes, from + left));
        parts.push(part);
        left -= part.length;
      }
      before += bytes;
      index++;
    }
    return parts;
  }
}
