import type { ImageFile } from '../image-file.ts';
import { CorruptImage } from './errors.ts';
import { ENTRY, SECTOR } from './facts.ts';
import type { Qcow2Header } from './header.ts';
import type { Entry } from './mapping.ts';

/** Bytes of unpacked clusters that are kept in memory. */
const MOST_BYTES = 2 ** 22;

/** Unpacks a cluster: data, with anything behind its end, to `size` bytes at most. Throws where it is damaged. */
export type UnpackCluster = (packed: Uint8Array, size: number) => Uint8Array;

/** The ways in which clusters are compressed: raw deflate data, and Zstandard frames. */
export type ClusterUnpackers = Readonly<Record<Qcow2Header['compression'], UnpackCluster>>;

/** Where the packed data of a compressed cluster is. */
export function packedRange({ high, low }: Entry, clusterBits: number): { offset: number; bytes: number } {
  // The offset's bits in the upper half; above them is the number of further sectors.
  const offsetBits = 62 - (clusterBits - 8) - 32;
  const offset = (high & (2 ** offsetBits - 1)) * 2 ** 32 + low;
  const sectors = (high & ~(ENTRY.COPIED | ENTRY.COMPRESSED)) >>> offsetBits;
  if (offset > Number.MAX_SAFE_INTEGER) throw new CorruptImage('a compressed cluster is beyond 2^53');
  return { offset, bytes: (sectors + 1) * SECTOR - (offset % SECTOR) };
}

/** Unpacks clusters, and keeps those that were read last: a guest reads a cluster in pieces. */
export class CompressedClusters {
  readonly #file: ImageFile;
  readonly #header: Qcow2Header;
  readonly #unpack: UnpackCluster;
  readonly #most: number;
  readonly #unpacked = new Map<number, Uint8Array>();

  constructor(file: ImageFile, header: Qcow2Header, unpackers: ClusterUnpackers) {
    this.#file = file;
    this.#header = header;
    this.#unpack = unpackers[header.compression];
    this.#most = Math.max(1, Math.floor(MOST_BYTES / header.cluster));
  }

  /** The contents of a cluster. @throws CorruptImage where they cannot be unpacked */
  get(entry: Entry): Uint8Array {
    const { offset, bytes } = packedRange(entry, this.#header.clusterBits);
    const known = this.#unpacked.get(offset);
    if (known !== undefined) return known;
    const packed = new Uint8Array(bytes);
    this.#file.read(offset, packed);
    const unpacked = this.#unpackAll(packed, offset);
    if (this.#unpacked.size >= this.#most) {
      const [oldest] = this.#unpacked.keys();
      this.#unpacked.delete(oldest);
    }
    this.#unpacked.set(offset, unpacked);
    return unpacked;
  }

  /** The clusters of the file have been given up, and may be written to. */
  forget(entry: Entry): void {
    this.#unpacked.delete(packedRange(entry, this.#header.clusterBits).offset);
  }

  #unpackAll(packed: Uint8Array, offset: number): Uint8Array {
    const { cluster } = this.#header;
    try {
      const unpacked = this.#unpack(packed, cluster);
      if (unpacked.length === cluster) return unpacked;
    } catch {
      // Below.
    }
    throw new CorruptImage(`the compressed cluster at ${offset} cannot be unpacked`);
  }
}
