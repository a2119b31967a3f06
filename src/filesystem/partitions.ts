import { bytesAt, type Disk, DiskError, partOf } from './disk.ts';

/** A part of a disk, by its table of partitions. */
export interface Partition {
  /** As Linux counts them, from 1 on; 0 is the whole disk, where it has no table. */
  readonly number: number;
  readonly disk: Disk;
}

const SECTOR = 512;
/** The table at the start of a disk, of the PC's BIOS. */
const MBR = { entries: 446, entryBytes: 16, count: 4, signature: 510, mark: 0xaa55 } as const;
/** Kinds of partitions of such a table. */
const KIND = { none: 0, gpt: 0xee, extended: [0x05, 0x0f, 0x85] as readonly number[] } as const;
/** Logical partitions have the numbers from 5 on. */
const FIRST_LOGICAL = 5;
const MOST_LOGICAL = 60;

/* UEFI specification 2.10, section 5.3. */
const GPT = {
  sector: 1,
  signature: 'EFI PART',
  entriesSector: 72,
  count: 80,
  entryBytes: 84,
  first: 32,
  last: 40,
  leastEntry: 128,
  mostEntry: 4096,
  most: 256,
} as const;

/**
 * The partitions of a disk: those of a GPT or of an MBR, else the whole disk. Entries that reach beyond the disk are
 * left out.
 */
export function partitionsOf(disk: Disk): readonly Partition[] {
  const whole = [{ number: 0, disk }];
  if (disk.size < 2 * SECTOR) return whole;
  const first = bytesAt(disk, 0, SECTOR);
  if (first.getUint16(MBR.signature, true) !== MBR.mark) return whole;
  const entries = mbrEntries(first);
  const found = entries.some(({ kind }) => kind === KIND.gpt) ? gpt(disk) : mbr(disk, entries);
  return found.length > 0 ? found : whole;
}

function gpt(disk: Disk): Partition[] {
  const header = bytesAt(disk, GPT.sector * SECTOR, SECTOR);
  const isGpt = Array.from(GPT.signature).every((letter, at) => header.getUint8(at) === letter.charCodeAt(0));
  if (!isGpt) return [];
  const entryBytes = header.getUint32(GPT.entryBytes, true);
  if (entryBytes < GPT.leastEntry || entryBytes > GPT.mostEntry)
    throw new DiskError(`has a table of partitions (GPT) with entries of ${entryBytes} bytes`);
  const count = Math.min(header.getUint32(GPT.count, true), GPT.most);
  const table = bytesAt(disk, sectors(header, GPT.entriesSector) * SECTOR, count * entryBytes);
  const found: Partition[] = [];
  for (let index = 0; index < count; index++) {
    const at = index * entryBytes;
    // An entry of no kind is free.
    if (isZero(table, at, 16)) continue;
    const [from, to] = [sectors(table, at + GPT.first), sectors(table, at + GPT.last)];
    addPart(found, disk, index + 1, from, to - from + 1);
  }
  return found;
}

interface MbrEntry {
  readonly kind: number;
  /** In sectors; in the chain of logical partitions from there on where they are told. */
  readonly start: number;
  readonly count: number;
}

function mbrEntries(sector: DataView): MbrEntry[] {
  return Array.from({ length: MBR.count }, (_, index) => {
    const at = MBR.entries + index * MBR.entryBytes;
    return {
      kind: sector.getUint8(at + 4),
      start: sector.getUint32(at + 8, true),
      count: sector.getUint32(at + 12, true),
    };
  });
}

function mbr(disk: Disk, entries: readonly MbrEntry[]): Partition[] {
  const found: Partition[] = [];
  for (const [index, { kind, start, count }] of entries.entries()) {
    if (kind === KIND.none) continue;
    if (KIND.extended.includes(kind)) addLogical(found, disk, start);
    else addPart(found, disk, index + 1, start, count);
  }
  return found;
}

/** Each logical partition is told of in a sector of its own, which also names the next such sector. */
function addLogical(found: Partition[], disk: Disk, extended: number): void {
  let at = extended;
  for (let index = 0; index < MOST_LOGICAL; index++) {
    if ((at + 1) * SECTOR > disk.size) return;
    const sector = bytesAt(disk, at * SECTOR, SECTOR);
    if (sector.getUint16(MBR.signature, true) !== MBR.mark) return;
    const [own, next] = mbrEntries(sector);
    if (own.kind !== KIND.none) addPart(found, disk, FIRST_LOGICAL + index, at + own.start, own.count);
    if (next.kind === KIND.none) return;
    at = extended + next.start;
  }
}

function addPart(found: Partition[], disk: Disk, number: number, start: number, count: number): void {
  const [from, bytes] = [start * SECTOR, count * SECTOR];
  if (start === 0 || count <= 0 || from + bytes > disk.size) return;
  found.push({ number, disk: partOf(disk, from, bytes) });
}

/** A 64-bit number of sectors; one beyond 2^53 is beyond every disk. */
function sectors(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function isZero(view: DataView, at: number, bytes: number): boolean {
  for (let index = 0; index < bytes; index++) if (view.getUint8(at + index) !== 0) return false;
  return true;
}
