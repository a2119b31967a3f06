import type { ShortStorage, Storage } from '../storage.ts';
import { bytesOf, checkRange, sliceParts } from '../storage.ts';
import type { ClusterPlaces } from './cluster-places.ts';

/** Data of an image that lies in one piece. */
interface Piece {
  readonly host: number;
  readonly bytes: number;
}

/**
 * The data of an image for a thread that has none of its tables: data whose place {@link ClusterPlaces} knows can be
 * read, and written in place.
 */
export class PlacedData implements ShortStorage {
  readonly size: number;
  readonly #file: Pick<Storage, 'readParts' | 'writeParts'>;
  readonly #places: ClusterPlaces;

  /** @param size bytes of the guest's disk */
  constructor(file: Pick<Storage, 'readParts' | 'writeParts'>, places: ClusterPlaces, size: number) {
    this.#file = file;
    this.#places = places;
    this.size = size;
  }

  has(offset: number, bytes: number, writes: boolean): boolean {
    if (!(offset >= 0 && bytes > 0 && offset + bytes <= this.size)) return false;
    const { cluster } = this.#places;
    if (cluster === 0) return false;
    const last = Math.floor((offset + bytes - 1) / cluster);
    for (let index = Math.floor(offset / cluster); index <= last; index++)
      if (this.#places.find(index, writes) < 0) return false;
    return true;
  }

  readParts(offset: number, into: readonly Uint8Array[]): void {
    this.#eachPiece(offset, into, false, (host, parts) => this.#file.readParts(host, parts));
  }

  writeParts(offset: number, from: readonly Uint8Array[]): void {
    this.#eachPiece(offset, from, true, (host, parts) => this.#file.writeParts(host, parts));
  }

  #eachPiece(
    offset: number,
    parts: readonly Uint8Array[],
    writes: boolean,
    transfer: (host: number, parts: readonly Uint8Array[]) => void,
  ): void {
    const all = bytesOf(parts);
    checkRange(this, offset, all);
    for (let done = 0; done < all; ) {
      const { host, bytes } = this.#pieceAt(offset + done, all - done, writes);
      transfer(host, bytes === all ? parts : sliceParts(parts, done, bytes));
      done += bytes;
    }
  }

  /** Consecutive data from an offset on. */
  #pieceAt(offset: number, most: number, writes: boolean): Piece {
    const { cluster } = this.#places;
    const inCluster = offset % cluster;
    const index = (offset - inCluster) / cluster;
    const first = this.#places.find(index, writes);
    if (first < 0) throw new Error(`the place of cluster ${index} is not known`);
    let bytes = cluster - inCluster;
    for (let next = 1; bytes < most; next++, bytes += cluster)
      if (this.#places.find(index + next, writes) !== first + next * cluster) break;
    return { host: first + inCluster, bytes: Math.min(bytes, most) };
  }
}
