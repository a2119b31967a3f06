import type { ImageFile } from '../image-file.ts';
import { packedRange } from './compressed.ts';
import { writeCount } from './counts.ts';
import { CorruptImage } from './errors.ts';
import { ENTRY, ENTRY_BYTES, FIELD } from './facts.ts';
import { LARGEST_TABLE, type Qcow2Header } from './header.ts';
import { Refcounts } from './refcounts.ts';
import { put64 } from './table-cache.ts';

/** Clusters of a file that are counted at most. */
const MOST_CLUSTERS = 2 ** 26;
const MOST_COUNT = 0xffff;

/**
 * Counts anew how often each cluster of an image without snapshots is used, and writes the counts if those in the file
 * are others: to clusters behind the end, until the header points to them.
 *
 * @throws CorruptImage where tables contradict each other
 */
export function repair(file: ImageFile, header: Qcow2Header): void {
  const counts = countReferences(file, header);
  const refcounts = new Refcounts(file, header, new Set());
  const expected = counts.slice();
  for (const cluster of refcounts.clusters()) expected[cluster]++;
  const right = expected.every((count, index) => count === refcounts.get(index));
  // When the power failed, counts may have been there before the clusters that they are for.
  if (right && !refcounts.countsBehind(expected.length)) return;
  rebuild(file, header, counts);
}

/** How often the header, the L1 table, L2 tables and the guest's data use each cluster of the file. */
export function countReferences(file: ImageFile, header: Qcow2Header): Uint16Array {
  const { cluster, clusterBits, l1 } = header;
  const clusters = Math.ceil(file.length / cluster);
  if (clusters > MOST_CLUSTERS)
    throw new CorruptImage('it was not closed, and is too large to be repaired here');
  const counts = new Uint16Array(clusters);
  const count = (index: number) => {
    if (index >= clusters) throw new CorruptImage(`cluster ${index} is used, behind the end of the file`);
    if (counts[index] === MOST_COUNT) throw new CorruptImage(`cluster ${index} is used too often`);
    counts[index]++;
  };
  const own: number[] = [];
  const standard = (high: number, low: number) => {
    const offset = (high & ENTRY.OFFSET) * 2 ** 32 + ((low & ~0x1ff) >>> 0);
    if (offset % cluster !== 0) throw new CorruptImage(`a table points to ${offset}, which is no cluster`);
    if (offset === 0) return 0;
    count(offset / cluster);
    if ((high & ENTRY.COPIED) !== 0) own.push(offset / cluster);
    return offset;
  };
  count(0);
  for (let at = 0; at < l1.entries * ENTRY_BYTES; at += cluster) count((l1.offset + at) / cluster);
  const l1Table = read(file, l1.offset, l1.entries * ENTRY_BYTES);
  for (let at = 0; at < l1Table.byteLength; at += ENTRY_BYTES) {
    const offset = standard(l1Table.getUint32(at), l1Table.getUint32(at + 4));
    if (offset === 0) continue;
    const table = read(file, offset, cluster);
    for (let place = 0; place < cluster; place += ENTRY_BYTES) {
      const high = table.getUint32(place);
      const low = table.getUint32(place + 4);
      if ((high & ENTRY.COMPRESSED) === 0) standard(high, low);
      else {
        const { offset: first, bytes } = packedRange({ high, low }, clusterBits);
        for (let at = Math.floor(first / cluster); at <= Math.floor((first + bytes - 1) / cluster); at++)
          // The last sector may reach behind the end.
          if (at < clusters || at === Math.floor(first / cluster)) count(at);
      }
    }
    checkOwn(counts, own);
  }
  return counts;
}

/** Throws where a cluster that only one entry may point to is used elsewhere, too. */
function checkOwn(counts: Uint16Array, own: number[]): void {
  for (const index of own)
    if (counts[index] !== 1) throw new CorruptImage(`cluster ${index} is used for two things`);
  own.length = 0;
}

function read(file: ImageFile, offset: number, bytes: number): DataView {
  const table = new Uint8Array(bytes);
  file.read(offset, table);
  return new DataView(table.buffer);
}

function rebuild(file: ImageFile, { cluster, refcounts }: Qcow2Header, counts: Uint16Array): void {
  const { bits } = refcounts;
  const perBlock = (cluster * 8) / bits;
  const first = counts.length;
  let blocks = 0;
  let tables = 0;
  for (let before = -1; before !== blocks + tables; ) {
    before = blocks + tables;
    blocks = Math.ceil((first + before) / perBlock);
    tables = Math.ceil((blocks * ENTRY_BYTES) / cluster);
  }
  if (tables * cluster > LARGEST_TABLE) throw new CorruptImage('its counts have no room in a table');
  const end = first + blocks + tables;
  const most = bits > 16 ? MOST_COUNT : 2 ** bits - 1;
  const table = new DataView(new ArrayBuffer(tables * cluster));
  for (let block = 0; block < blocks; block++) {
    const view = new DataView(new ArrayBuffer(cluster));
    for (let place = 0; place < perBlock && block * perBlock + place < end; place++) {
      const index = block * perBlock + place;
      const count = index < first ? counts[index] : 1;
      if (count > most) throw new CorruptImage(`cluster ${index} is used too often`);
      writeCount(view, place, bits, count);
    }
    file.write((first + block) * cluster, new Uint8Array(view.buffer));
    put64(table, block * ENTRY_BYTES, (first + block) * cluster);
  }
  file.write((first + blocks) * cluster, new Uint8Array(table.buffer));
  file.flush();
  const place = new DataView(new ArrayBuffer(12));
  put64(place, 0, (first + blocks) * cluster);
  place.setUint32(8, tables);
  file.write(FIELD.REFCOUNT_TABLE, new Uint8Array(place.buffer));
  file.flush();
}
