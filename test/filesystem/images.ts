/** File systems and disks for tests, made by the programs that people make them with. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Disk } from '../../src/filesystem/disk.ts';

export const mke2fsMissing = spawnSync('mke2fs', ['-V']).error !== undefined;
if (mke2fsMissing) console.warn('mke2fs is not installed: tests that read its file systems are skipped');

/** Files by their paths; a symbolic link is a target in an object. */
export type Tree = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>;

/** The bytes of a file system of the ext family that has those files. */
export function ext4Image(tree: Tree, options: readonly string[] = [], size = '4M'): Uint8Array<ArrayBuffer> {
  const scratch = mkdtempSync(join(tmpdir(), 'hartvisor-ext4-'));
  try {
    const root = join(scratch, 'root');
    mkdirSync(root);
    for (const [path, content] of Object.entries(tree)) {
      const place = join(root, path);
      mkdirSync(dirname(place), { recursive: true });
      if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, place);
      else writeFileSync(place, content);
    }
    const image = join(scratch, 'image');
    execFileSync('mke2fs', ['-q', '-F', '-d', root, ...options, image, size], { stdio: 'pipe' });
    return new Uint8Array(readFileSync(image));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Bytes as a disk. */
export function diskOf(bytes: Uint8Array): Disk {
  return {
    size: bytes.length,
    read(offset, into) {
      if (offset < 0 || offset + into.length > bytes.length) throw new RangeError(`${offset} is outside`);
      into.set(bytes.subarray(offset, offset + into.length));
    },
  };
}

const MEBIBYTE = 2 ** 20;
const SECTOR = 512;

/** A disk with partitions in the order given, each from a whole MiB on. */
export function partitioned(table: 'gpt' | 'mbr', parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const places: number[] = [];
  let end = MEBIBYTE;
  for (const { length } of parts) {
    places.push(end);
    end += Math.ceil(length / MEBIBYTE) * MEBIBYTE;
  }
  const disk = new Uint8Array(end + MEBIBYTE);
  for (const [index, part] of parts.entries()) disk.set(part, places[index]);
  const extents = parts.map(({ length }, index) => [places[index] / SECTOR, length / SECTOR] as const);
  (table === 'gpt' ? writeGpt : writeMbr)(new DataView(disk.buffer), extents);
  return disk;
}

type Extents = readonly (readonly [start: number, sectors: number])[];

function writeMbr(view: DataView, extents: Extents): void {
  view.setUint16(510, 0xaa55, true);
  for (const [index, [start, sectors]] of extents.entries()) {
    const at = 446 + 16 * index;
    view.setUint8(at + 4, 0x83);
    view.setUint32(at + 8, start, true);
    view.setUint32(at + 12, sectors, true);
  }
}

function writeGpt(view: DataView, extents: Extents): void {
  view.setUint16(510, 0xaa55, true);
  view.setUint8(446 + 4, 0xee);
  view.setUint32(446 + 8, 1, true);
  view.setUint32(446 + 12, 0xffff_ffff, true);
  for (const [at, letter] of Array.from('EFI PART').entries())
    view.setUint8(SECTOR + at, letter.charCodeAt(0));
  view.setUint32(SECTOR + 72, 2, true);
  view.setUint32(SECTOR + 80, 128, true);
  view.setUint32(SECTOR + 84, 128, true);
  for (const [index, [start, sectors]] of extents.entries()) {
    const at = 2 * SECTOR + 128 * index;
    view.setUint32(at, 0x0fc6_3daf, true);
    view.setUint32(at + 32, start, true);
    view.setUint32(at + 40, start + sectors - 1, true);
  }
}
