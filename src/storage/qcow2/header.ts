import type { ImageFile } from '../image-file.ts';
import { ImageError } from './errors.ts';
import { ENTRY_BYTES, EXTENSION, FIELD, INCOMPATIBLE, QCOW2 } from './facts.ts';

/** Bytes of an L1 table and of a refcount table at most: they are kept in memory. */
export const LARGEST_TABLE = 2 ** 22;
const LONGEST_FORMAT = 64;
/** Incompatible features that are known, whether an image with them can be used or not. */
const KNOWN = INCOMPATIBLE.DIRTY | INCOMPATIBLE.CORRUPT | INCOMPATIBLE.COMPRESSION;

/** The name of the file below an image. */
export interface BackingName {
  readonly name: string;
  /** As the image has it: `raw`, `qcow2`, or another word; undefined unless it says one. */
  readonly format: string | undefined;
}

/** The header of an image, checked. Offsets and sizes are in bytes. */
export interface Qcow2Header {
  readonly version: 2 | 3;
  /** Of the image as a guest sees it. */
  readonly size: number;
  readonly clusterBits: number;
  readonly cluster: number;
  readonly l1: { readonly offset: number; readonly entries: number };
  readonly refcounts: {
    readonly offset: number;
    readonly clusters: number;
    /** Of one number. */
    readonly bits: number;
  };
  readonly snapshots: number;
  readonly dirty: boolean;
  readonly corrupt: boolean;
  /** Some feature depends on it that nobody writes without knowing it, such as bitmaps. */
  readonly autoclear: boolean;
  readonly compression: 'zlib' | 'zstd';
  readonly backing: BackingName | undefined;
}

/** Whether a file begins as an image in this format does. */
export function isQcow2(start: Uint8Array): boolean {
  return start.length >= 4 && viewOf(start).getUint32(FIELD.MAGIC) === QCOW2.magic;
}

/**
 * Reads the header of an image.
 *
 * @throws ImageError where it is damaged, or asks for features that are not possible
 */
export function readHeader(file: ImageFile): Qcow2Header {
  const bytes = new Uint8Array(FIELD.COMPRESSION + 8);
  file.read(0, bytes);
  const view = viewOf(bytes);
  if (!isQcow2(bytes)) throw new ImageError('does not begin as a qcow2 image does');
  const version = view.getUint32(FIELD.VERSION);
  if (version !== 2 && version !== 3)
    throw new ImageError(`has version ${version} of the format; 2 and 3 are possible`);
  const clusterBits = view.getUint32(FIELD.CLUSTER_BITS);
  if (clusterBits < QCOW2.leastClusterBits || clusterBits > QCOW2.mostClusterBits)
    throw new ImageError(`has clusters of 2^${clusterBits} bytes; 2^9 to 2^21 are possible`);
  if (view.getUint32(FIELD.ENCRYPTION) !== 0) throw new ImageError('is encrypted, which is not possible');
  const features = version === 2 ? PLAIN : readFeatures(view);
  const cluster = 2 ** clusterBits;
  const header: Qcow2Header = {
    ...{ version, clusterBits, cluster, ...features },
    size: number64(view, FIELD.SIZE, 'size'),
    snapshots: view.getUint32(FIELD.SNAPSHOTS),
    l1: {
      offset: tableOffset(view, FIELD.L1_OFFSET, cluster),
      entries: view.getUint32(FIELD.L1_ENTRIES),
    },
    refcounts: {
      offset: tableOffset(view, FIELD.REFCOUNT_TABLE, cluster),
      clusters: view.getUint32(FIELD.REFCOUNT_TABLE_CLUSTERS),
      bits: 2 ** features.refcountOrder,
    },
    backing: readBacking(file, view, features.headerBytes, cluster),
  };
  checkTables(header);
  return header;
}

/** The fields behind those of version 2. */
interface Features extends Pick<Qcow2Header, 'dirty' | 'corrupt' | 'autoclear' | 'compression'> {
  readonly refcountOrder: number;
  readonly headerBytes: number;
}

const PLAIN: Features = {
  ...{ dirty: false, corrupt: false, autoclear: false, compression: 'zlib' },
  ...{ refcountOrder: 4, headerBytes: QCOW2.headerBytes },
};

function readFeatures(view: DataView): Features {
  const high = view.getUint32(FIELD.INCOMPATIBLE);
  const low = view.getUint32(FIELD.INCOMPATIBLE + 4);
  if ((low & INCOMPATIBLE.DATA_FILE) !== 0)
    throw new ImageError('keeps its data in another file, which is not possible');
  if ((low & INCOMPATIBLE.EXTENDED_L2) !== 0)
    throw new ImageError('has extended L2 entries (subclusters), which is not possible');
  if (high !== 0 || (low & ~KNOWN) !== 0) throw new ImageError('needs a feature that is not known');
  const refcountOrder = view.getUint32(FIELD.REFCOUNT_ORDER);
  if (refcountOrder > 6) throw new ImageError(`has reference counts of 2^${refcountOrder} bits`);
  const headerBytes = view.getUint32(FIELD.HEADER_BYTES);
  if (headerBytes < QCOW2.longHeaderBytes || headerBytes % 8 !== 0)
    throw new ImageError(`has a header of ${headerBytes} bytes`);
  return {
    dirty: (low & INCOMPATIBLE.DIRTY) !== 0,
    corrupt: (low & INCOMPATIBLE.CORRUPT) !== 0,
    autoclear: view.getUint32(FIELD.AUTOCLEAR) !== 0 || view.getUint32(FIELD.AUTOCLEAR + 4) !== 0,
    compression: readCompression(view, headerBytes, (low & INCOMPATIBLE.COMPRESSION) !== 0),
    ...{ refcountOrder, headerBytes },
  };
}

function readCompression(view: DataView, headerBytes: number, special: boolean): 'zlib' | 'zstd' {
  const type = headerBytes > FIELD.COMPRESSION ? view.getUint8(FIELD.COMPRESSION) : 0;
  if (type > 1) throw new ImageError(`is compressed in way ${type}; zlib and zstd are possible`);
  if ((type === 1) !== special) throw new ImageError('contradicts itself about its compression');
  return type === 0 ? 'zlib' : 'zstd';
}

function readBacking(
  file: ImageFile,
  view: DataView,
  headerBytes: number,
  cluster: number,
): BackingName | undefined {
  const offset = number64(view, FIELD.BACKING_OFFSET, 'backing file name');
  if (offset === 0) return undefined;
  const length = view.getUint32(FIELD.BACKING_BYTES);
  if (length === 0) return undefined;
  if (length > QCOW2.longestBackingName || offset + length > cluster)
    throw new ImageError('has a backing file name that is too long, or outside of the first cluster');
  const name = text(file, offset, length);
  let format: string | undefined;
  const extension = new Uint8Array(8);
  for (let at = headerBytes; at + 8 <= offset; ) {
    file.read(at, extension);
    const type = viewOf(extension).getUint32(0);
    const bytes = viewOf(extension).getUint32(4);
    if (type === EXTENSION.END) break;
    if (at + 8 + bytes > cluster) throw new ImageError('has a header extension that is too long');
    if (type === EXTENSION.BACKING_FORMAT && bytes <= LONGEST_FORMAT) format = text(file, at + 8, bytes);
    at += 8 + Math.ceil(bytes / 8) * 8;
  }
  return { name, format };
}

function text(file: ImageFile, offset: number, length: number): string {
  const bytes = new Uint8Array(length);
  file.read(offset, bytes);
  try {
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!decoded.includes('\0')) return decoded;
  } catch {
    // Below.
  }
  throw new ImageError('has a name in it that is no UTF-8');
}

function checkTables({ size, cluster, l1, refcounts }: Omit<Qcow2Header, 'backing'>): void {
  const perTable = (cluster / ENTRY_BYTES) * cluster;
  if (l1.entries * ENTRY_BYTES > LARGEST_TABLE || refcounts.clusters * cluster > LARGEST_TABLE)
    throw new ImageError(`has a table of more than ${LARGEST_TABLE} bytes, the most that is possible`);
  if (l1.entries < Math.ceil(size / perTable)) throw new ImageError('has an L1 table too short for its size');
  if (refcounts.clusters === 0) throw new ImageError('has no reference counts');
}

function tableOffset(view: DataView, at: number, cluster: number): number {
  const offset = number64(view, at, 'table');
  if (offset === 0 || offset % cluster !== 0)
    throw new ImageError(`has a table at ${offset}, which is no cluster`);
  return offset;
}

function number64(view: DataView, at: number, what: string): number {
  const value = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  if (value > Number.MAX_SAFE_INTEGER) throw new ImageError(`has a ${what} beyond 2^53`);
  return value;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
