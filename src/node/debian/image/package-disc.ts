import { spawn } from 'node:child_process';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { type DiscFile, discHeader, discHeaderBytes, nextPlace } from '../../../filesystem/iso9660.ts';
import { CommandMissing } from '../command.ts';

/** A package and the name that its file has on the disc. */
export interface DiscPackage {
  /** Of the `.deb`. */
  readonly file: string;
  readonly discName: string;
}

/** The parts of a package (deb(5)), and how `dpkg-deb` gives each of them as a tar archive. */
const PARTS = [
  { member: 'control.tar', option: '--ctrl-tarfile' },
  { member: 'data.tar', option: '--fsys-tarfile' },
] as const;
const AR_MAGIC = '!<arch>\n';
const AR_HEADER = 60;

/** Bytes of the disc that are written until they are known to be on the host's disk. */
const SYNC_BYTES = 2 ** 26;

/**
 * Writes a disc (ISO 9660) that has packages with their parts unpacked: this machine unpacks them at its full speed,
 * and the guest, to which they are packages like others, does not have to.
 *
 * A file beside it notes which packages are on the disc. If there is one, of the same packages, the work goes on behind
 * the last one that it names.
 *
 * @param packages - sorted by their names on the disc
 * @param onPackage - is told of each that is about to be unpacked
 * @throws CommandMissing when dpkg-deb is not there, Error when it fails: a damaged package, a full disk
 */
export async function writePackageDisc(
  path: string,
  packages: readonly DiscPackage[],
  onPackage: (index: number) => void,
): Promise<void> {
  const files = await readNotes(path, packages);
  const fresh = files.length === 0;
  const disc = await open(path, fresh ? 'w' : 'r+', 0o600);
  const notes = await open(notesOf(path), fresh ? 'w' : 'r+', 0o600);
  try {
    let end = endOf(files, packages);
    let noted = end;
    for (const [index, { file, discName }] of packages.entries()) {
      if (index < files.length) continue;
      onPackage(index);
      const place = nextPlace(end);
      end = await writePlain(disc, place, file);
      files.push({ name: discName, place, bytes: end - place });
      if (end - noted < SYNC_BYTES && files.length < packages.length) continue;
      await disc.datasync();
      await writeAll(notes, notesText(files), 0);
      noted = end;
    }
    end = nextPlace(end);
    await disc.truncate(end);
    await writeAll(disc, discHeader(files, end), 0);
  } finally {
    await Promise.all([disc.close(), notes.close()]);
  }
}

function endOf(files: readonly DiscFile[], packages: readonly DiscPackage[]): number {
  const last = files.at(-1);
  return last === undefined ? discHeaderBytes(packages.length) : last.place + last.bytes;
}

function notesOf(path: string): string {
  return `${path}.notes`;
}

/** A line for each package: its name on the disc, its place and its bytes. Those of more packages begin with it. */
function notesText(files: readonly DiscFile[]): Uint8Array {
  return new TextEncoder().encode(
    files.map(({ name, place, bytes }) => `${name} ${place} ${bytes}\n`).join(''),
  );
}

/** The packages that are on the disc already, as far as the notes are whole. */
async function readNotes(path: string, packages: readonly DiscPackage[]): Promise<DiscFile[]> {
  const text = await readFile(notesOf(path), 'latin1').catch(() => '');
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  const files: DiscFile[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const [, name, place, bytes] = /^(\S+) (\d+) (\d+)$/.exec(line) ?? [];
    const file = { name, place: Number(place), bytes: Number(bytes) };
    const expected = nextPlace(endOf(files, packages));
    if (name !== packages[files.length]?.discName || file.place !== expected) break;
    if (file.place + file.bytes > size) break;
    files.push(file);
  }
  return files;
}

/** @returns where it ends */
async function writePlain(disc: FileHandle, start: number, file: string): Promise<number> {
  const version = new TextEncoder().encode('2.0\n');
  let at = await writeAll(disc, new TextEncoder().encode(AR_MAGIC), start);
  at = await writeAll(disc, arHeader('debian-binary', version.length), at);
  at = await writeAll(disc, version, at);
  for (const { member, option } of PARTS) {
    const content = at + AR_HEADER;
    let end = content;
    for await (const piece of unpacked(option, file)) end = await writeAll(disc, piece, end);
    await writeAll(disc, arHeader(member, end - content), at);
    // Members begin at even places.
    at = (end - start) % 2 === 0 ? end : await writeAll(disc, new Uint8Array([0x0a]), end);
  }
  return at;
}

function arHeader(name: string, bytes: number): Uint8Array {
  const fields = [name.padEnd(16), '0'.padEnd(12), '0'.padEnd(6), '0'.padEnd(6), '100644'.padEnd(8)];
  return new TextEncoder().encode(`${fields.join('')}${String(bytes).padEnd(10)}\`\n`);
}

async function* unpacked(option: string, file: string): AsyncGenerator<Uint8Array> {
  const child = spawn('dpkg-deb', [option, file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const status = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => {
      reject('code' in error && error.code === 'ENOENT' ? new CommandMissing('dpkg-deb') : error);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
  // It is waited for below; an error before that is none that nobody handles.
  status.catch(() => undefined);
  let messages = '';
  child.stderr.setEncoding('utf8').on('data', (words: string) => {
    messages += words;
  });
  try {
    for await (const piece of child.stdout) yield piece as Uint8Array;
    if ((await status) !== 0) throw new Error(`unpacking ${file} failed: ${messages.trim()}`);
  } finally {
    child.kill();
  }
}

async function writeAll(disc: FileHandle, bytes: Uint8Array, at: number): Promise<number> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await disc.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
  return at + bytes.length;
}
