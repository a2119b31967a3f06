/**
 * A guest that changes files on a disk without end, its hartvisor killed at some moment, and what the disk has then.
 *
 * A guest boots on a disk as a kill has left it, and goes on with it. Since to boot takes much longer than all else, it
 * can be saved when it is at work, so that many kills begin from there, each with a copy of the disk.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initramfs } from '../../src/boot/initramfs.ts';
import { MODULES_PATH } from '../../src/node/debian/debian-modules.ts';
import { extendHost, type OpenDrive } from '../../src/node/drives/drive-thread.ts';
import { openDrives } from '../../src/node/drives/open-drives.ts';
import { debianModules } from '../../test/machine/debian-modules.ts';
import { QUICK_START } from '../../test/machine/guest-script.ts';

const FORMATS = ['raw', 'qcow2'] as const;
export type KilledFormat = (typeof FORMATS)[number];

const DISK_BYTES = 96 << 20;
const MODULES = ['virtio_blk', 'crc16', 'crc32c_generic', 'mbcache', 'jbd2', 'ext4'];
/** Lines of a file are numbers from the file's own on. */
const LINES = 3000;
const cli = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/** Files that are the same for all guests. */
export interface KillGuest {
  readonly kernel: string;
  readonly initrd: string;
}

/** Makes them; undefined where a program or Debian's kernel is missing. */
export async function killGuest(directory: string): Promise<KillGuest | undefined> {
  const programs = ['mke2fs', 'e2fsck', 'debugfs', 'qemu-img'];
  if (programs.some((name) => spawnSync(name, ['-V']).error !== undefined)) return undefined;
  const files = await debianModules(MODULES);
  if (files === undefined) return undefined;
  const initrd = join(directory, 'initrd');
  const run = initramfs({
    busybox: readFileSync(files.guest.busyboxPath),
    run: `for module in ${MODULES.join(' ')}; do insmod /${MODULES_PATH}/$module.ko; done\n${SCRIPT}`,
    extraFiles: files.modules,
  });
  writeFileSync(initrd, run);
  return { kernel: files.guest.kernelPath, initrd };
}

/**
 * Two processes make files and remove them, without a wish that anything lasts; a third one's files are flushed, and it
 * says so of each. It goes on where the disk has its last one.
 */
const SCRIPT = `
mkdir -p /mnt; mount -t ext4 /dev/vda /mnt || echo "trouble: no mount"
mkdir -p /mnt/safe /mnt/loose
last=$(ls /mnt/safe | sort -n | tail -n 1)
for part in 1 2; do
  (n=0; while true; do n=$((n + 1)); seq $n $((n * 37 % 9000 + n)) > /mnt/loose/$part.$((n % 40))
    [ $((n % 3)) = 0 ] && rm -f /mnt/loose/$part.$(((n + 7) % 40)); done) &
done
n=\${last:-0}
while true; do
  n=$((n + 1))
  seq $n $((n + ${LINES - 1})) | dd of=/mnt/safe/$n conv=fsync 2>/dev/null && echo "safe: $n" || echo "trouble: file $n"
  [ $n -gt 40 ] && rm -f /mnt/safe/$((n - 40)) && [ $((n % 16)) = 0 ] && fstrim /mnt 2>/dev/null
done
`;
/** Files that are looked for: the guest keeps ten more, and may be ahead of what it said. */
const KEPT = 30;

/** A new disk with an empty file system. @returns its path */
export function newDisk(format: KilledFormat, directory: string): string {
  const raw = join(directory, 'disk.raw');
  writeFileSync(raw, '');
  truncateSync(raw, DISK_BYTES);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', raw]);
  if (format === 'raw') return raw;
  const image = join(directory, 'disk.qcow2');
  execFileSync('qemu-img', ['convert', '-O', 'qcow2', raw, image]);
  return image;
}

/** The result of one kill. */
export interface KillResult {
  /** Files that were said to be safe in this run. */
  readonly safe: number;
  /** Clusters of the image that counted as used and were not. */
  readonly leaks: number;
  /** The fault; undefined if there is none. */
  readonly fault: string | undefined;
  /** The guest had not flushed a file after {@link LONGEST_START}: of a host that is so busy nothing can be said. */
  readonly isLate: boolean;
}

/** A guest at work that was saved, and its disk from then: it is there as long as they are. */
export interface SavedGuest {
  readonly snapshot: string;
  /** A copy of the disk, with its time. */
  readonly disk: string;
  /** The last file that the guest had said to be safe. */
  readonly last: number;
}

/** Where a guest that is to be killed comes from. */
export interface KilledFrom {
  readonly disk: string;
  readonly format: KilledFormat;
  /** It boots, or goes on from there. */
  readonly guest: KillGuest | SavedGuest;
}

/**
 * Lets a guest work on a disk, kills it so long after the first file that it flushes, and looks at what is there.
 *
 * @param before the last file that was said to be safe in earlier runs
 */
export async function killOnce(
  from: KilledFrom,
  milliseconds: number,
  before: number,
): Promise<KillResult & { readonly last: number }> {
  const { disk, format } = from;
  const run = startGuest(from);
  const isLate = !(await run.hasFlushed(1));
  setTimeout(() => run.child.kill('SIGKILL'), milliseconds);
  await run.closed;
  const safe = run.safe();
  const last = safe.at(-1) ?? before;
  const result = { safe: safe.length, leaks: 0, last, isLate };
  try {
    if (!isLate) run.checkOutput();
    const leaks = format === 'qcow2' ? checkImage(disk) : 0;
    checkFiles(disk, format, last);
    return { ...result, leaks, fault: undefined };
  } catch (error) {
    return { ...result, fault: error instanceof Error ? error.message : String(error) };
  }
}

/** Files that a guest flushes before it is saved. */
const FLUSHED_FIRST = 3;

/** Boots a guest on a disk, and saves it when it is at work. @throws Error when it does not come to that */
export async function saveGuest(
  guest: KillGuest,
  disk: string,
  format: KilledFormat,
  directory: string,
): Promise<SavedGuest> {
  const snapshot = join(directory, `${format}.snapshot`);
  const run = startGuest({ disk, format, guest }, ['--save', snapshot]);
  await run.hasFlushed(FLUSHED_FIRST);
  // Ctrl-A z.
  run.child.stdin?.write('\x01z');
  const status = await run.closed;
  run.checkOutput();
  if (status !== 0) throw new Error(`the guest was not saved; the output's end: ${run.output().slice(-500)}`);
  const copy = join(directory, `${format}.saved`);
  copyWithTime(disk, copy);
  return { snapshot, disk: copy, last: run.safe().at(-1) ?? 0 };
}

/** Makes a disk what it was when its guest was saved. */
export function takeBack({ disk: saved }: SavedGuest, disk: string): void {
  copyWithTime(saved, disk);
}

/** A snapshot is restored with a disk that has its time alone. */
function copyWithTime(from: string, to: string): void {
  execFileSync('cp', ['--preserve=timestamps', '--sparse=always', from, to]);
}

/** Milliseconds in which a guest is to have flushed its first files. */
const LONGEST_START = 240_000;

/** A guest in a process of its own. */
interface GuestRun {
  readonly child: ChildProcess;
  /** Its end. @returns its exit status; null where it was killed */
  readonly closed: Promise<number | null>;
  output(): string;
  /** The files that it has said to be safe. */
  safe(): readonly number[];
  /**
   * Waits until it has said that of so many files, or it ends.
   *
   * @returns whether it has not been killed because that took too long
   */
  hasFlushed(files: number): Promise<boolean>;
  /** @throws Error with the guest's trouble, if it had any */
  checkOutput(): void;
}

function startGuest({ disk, format, guest }: KilledFrom, more: readonly string[] = []): GuestRun {
  const drive = ['--drive', `file=${disk},format=${format}`];
  const args = 'snapshot' in guest ? ['--restore', guest.snapshot] : bootWords(guest);
  const child = spawn(process.execPath, [cli, 'run', ...args, ...drive, ...more], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let heard = Promise.withResolvers<void>();
  const hear = (text: string) => {
    output += text;
    heard.resolve();
    heard = Promise.withResolvers();
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  // It may be gone when it is told something.
  child.stdin.on('error', () => undefined);
  let ended = false;
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve)).finally(() => {
    ended = true;
  });
  // The last line may be a part of one.
  const lines = () => output.split('\n').slice(0, -1);
  const safe = () =>
    lines()
      .flatMap((line) => /^safe: (\d+)\r?$/.exec(line)?.[1] ?? [])
      .map(Number);
  const hasFlushed = async (files: number) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, LONGEST_START);
    while (!ended && safe().length < files) await Promise.race([heard.promise, closed]);
    clearTimeout(timer);
    return !isLate;
  };
  const checkOutput = () => {
    const bad = lines().find((line) => /trouble: |I\/O error|EXT4-fs (error|warning)/.test(line));
    if (bad !== undefined) throw new Error(bad);
    if (safe().length === 0) throw new Error(`no file was flushed; the output's end: ${output.slice(-500)}`);
  };
  return { child, closed, output: () => output, safe, hasFlushed, checkOutput };
}

function bootWords({ kernel, initrd }: KillGuest): readonly string[] {
  const shape = ['--smp', '2', '--memory', '192M', '--append', `hartvisor.run=true quiet ${QUICK_START}`];
  return ['--kernel', kernel, '--initrd', initrd, ...shape];
}

/** @returns leaks that were found and are repaired */
function checkImage(disk: string): number {
  // 3: leaks alone. What is used may not count as free.
  const { status, stdout } = spawnSync('qemu-img', ['check', '--output=json', disk], { encoding: 'utf8' });
  if (status !== 0 && status !== 3) throw new Error(`qemu-img check: ${stdout}`);
  const leaks = Number((JSON.parse(stdout) as { leaks?: number }).leaks ?? 0);
  const opened = openDrives([{ file: disk, readOnly: false, snapshot: false, serial: '' }]);
  const host = extendHost(opened.module.data as readonly OpenDrive[]);
  host.openDrive?.(0);
  host.closeDrives?.();
  opened.close();
  execFileSync('qemu-img', ['check', '-q', disk], { stdio: 'pipe' });
  return leaks;
}

/** Looks at a copy, whose journal is replayed: the disk itself waits for its guest to do that. */
function checkFiles(disk: string, format: KilledFormat, last: number): void {
  const copy = `${disk}.copy`;
  const found = `${disk}.found`;
  if (format === 'raw') copyFileSync(disk, copy);
  else execFileSync('qemu-img', ['convert', '-O', 'raw', disk, copy]);
  // 1: it has done something, which is the replay.
  const replay = spawnSync('e2fsck', ['-p', copy], { encoding: 'utf8' });
  if (replay.status !== 0 && replay.status !== 1)
    throw new Error(`e2fsck -p: ${replay.stdout}${replay.stderr}`);
  const clean = spawnSync('e2fsck', ['-fn', copy], { encoding: 'utf8' });
  if (clean.status !== 0) throw new Error(`e2fsck -fn: ${clean.stdout}`);
  rmSync(found, { recursive: true, force: true });
  mkdirSync(found);
  execFileSync('debugfs', ['-R', `rdump /safe ${found}`, copy], { stdio: 'pipe' });
  for (let number = Math.max(1, last - KEPT + 1); number <= last; number++) {
    const expected = Array.from({ length: LINES }, (_, line) => `${number + line}\n`).join('');
    if (readFileSync(join(found, 'safe', `${number}`), 'utf8') !== expected)
      throw new Error(`file ${number} was flushed, and is not as it was`);
  }
}
