/** Values of an entry: the number of the cluster and 1, or 0 for none; then where it is. */
const ENTRY = 2;
/** Entries, each of which clusters share. With clusters of 64 KiB they are enough for 1 GiB that is in use. */
const ENTRIES = 2 ** 14;
/** The entry before the others: bytes of a cluster. */
const HEAD = 1;
/** Places in the file are exact below, with a bit for whether they may be written to. */
const LARGEST = 2 ** 52;

/**
 * Where clusters of the guest have their data in the file of an image, as far as that was asked for lately: shared
 * memory, by which a thread that has no tables of the image reads and writes data in place.
 *
 * The owner of the tables notes and forgets, others look. All do that with one lock held, that of the device's
 * requests, which is why no access here is atomic.
 */
export class ClusterPlaces {
  readonly #values: Float64Array;

  /** @param shared as {@link create} makes it */
  constructor(shared: SharedArrayBuffer) {
    this.#values = new Float64Array(shared);
  }

  static create(): SharedArrayBuffer {
    return new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * (HEAD + ENTRY * ENTRIES));
  }

  /** Bytes of a cluster; 0 until the image is open. */
  get cluster(): number {
    return this.#values[0];
  }

  /** The image is open, and nothing is known of it. @param cluster bytes of one */
  begin(cluster: number): void {
    this.clear();
    this.#values[0] = cluster;
  }

  /**
   * Remembers a place.
   *
   * @param index of the guest's cluster
   * @param host offset of its data in the file, all of which is there
   * @param writable whether it may be written to in place
   */
  note(index: number, host: number, writable: boolean): void {
    if (host >= LARGEST) return;
    const at = entryOf(index);
    this.#values[at] = index + 1;
    this.#values[at + 1] = 2 * host + (writable ? 1 : 0);
  }

  /** Where the data of a cluster is; -1 if that is not known, or it may not be written to and is to be. */
  find(index: number, writes: boolean): number {
    const at = entryOf(index);
    if (this.#values[at] !== index + 1) return -1;
    const place = this.#values[at + 1];
    const writable = place % 2;
    return writes && writable === 0 ? -1 : (place - writable) / 2;
  }

  /** A cluster is elsewhere now. */
  forget(index: number): void {
    const at = entryOf(index);
    if (this.#values[at] === index + 1) this.#values[at] = 0;
  }

  /** No known place counts any more. */
  clear(): void {
    this.#values.fill(0, HEAD);
  }
}

function entryOf(index: number): number {
  return HEAD + ENTRY * (index % ENTRIES);
}
