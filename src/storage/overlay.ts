import { bytesOf, checkRange, readEach, type Storage } from './storage.ts';

/** Bytes that are copied together. */
const CLUSTER = 4096;
/** Clusters of one change at most, and the bytes before them: where they belong. */
const CHANGE_CLUSTERS = 1024;
const CHANGE_HEAD = Float64Array.BYTES_PER_ELEMENT;

/**
 * Keeps changes to one storage in another: written blocks lie in `top`, at the same offsets, and the rest is read from
 * `base`, which is never written. One bit for each 4 KiB says which it is; it is in memory, so that the changes last as
 * long as the object.
 */
export class Overlay implements Storage {
  readonly size: number;
  readonly #base: Storage;
  readonly #top: Storage;
  readonly #changed: Uint8Array;

  /** @param top as large as `base` at least */
  constructor(base: Storage, top: Storage) {
    if (top.size < base.size) throw new RangeError('an overlay is as large as what it lies over');
    this.size = base.size;
    this.#base = base;
    this.#top = top;
    this.#changed = new Uint8Array(Math.ceil(base.size / CLUSTER / 8));
  }

  read(offset: number, into: Uint8Array): void {
    checkRange(this, offset, into.length);
    for (let done = 0; done < into.length; ) {
      const start = offset + done;
      const changed = this.#isChanged(Math.floor(start / CLUSTER));
      const end = Math.min(this.#endOfRun(start, changed), offset + into.length);
      (changed ? this.#top : this.#base).read(start, into.subarray(done, end - offset));
      done = end - offset;
    }
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    const bytes = bytesOf(into);
    checkRange(this, offset, bytes);
    if (bytes === 0) return;
    const changed = this.#isChanged(Math.floor(offset / CLUSTER));
    if (this.#endOfRun(offset, changed) < offset + bytes) readEach(this, offset, into);
    else (changed ? this.#top : this.#base).readParts(offset, into);
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    const bytes = bytesOf(from);
    checkRange(this, offset, bytes);
    if (bytes === 0) return;
    this.#claim(offset, bytes);
    this.#top.writeParts(offset, from);
    this.#mark(offset, bytes);
  }

  write(offset: number, from: Uint8Array): void {
    checkRange(this, offset, from.length);
    if (from.length === 0) return;
    this.#claim(offset, from.length);
    this.#top.write(offset, from);
    this.#mark(offset, from.length);
  }

  flush(): void {
    this.#top.flush();
  }

  close(): void {
    this.#top.close();
    this.#base.close();
  }

  zero(offset: number, bytes: number, discard: boolean): void {
    checkRange(this, offset, bytes);
    if (bytes === 0) return;
    this.#claim(offset, bytes);
    this.#top.zero(offset, bytes, discard);
    this.#mark(offset, bytes);
  }

  *changes(): Generator<Uint8Array> {
    const clusters = Math.ceil(this.size / CLUSTER);
    for (let first = 0; first < clusters; ) {
      let end = first;
      while (end < clusters && end - first < CHANGE_CLUSTERS && this.#isChanged(end)) end++;
      if (end === first) {
        first++;
        continue;
      }
      const start = first * CLUSTER;
      const change = new Uint8Array(CHANGE_HEAD + Math.min(end * CLUSTER, this.size) - start);
      new DataView(change.buffer).setFloat64(0, start, true);
      this.#top.read(start, change.subarray(CHANGE_HEAD));
      yield change;
      first = end;
    }
  }

  takeChange(change: Uint8Array): void {
    const { buffer, byteOffset, length } = change;
    if (length < CHANGE_HEAD) throw new RangeError('a change to a drive has no place');
    const start = new DataView(buffer, byteOffset).getFloat64(0, true);
    const bytes = change.subarray(CHANGE_HEAD);
    checkRange(this, start, bytes.length);
    if (!Number.isInteger(start)) throw new RangeError(`no byte of a drive is at ${start}`);
    this.write(start, bytes);
  }

  /** Copies the clusters at both ends of a range that is about to be written in part. */
  #claim(offset: number, bytes: number): void {
    const end = offset + bytes;
    const last = Math.floor((end - 1) / CLUSTER) * CLUSTER;
    if (offset % CLUSTER !== 0) this.#copy(Math.floor(offset / CLUSTER));
    if (end % CLUSTER !== 0 && end !== this.size) this.#copy(last / CLUSTER);
  }

  #copy(cluster: number): void {
    if (this.#isChanged(cluster)) return;
    const start = cluster * CLUSTER;
    const bytes = new Uint8Array(Math.min(CLUSTER, this.size - start));
    this.#base.read(start, bytes);
    this.#top.write(start, bytes);
    this.#set(cluster);
  }

  #mark(offset: number, bytes: number): void {
    const last = Math.floor((offset + bytes - 1) / CLUSTER);
    for (let cluster = Math.floor(offset / CLUSTER); cluster <= last; cluster++) this.#set(cluster);
  }

  /** Where the clusters end that are as the one of an offset. */
  #endOfRun(offset: number, changed: boolean): number {
    const clusters = Math.ceil(this.size / CLUSTER);
    let cluster = Math.floor(offset / CLUSTER) + 1;
    while (cluster < clusters && this.#isChanged(cluster) === changed) cluster++;
    return Math.min(cluster * CLUSTER, this.size);
  }

  #isChanged(cluster: number): boolean {
    return (this.#changed[cluster >> 3] & (1 << (cluster & 7))) !== 0;
  }

  #set(cluster: number): void {
    this.#changed[cluster >> 3] |= 1 << (cluster & 7);
  }
}
