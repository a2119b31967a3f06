import type { ImageFile } from '../image-file.ts';
import { bytesOf, checkRange, readEach, type Storage, sliceParts } from '../storage.ts';
import type { ClusterPlaces } from './cluster-places.ts';
import { type ClusterUnpackers, CompressedClusters, packedRange } from './compressed.ts';
import { CorruptImage, ImageError } from './errors.ts';
import { FIELD, INCOMPATIBLE } from './facts.ts';
import { type Qcow2Header, readHeader } from './header.ts';
import { type Entry, KIND, Mapping, type Run } from './mapping.ts';
import { Refcounts } from './refcounts.ts';
import { repair } from './repair.ts';

/** Clusters that are given up and wait for the next flush, at most. */
const MOST_RELEASED = 2 ** 16;
/** Clusters whose places are looked up together for other threads: the data behind them are asked for soon. */
const AHEAD = 64;
/** Bytes of zeroes that are written at a time. */
const ZEROES = new Uint8Array(2 ** 18);

export interface Qcow2Options {
  readonly readOnly: boolean;
  /** The storage below the image. */
  readonly backing?: Storage | undefined;
  readonly unpackers: ClusterUnpackers;
  /** Is told where data is, for other threads. */
  readonly places?: ClusterPlaces | undefined;
}

/** Clusters that hold tables. One that becomes one may have been taken for data, in an image that is damaged. */
class TableClusters extends Set<number> {
  readonly #onAdd: () => void;

  constructor(onAdd: () => void) {
    super();
    this.#onAdd = onAdd;
  }

  override add(cluster: number): this {
    this.#onAdd();
    return super.add(cluster);
  }
}

/**
 * An image in the format qcow2, versions 2 and 3.
 *
 * Tables are changed in memory, and are written by {@link flush} in an order in which the file is whole at any time:
 * counts and data first, then pointers to them, then freed clusters. A process that dies between leaves clusters at
 * worst that count as used and are not; a flag in the header says so, by which the next one who opens it finds them.
 */
export class Qcow2Image implements Storage {
  readonly size: number;
  readonly #file: ImageFile;
  readonly #header: Qcow2Header;
  readonly #cluster: number;
  readonly #backing: Storage | undefined;
  readonly #compressed: CompressedClusters;
  readonly #mapping: Mapping;
  /** Undefined where nothing is written. */
  readonly #refcounts: Refcounts | undefined;
  /** Clusters of the file that hold tables. */
  readonly #guarded: Set<number>;
  #places: ClusterPlaces | undefined;
  /** Clusters of the file that are not used any more, once the tables that say so are safe. */
  #released: number[] = [];
  #changes = false;
  #corrupt = false;

  /**
   * Opens an image, and repairs its counts where that is to be done.
   *
   * @throws ImageError if it is damaged, has features that are not possible, or lies over a file that is not given
   */
  static open(file: ImageFile, options: Qcow2Options): Qcow2Image {
    try {
      const header = readHeader(file);
      if (header.backing !== undefined && options.backing === undefined)
        throw new ImageError(`lies over ${header.backing.name}, to which there is no way from there`);
      if (!options.readOnly) repairIfNeeded(file, header);
      // A repair moves the table of counts.
      return new Qcow2Image(file, readHeader(file), options);
    } catch (error) {
      if (error instanceof CorruptImage) throw new ImageError(`is damaged: ${error.message}`);
      throw error;
    }
  }

  private constructor(file: ImageFile, header: Qcow2Header, options: Qcow2Options) {
    const { readOnly, backing, unpackers, places } = options;
    this.size = header.size;
    this.#file = file;
    this.#header = header;
    this.#cluster = header.cluster;
    this.#backing = backing;
    this.#guarded = new TableClusters(() => this.#places?.clear()).add(0);
    this.#compressed = new CompressedClusters(file, header, unpackers);
    this.#mapping = new Mapping(file, header, this.#guarded, () => this.flush());
    if (!readOnly) this.#refcounts = new Refcounts(file, header, this.#guarded);
    places?.begin(header.cluster);
    this.#places = places;
  }

  read(offset: number, into: Uint8Array): void {
    checkRange(this, offset, into.length);
    for (let done = 0; done < into.length; ) {
      const at = offset + done;
      const inCluster = at % this.#cluster;
      const run = this.#runAt(at, into.length - done);
      const length = Math.min(run.count * this.#cluster - inCluster, into.length - done);
      const part = length === into.length ? into : into.subarray(done, done + length);
      if (run.kind === KIND.DATA) this.#file.read(run.host + inCluster, part);
      else this.#readOther(run, at, part);
      done += length;
    }
  }

  write(offset: number, from: Uint8Array): void {
    checkRange(this, offset, from.length);
    if (from.length > 0) this.#change((refcounts) => this.#write(refcounts, offset, from));
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    const bytes = bytesOf(into);
    checkRange(this, offset, bytes);
    for (let done = 0; done < bytes; ) {
      const at = offset + done;
      const inCluster = at % this.#cluster;
      const run = this.#runAt(at, bytes - done);
      const length = Math.min(run.count * this.#cluster - inCluster, bytes - done);
      const parts = length === bytes ? into : sliceParts(into, done, length);
      if (run.kind === KIND.DATA) this.#file.readParts(run.host + inCluster, parts);
      else readEach(this, at, parts);
      done += length;
    }
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    const bytes = bytesOf(from);
    checkRange(this, offset, bytes);
    for (let done = 0; done < bytes; ) {
      const at = offset + done;
      const inCluster = at % this.#cluster;
      const run = this.#runAt(at, bytes - done);
      const length = Math.min(run.count * this.#cluster - inCluster, bytes - done);
      const parts = length === bytes ? from : sliceParts(from, done, length);
      if (run.kind === KIND.DATA && run.own) this.#change(() => this.#writeInPlace(run, inCluster, parts));
      // New clusters are best made at once, for all that goes there.
      else this.write(at, joined(parts, length));
      done += length;
    }
  }

  flush(): void {
    const refcounts = this.#refcounts;
    if (refcounts === undefined) return;
    refcounts.write();
    this.#mapping.writeFresh();
    this.#file.flush();
    if (this.#mapping.dirty) {
      this.#mapping.writeRest();
      this.#file.flush();
    }
    const released = this.#released;
    this.#released = [];
    for (const cluster of released) this.#guardedRelease(refcounts, cluster);
  }

  zero(offset: number, bytes: number, discard: boolean): void {
    checkRange(this, offset, bytes);
    if (bytes > 0) this.#change((refcounts) => this.#zero(refcounts, offset, bytes, discard));
  }

  settle(): void {
    this.close();
  }

  close(): void {
    // The clusters that may be written to are noted anew, when the image is marked again.
    this.#places?.clear();
    if (this.#refcounts === undefined || !this.#changes) return;
    // The first one frees clusters, which is written by the second.
    this.flush();
    if (this.#refcounts.dirty) this.flush();
    if (this.#marks && !this.#corrupt) {
      setIncompatible(this.#file, INCOMPATIBLE.DIRTY, false);
      this.#file.flush();
    }
    this.#changes = false;
  }

  #write(refcounts: Refcounts, offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      const at = offset + done;
      const inCluster = at % this.#cluster;
      const run = this.#runAt(at, from.length - done);
      const most = Math.min(run.count * this.#cluster - inCluster, from.length - done);
      if (run.kind === KIND.DATA && run.own) {
        this.#writeInPlace(run, inCluster, [from.subarray(done, done + most)]);
        done += most;
      } else {
        done += this.#writeElsewhere(refcounts, at, run, from.subarray(done, done + most));
      }
    }
  }

  #writeInPlace(run: Run, inCluster: number, parts: readonly Uint8Array[]): void {
    this.#checkUnguarded(run);
    this.#file.writeParts(run.host + inCluster, parts);
  }

  /** Writes to clusters that get a new place in the file. @returns bytes written */
  #writeElsewhere(refcounts: Refcounts, at: number, run: Run, from: Uint8Array): number {
    const cluster = this.#cluster;
    const index = Math.floor(at / cluster);
    this.#ownTable(refcounts, index);
    const head = at % cluster;
    const { first, count } = refcounts.allocate(Math.ceil((head + from.length) / cluster));
    const host = first * cluster;
    const length = Math.min(count * cluster - head, from.length);
    try {
      this.#fill(at - head, host, head, from.subarray(0, length), run);
    } catch (error) {
      // Nothing points to them.
      for (let each = first; each < first + count; each++) refcounts.release(each);
      throw error;
    }
    for (let each = 0; each < count; each++) this.#repoint(index + each, host + each * cluster, false);
    return length;
  }

  /** Writes data to new clusters, and the guest's older data to the rest of the first and the last one. */
  #fill(start: number, host: number, head: number, data: Uint8Array, run: Run): void {
    const cluster = this.#cluster;
    const end = head + data.length;
    const tail = end % cluster;
    const isHole = host >= this.#file.length;
    if ((head === 0 && tail === 0) || (isHole && this.#readsZero(run, start, end))) {
      this.#file.write(host + head, data);
      return;
    }
    const lastStart = end - tail;
    if (head > 0 || end < cluster) {
      const length = Math.min(end, cluster);
      this.#fillOne(start, host, head, data.subarray(0, length - head));
      if (end <= cluster) return;
    }
    const from = head > 0 ? cluster : 0;
    if (lastStart > from) this.#file.write(host + from, data.subarray(from - head, lastStart - head));
    if (tail > 0) this.#fillOne(start + lastStart, host + lastStart, 0, data.subarray(lastStart - head));
  }

  #fillOne(start: number, host: number, head: number, data: Uint8Array): void {
    const whole = new Uint8Array(this.#cluster);
    const inside = Math.min(this.#cluster, this.size - start);
    this.read(start, whole.subarray(0, inside));
    whole.set(data, head);
    this.#file.write(host, whole);
  }

  /** Whether clusters that are alike read as zeroes, as far as that is known without a look at data. */
  #readsZero({ kind }: Run, start: number, bytes: number): boolean {
    if (kind === KIND.ZERO) return true;
    return kind === KIND.NONE && !this.#isBacked(start, bytes);
  }

  #isBacked(start: number, bytes: number): boolean {
    return this.#backing !== undefined && bytes > 0 && start < this.#backing.size;
  }

  #zero(refcounts: Refcounts, offset: number, bytes: number, discard: boolean): void {
    const cluster = this.#cluster;
    for (let at = offset; at < offset + bytes; ) {
      const inCluster = at % cluster;
      const left = offset + bytes - at;
      const run = this.#runAt(at, left);
      // The last cluster may reach beyond the image's end.
      const whole = inCluster === 0 && (left >= cluster || at + left === this.size);
      const covered = whole ? Math.min(run.count * cluster, left - (left % cluster) || left) : 0;
      const length = whole ? covered : Math.min(cluster - inCluster, left);
      if (this.#readsZero(run, at - inCluster, cluster) && !(discard && whole && run.host !== 0)) {
        at += Math.min(run.count * cluster - inCluster, left);
      } else if (whole && this.#canPointNowhere(at, length)) {
        this.#pointNowhere(refcounts, at, run, length, discard);
        at += length;
      } else {
        this.#writeZeroes(refcounts, at, length);
        at += length;
      }
    }
  }

  /** Whether an entry can say that clusters are zeroes: there is a flag for it, or nothing below. */
  #canPointNowhere(start: number, bytes: number): boolean {
    return this.#header.version > 2 || !this.#isBacked(start, bytes);
  }

  #pointNowhere(refcounts: Refcounts, at: number, run: Run, bytes: number, discard: boolean): void {
    const index = Math.floor(at / this.#cluster);
    const count = Math.ceil(bytes / this.#cluster);
    const flag = this.#header.version > 2;
    this.#ownTable(refcounts, index);
    for (let each = 0; each < count; each++) {
      // A cluster that is not to be discarded keeps its place, for the next write.
      const keep = flag && !discard && run.own;
      if (keep) this.#point(index + each, run.host + each * this.#cluster, true);
      else this.#repoint(index + each, 0, flag);
    }
  }

  #writeZeroes(refcounts: Refcounts, offset: number, bytes: number): void {
    for (let done = 0; done < bytes; done += ZEROES.length)
      this.#write(refcounts, offset + done, ZEROES.subarray(0, Math.min(ZEROES.length, bytes - done)));
  }

  #readOther({ kind, entry }: Run, at: number, into: Uint8Array): void {
    if (kind === KIND.COMPRESSED) {
      const inCluster = at % this.#cluster;
      into.set(this.#compressed.get(entry).subarray(inCluster, inCluster + into.length));
      return;
    }
    const below = kind === KIND.NONE ? (this.#backing?.size ?? 0) : 0;
    const bytes = Math.min(Math.max(0, below - at), into.length);
    if (bytes > 0) this.#backing?.read(at, into.subarray(0, bytes));
    into.fill(0, bytes);
  }

  #runAt(at: number, bytes: number): Run {
    const index = Math.floor(at / this.#cluster);
    const run = this.#mapping.run(index, Math.ceil(((at % this.#cluster) + bytes) / this.#cluster));
    if (run.kind === KIND.DATA) this.#note(index, run.count);
    return run;
  }

  /** Tells other threads where data is that is there as a whole, and the data behind it. */
  #note(index: number, wanted: number): void {
    const places = this.#places;
    if (places === undefined) return;
    const cluster = this.#cluster;
    const { host, count, own } = this.#mapping.run(index, Math.max(wanted, AHEAD));
    const mayWrite = own && this.#changes && !this.#corrupt;
    const whole = Math.min(count, Math.floor((this.#file.length - host) / cluster));
    for (let each = 0; each < whole; each++) {
      const at = host + each * cluster;
      places.note(index + each, at, mayWrite && !this.#guarded.has(at / cluster));
    }
  }

  #point(index: number, host: number, zero: boolean): void {
    this.#mapping.set(index, host, zero);
    this.#places?.forget(index);
  }

  #ownTable(refcounts: Refcounts, index: number): void {
    this.#mapping.ownTable(index, refcounts, (cluster) => this.#released.push(cluster));
  }

  /** Lets an entry point elsewhere, and gives up the clusters that it pointed to. */
  #repoint(index: number, host: number, zero: boolean): void {
    const { kind, host: before, entry } = this.#mapping.run(index, 1);
    this.#point(index, host, zero);
    if (kind === KIND.COMPRESSED) this.#releasePacked(entry);
    else if (before !== 0) this.#released.push(before / this.#cluster);
  }

  #releasePacked(entry: Entry): void {
    this.#compressed.forget(entry);
    const { offset, bytes } = packedRange(entry, this.#header.clusterBits);
    const last = Math.floor((offset + bytes - 1) / this.#cluster);
    for (let each = Math.floor(offset / this.#cluster); each <= last; each++) this.#released.push(each);
  }

  /** Takes a reference from a cluster, unless an image that is damaged would lose a table by it. */
  #guardedRelease(refcounts: Refcounts, cluster: number): void {
    if (this.#guarded.has(cluster)) return;
    refcounts.release(cluster);
  }

  #checkUnguarded({ host, count }: Run): void {
    const first = host / this.#cluster;
    for (let each = first; each < first + count; each++)
      if (this.#guarded.has(each)) throw new CorruptImage(`data is in cluster ${each}, which is a table`);
  }

  /** Whether the header says in which state the counts are. Snapshots make a repair more than is done here. */
  get #marks(): boolean {
    const { version, snapshots } = this.#header;
    return version > 2 && snapshots === 0;
  }

  #change(work: (refcounts: Refcounts) => void): void {
    const refcounts = this.#refcounts;
    if (refcounts === undefined) throw new Error('the image is open to be read only');
    if (this.#corrupt) throw new Error('the image is damaged, and is not written to any more');
    if (!this.#changes) this.#beginChanges();
    if (this.#released.length > MOST_RELEASED) this.flush();
    try {
      work(refcounts);
    } catch (error) {
      if (error instanceof CorruptImage) this.#markCorrupt();
      throw error;
    }
  }

  #beginChanges(): void {
    if (this.#header.autoclear) {
      // Programs that know these features find by it that they were not kept up.
      this.#file.write(FIELD.AUTOCLEAR, new Uint8Array(8));
      this.#file.flush();
    }
    if (this.#marks) {
      setIncompatible(this.#file, INCOMPATIBLE.DIRTY, true);
      // Safe before any count is: a failure of power could lose the mark and keep counts of clusters that nothing
      // points to.
      this.#file.flush();
    }
    this.#changes = true;
  }

  #markCorrupt(): void {
    this.#corrupt = true;
    this.#places?.clear();
    if (this.#header.version > 2) setIncompatible(this.#file, INCOMPATIBLE.CORRUPT, true);
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(bytes);
  let done = 0;
  for (const part of parts) {
    all.set(part, done);
    done += part.length;
  }
  return all;
}

/** @throws ImageError for an image that cannot be written to */
function repairIfNeeded(file: ImageFile, header: Qcow2Header): void {
  if (header.corrupt)
    throw new ImageError('is marked as corrupt: it can only be read. `qemu-img check -r all` may repair it');
  if (!header.dirty) return;
  if (header.snapshots > 0 || header.autoclear)
    throw new ImageError('was not closed, and has snapshots or bitmaps. `qemu-img check -r all` repairs it');
  repair(file, header);
  setIncompatible(file, INCOMPATIBLE.DIRTY, false);
  file.flush();
}

function setIncompatible(file: ImageFile, feature: number, on: boolean): void {
  const bytes = new Uint8Array(4);
  const view = new DataView(bytes.buffer);
  file.read(FIELD.INCOMPATIBLE + 4, bytes);
  view.setUint32(0, on ? view.getUint32(0) | feature : view.getUint32(0) & ~feature);
  file.write(FIELD.INCOMPATIBLE + 4, bytes);
}
