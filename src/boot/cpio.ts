/** One member of a cpio archive. Paths are relative to the root, without a leading slash. */
export type CpioEntry =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'character-device' | 'block-device';
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

/** File type bits of `st_mode` (POSIX `<sys/stat.h>`, octal values as the kernel's `include/uapi/linux/stat.h`). */
const fileType = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  'character-device': 0o020000,
  'block-device': 0o060000,
} as const;

const encoder = new TextEncoder();
const trailerName = 'TRAILER!!!';
const headerSize = 110;
const maximumFileSize = 0xffffffff;

/**
 * Writes a cpio archive in the "newc" format, which the kernel unpacks into its initial root file system
 * (`Documentation/driver-api/early-userspace/buffer-format.rst`).
 *
 * Owners are root and times are 0, so that equal entries give equal bytes.
 *
 * @throws RangeError when a path is absolute, empty, contains `.` or `..`, or occurs twice, and when a field does
 * not fit the format. These are mistakes of the calling program.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array<ArrayBuffer> {
  const seen = new Set<string>();
  const chunks: Uint8Array[] = [];
  entries.forEach((entry, index) => {
    checkPath(entry.path, seen);
    chunks.push(...member(entry.path, statOf(entry), index + 1, contentOf(entry)));
  });
  chunks.push(...member(trailerName, { mode: 0, major: 0, minor: 0, links: 1 }, 0, new Uint8Array(0)));
  return concatenate(chunks);
}

/**
 * Adds the directories that the entries live in and that are not listed, each before its first use: the kernel
 * creates nothing by itself. New directories get mode 0755.
 */
export function withParentDirectories(entries: readonly CpioEntry[]): CpioEntry[] {
  const known = new Set(entries.filter((entry) => entry.kind === 'directory').map((entry) => entry.path));
  const result: CpioEntry[] = [];
  for (const entry of entries) {
    const parts = entry.path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      if (!known.has(path)) {
        known.add(path);
        result.push({ kind: 'directory', path, mode: 0o755 });
      }
    }
    result.push(entry);
  }
  return result;
}

interface Stat {
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  readonly links: number;
}

function statOf(entry: CpioEntry): Stat {
  const permissions = entry.kind === 'symlink' ? 0o777 : entry.mode;
  if (!Number.isInteger(permissions) || permissions < 0 || permissions > 0o7777) {
    throw new RangeError(`cpio: the mode of ${entry.path} is not within 0..07777`);
  }
  const mode = fileType[entry.kind] | permissions;
  if (entry.kind === 'character-device' || entry.kind === 'block-device') {
    return { mode, major: entry.major, minor: entry.minor, links: 1 };
  }
  return { mode, major: 0, minor: 0, links: entry.kind === 'directory' ? 2 : 1 };
}

function contentOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === 'file') return entry.data;
  if (entry.kind === 'symlink') return encoder.encode(entry.target);
  return new Uint8Array(0);
}

function checkPath(path: string, seen: Set<string>): void {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..') || path.includes('\0')) {
    throw new RangeError(`cpio: "${path}" is not a plain relative path`);
  }
  if (seen.has(path)) throw new RangeError(`cpio: "${path}" occurs twice`);
  seen.add(path);
}

function member(path: string, stat: Stat, inode: number, content: Uint8Array): Uint8Array[] {
  if (content.length > maximumFileSize) throw new RangeError(`cpio: ${path} is larger than 4 GiB`);
  const name = encoder.encode(`${path}\0`);
  const fields = [
    inode,
    stat.mode,
    0, // owner
    0, // group
    stat.links,
    0, // modification time
    content.length,
    0, // device of the file itself
    0,
    stat.major,
    stat.minor,
    name.length,
    0, // checksum, unused in newc
  ];
  const header = encoder.encode(
    `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`,
  );
  return [header, name, padding(headerSize + name.length), content, padding(content.length)];
}

/** Header with name, and content, both end on a multiple of four bytes. */
function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}
