/** A file of a disc: its content lies at the next place that {@link nextPlace} gives, behind those before it. */
export interface DiscFile {
  /** Up to eight letters `A-Z`, digits and `_`, a dot, and up to three of them (ECMA-119, 7.5, level 1). */
  readonly name: string;
  /** Where its content begins, in bytes: a multiple of {@link DISC_SECTOR}. */
  readonly place: number;
  /** Bytes, less than 4 GiB. */
  readonly bytes: number;
}

/** Bytes of a sector, at whose beginnings files begin. */
export const DISC_SECTOR = 2048;

/* ECMA-119: 16 sectors are the system's, then come the volume descriptors (8). */
const PRIMARY = 16;
const TERMINATOR = 17;
const PATHS_LITTLE = 18;
const PATHS_BIG = 19;
const ROOT = 20;
/** Of the only entry of a path table: the root's (9.4). */
const PATHS_BYTES = 10;
const DIRECTORY_FLAG = 2;
const NAME = /^[A-Z0-9_]{1,8}\.[A-Z0-9_]{1,3}$/;

/**
 * Bytes before the first file of a disc.
 *
 * @param files - how many it has
 */
export function discHeaderBytes(files: number): number {
  return (ROOT + rootSectors(files)) * DISC_SECTOR;
}

/** The first place at or behind an end where a file may begin. */
export function nextPlace(end: number): number {
  return Math.ceil(end / DISC_SECTOR) * DISC_SECTOR;
}

/**
 * The head of a disc of the format ISO 9660, before its files, which lie in its only directory: descriptors and that
 * directory. Every Linux can read such a disc, whose content can be written before it is known how large it becomes.
 *
 * @param files - sorted by name
 * @param end - bytes of the whole disc, a multiple of {@link DISC_SECTOR}
 * @throws RangeError for names and sizes that the format does not have: mistakes of the calling program
 */
export function discHeader(files: readonly DiscFile[], end: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(discHeaderBytes(files.length));
  const root = { name: '\0', place: ROOT * DISC_SECTOR, bytes: rootSectors(files.length) * DISC_SECTOR };
  const primary = sector(header, PRIMARY);
  descriptor(primary, 1);
  primary.fill(0x20, 8, 72);
  primary.fill(0x20, 190, 813);
  text(primary, 40, 'HARTVISOR');
  both32(primary, 80, end / DISC_SECTOR);
  for (const [at, value] of [
    [120, 1],
    [124, 1],
    [128, DISC_SECTOR],
  ] as const)
    both16(primary, at, value);
  both32(primary, 132, PATHS_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(PRIMARY * DISC_SECTOR + 140, PATHS_LITTLE, true);
  view.setUint32(PRIMARY * DISC_SECTOR + 148, PATHS_BIG);
  primary.set(record(root, DIRECTORY_FLAG), 156);
  // Four dates (8.4.26.1): no date is sixteen digits 0 and a byte 0.
  for (const at of [813, 830, 847, 864]) primary.fill(0x30, at, at + 16);
  primary[881] = 1;
  descriptor(sector(header, TERMINATOR), 255);
  pathTable(view, PATHS_LITTLE, true);
  pathTable(view, PATHS_BIG, false);
  writeRoot(header, root, files);
  return header;
}

/** No record of a directory reaches from one sector into the next (6.8.1.1). */
function rootSectors(files: number): number {
  return Math.ceil((files + 2) / Math.floor(DISC_SECTOR / recordBytes('XXXXXXXX.XXX;1')));
}

function writeRoot(header: Uint8Array, root: DiscFile, files: readonly DiscFile[]): void {
  const parent = { ...root, name: '\u0001' };
  const records = [record(root, DIRECTORY_FLAG), record(parent, DIRECTORY_FLAG), ...files.map(fileRecord)];
  let at = root.place;
  for (const each of records) {
    if ((at % DISC_SECTOR) + each.length > DISC_SECTOR) at = nextPlace(at);
    header.set(each, at);
    at += each.length;
  }
}

function fileRecord(file: DiscFile): Uint8Array {
  if (!NAME.test(file.name)) throw new RangeError(`"${file.name}" is no name of a file on a disc`);
  if (file.bytes >= 2 ** 32 || file.place % DISC_SECTOR !== 0)
    throw new RangeError(`${file.name} has ${file.bytes} bytes at ${file.place}, which a disc cannot have`);
  return record({ ...file, name: `${file.name};1` }, 0);
}

/** A record of a directory (9.1). */
function record({ name, place, bytes }: DiscFile, flags: number): Uint8Array {
  const into = new Uint8Array(recordBytes(name));
  into[0] = into.length;
  both32(into, 2, place / DISC_SECTOR);
  both32(into, 10, bytes);
  // The date (9.1.5): 1 January 1970, so that equal files give equal discs.
  into.set([70, 1, 1], 18);
  into[25] = flags;
  both16(into, 28, 1);
  into[32] = name.length;
  text(into, 33, name);
  return into;
}

function recordBytes(name: string): number {
  return (33 + name.length + 1) & ~1;
}

function sector(header: Uint8Array, index: number): Uint8Array {
  return header.subarray(index * DISC_SECTOR, (index + 1) * DISC_SECTOR);
}

function descriptor(into: Uint8Array, type: number): void {
  into[0] = type;
  text(into, 1, 'CD001');
  into[6] = 1;
}

function pathTable(view: DataView, index: number, little: boolean): void {
  const at = index * DISC_SECTOR;
  view.setUint8(at, 1);
  view.setUint32(at + 2, ROOT, little);
  view.setUint16(at + 6, 1, little);
}

function text(into: Uint8Array, at: number, characters: string): void {
  into.set(new TextEncoder().encode(characters), at);
}

/** A number in both orders of bytes (7.2.3). */
function both16(into: Uint8Array, at: number, value: number): void {
  const view = new DataView(into.buffer, into.byteOffset + at, 4);
  view.setUint16(0, value, true);
  view.setUint16(2, value);
}

/** The same with 32 bits (7.3.3). */
function both32(into: Uint8Array, at: number, value: number): void {
  const view = new DataView(into.buffer, into.byteOffset + at, 8);
  view.setUint32(0, value, true);
  view.setUint32(4, value);
}
