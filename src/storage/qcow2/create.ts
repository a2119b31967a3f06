import type { ImageFile } from '../image-file.ts';
import { writeCount } from './counts.ts';
import { ImageError } from './errors.ts';
import { ENTRY_BYTES, EXTENSION, FIELD, QCOW2 } from './facts.ts';
import { type BackingName, LARGEST_TABLE } from './header.ts';
import { put64 } from './table-cache.ts';

const REFCOUNT_ORDER = 4;
const REFCOUNT_BITS = 2 ** REFCOUNT_ORDER;
const DEFAULT_CLUSTER_BITS = 16;
/** Sizes count in these. */
const SECTOR = 512;

/** A new image. */
export interface Qcow2Plan {
  /** Bytes that a guest sees, rounded up to sectors. */
  readonly size: number;
  readonly backing?: Required<{ [Key in keyof BackingName]: string }> | undefined;
  /** Size of clusters as a power of two, 9 to 21. */
  readonly clusterBits?: number;
}

/**
 * Writes an empty image of version 3 to an empty file, and flushes it.
 *
 * @throws ImageError for a size that is not possible
 */
export function createQcow2(file: ImageFile, plan: Qcow2Plan): void {
  const { backing, clusterBits = DEFAULT_CLUSTER_BITS } = plan;
  const cluster = 2 ** clusterBits;
  const size = Math.ceil(plan.size / SECTOR) * SECTOR;
  const entries = Math.ceil(size / (cluster * (cluster / ENTRY_BYTES)));
  const l1Clusters = Math.max(1, Math.ceil((entries * ENTRY_BYTES) / cluster));
  if (l1Clusters * cluster > LARGEST_TABLE || size > Number.MAX_SAFE_INTEGER)
    throw new ImageError(`cannot have ${size} bytes: that is more than its tables hold`);
  // In this order: the header, the table of counts, their blocks, the L1 table.
  const perBlock = (cluster * 8) / REFCOUNT_BITS;
  const blocks = Math.ceil((l1Clusters + 2) / (perBlock - 1));
  const used = 2 + blocks + l1Clusters;
  const counts = new DataView(new ArrayBuffer(blocks * cluster));
  for (let index = 0; index < used; index++) writeCount(counts, index, REFCOUNT_BITS, 1);
  const table = new DataView(new ArrayBuffer(cluster));
  for (let block = 0; block < blocks; block++) put64(table, block * ENTRY_BYTES, (2 + block) * cluster);
  file.write(cluster, new Uint8Array(table.buffer));
  file.write(2 * cluster, new Uint8Array(counts.buffer));
  file.write((2 + blocks) * cluster, new Uint8Array(l1Clusters * cluster));
  const header = new Uint8Array(cluster);
  const view = new DataView(header.buffer);
  view.setUint32(FIELD.MAGIC, QCOW2.magic);
  view.setUint32(FIELD.VERSION, 3);
  view.setUint32(FIELD.CLUSTER_BITS, clusterBits);
  put64(view, FIELD.SIZE, size);
  view.setUint32(FIELD.L1_ENTRIES, entries);
  put64(view, FIELD.L1_OFFSET, (2 + blocks) * cluster);
  put64(view, FIELD.REFCOUNT_TABLE, cluster);
  view.setUint32(FIELD.REFCOUNT_TABLE_CLUSTERS, 1);
  view.setUint32(FIELD.REFCOUNT_ORDER, REFCOUNT_ORDER);
  view.setUint32(FIELD.HEADER_BYTES, QCOW2.longHeaderBytes);
  if (backing !== undefined) writeBacking(header, view, backing);
  file.write(0, header);
  file.flush();
}

function writeBacking(header: Uint8Array, view: DataView, backing: { name: string; format: string }): void {
  const name = new TextEncoder().encode(backing.name);
  const format = new TextEncoder().encode(backing.format);
  const extension = QCOW2.longHeaderBytes;
  view.setUint32(extension, EXTENSION.BACKING_FORMAT);
  view.setUint32(extension + 4, format.length);
  header.set(format, extension + 8);
  // Behind it the end of all extensions, which is zeroes.
  const place = extension + 8 + Math.ceil(format.length / 8) * 8 + 8;
  if (name.length > QCOW2.longestBackingName || place + name.length > header.length)
    throw new ImageError('cannot hold the name of its backing file, which is too long');
  header.set(name, place);
  put64(view, FIELD.BACKING_OFFSET, place);
  view.setUint32(FIELD.BACKING_BYTES, name.length);
}
