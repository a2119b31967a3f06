import { spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
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

/**
 * Writes a disc (ISO 9660) that has packages with their parts unpacked: this machine unpacks them at its full speed,
 * and the guest, to which they are packages like others, does not have to.
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
  const disc = await open(path, 'w', 0o600);
  try {
    const files: DiscFile[] = [];
    let end = discHeaderBytes(packages.length);
    for (const [index, { file, discName }] of packages.entries()) {
      onPackage(index);
      const place = nextPlace(end);
      end = await writePlain(disc, place, file);
      files.push({ name: discName, place, bytes: end - place });
    }
    end = nextPlace(end);
    await disc.truncate(end);
    await writeAll(disc, discHeader(files, end), 0);
  } finally {
    await disc.close();
  }
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
