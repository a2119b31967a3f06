import {
  fstatSync,
  linkSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { InputError } from '../../errors/input-error.ts';

/** The ending of a lock's name, behind the file's name. */
export const LOCK_ENDING = '.hartvisor-lock';
/** Turns in which others are first; each of them is a process that began or ended at that moment. */
const MOST_TRIES = 20;

/** The holder of a lock. The numbers of processes are those of a host, a start of it, and a container. */
interface Owner {
  readonly pid: number;
  /** When it began, so that no later process of that number is taken for it. */
  readonly began: string;
  readonly host: string;
  readonly place: string;
}

/** Takes care that nobody else writes to a file meanwhile. */
export interface FileLock {
  release(): void;
}

/**
 * Locks a file that is going to be written, by a file beside it that names this process. A lock that a process left
 * behind that was killed does not count.
 *
 * A folder in which no file can be made leaves the file without a lock.
 *
 * @param who names the file's part, as a message begins with it: `The drive disk.img`
 * @throws InputError if another process writes to it
 */
export function lockFile(who: string, file: string): FileLock {
  const path = realpathSync(file) + LOCK_ENDING;
  const own: Owner = { pid: process.pid, began: beganAt(process.pid), host: hostname(), place: place() };
  const text = `${JSON.stringify(own)}\n`;
  const draft = `${path}-${process.pid}-${crypto.randomUUID()}`;
  try {
    writeFileSync(draft, text, { flag: 'wx' });
  } catch {
    return { release: () => undefined };
  }
  try {
    for (let turn = 0; turn < MOST_TRIES; turn++) if (take(who, path, draft)) return heldLock(path, text);
  } finally {
    unlinkSync(draft);
  }
  throw new InputError(`${who} is wanted by too many processes at once.`);
}

/**
 * For a file that is going to be read only: another process may not write to it meanwhile.
 *
 * @throws InputError if one does
 */
export function checkUnlocked(who: string, file: string): void {
  const owner = readOwner(realpathSync(file) + LOCK_ENDING);
  if (owner !== undefined && mayLive(owner)) throw inUse(who, owner, file);
}

/**
 * Bytes of a file that QEMU locks (`block/file-posix.c`): its actions on the file, and those that others may not take.
 */
const QEMU_LOCKS = { first: 100, writes: 101, end: 300 } as const;

/**
 * Asks Linux's list of all locks whether QEMU has a file in use.
 *
 * @param write whether it is going to be written here; else only QEMU's writing counts
 * @throws InputError if so
 */
export function checkQemu(who: string, descriptor: number, write: boolean): void {
  const { dev, ino } = fstatSync(descriptor);
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const locked = readOr('/proc/locks', '')
    .split('\n')
    .some((line) => {
      // 1: OFDLCK ADVISORY READ -1 fe:01:1234 100 101
      const [, kind, , , , place = '', first, last] = line.trim().split(/\s+/);
      const [ownMajor, ownMinor, inode] = place.split(':');
      if (kind !== 'OFDLCK' || Number(inode) !== ino) return false;
      if (Number.parseInt(ownMajor, 16) !== major || Number.parseInt(ownMinor, 16) !== minor) return false;
      const [from, to] = [Number(first), Number(last)];
      if (write) return from < QEMU_LOCKS.end && to >= QEMU_LOCKS.first;
      return from <= QEMU_LOCKS.writes && to >= QEMU_LOCKS.writes;
    });
  if (locked) throw new InputError(`${who} is in use by QEMU. End that first.`);
}

/** @returns whether the lock is this process's; false to look again */
function take(who: string, path: string, draft: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const before = readOr(path, '');
  const owner = ownerOf(before);
  if (before !== '' && (owner === undefined || mayLive(owner)))
    throw inUse(who, owner, path.slice(0, -LOCK_ENDING.length));
  // Its process is gone. Of several that find that out, one moves it away.
  const aside = `${draft}-old`;
  try {
    renameSync(path, aside);
  } catch {
    return false;
  }
  // Another one may have been first, and the moved file is its new lock.
  if (readOr(aside, '') !== before) {
    try {
      linkSync(aside, path);
    } catch {
      // A third one has the file now, which is told by the next look.
    }
  }
  unlinkSync(aside);
  return false;
}

/** Locks of this process. */
const held = new Set<FileLock>();

function releaseAll(): void {
  for (const lock of held) lock.release();
}

function heldLock(path: string, text: string): FileLock {
  const lock = {
    release: () => {
      held.delete(lock);
      try {
        if (readOr(path, '') === text) unlinkSync(path);
      } catch {
        // The folder is gone.
      }
    },
  };
  // One listener, however many machines a process has.
  if (held.size === 0) {
    process.off('exit', releaseAll);
    process.on('exit', releaseAll);
  }
  held.add(lock);
  return lock;
}

function inUse(who: string, owner: Owner | undefined, file: string): InputError {
  const whose = owner === undefined ? 'somebody else' : `process ${owner.pid}${elsewhere(owner)}`;
  return new InputError(
    `${who} is in use by ${whose}: two machines that write to one disk destroy it. ` +
      `End that one first; if it is gone, remove ${file}${LOCK_ENDING}.`,
  );
}

function elsewhere({ host, place: where }: Owner): string {
  if (host !== hostname()) return ` of ${host}`;
  return where === place() ? '' : ' of another container or an earlier start of this host';
}

function readOwner(path: string): Owner | undefined {
  return ownerOf(readOr(path, ''));
}

function ownerOf(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    const { pid, began, host, place: where } = owner ?? {};
    if (typeof pid !== 'number' || typeof began !== 'string') return undefined;
    return typeof host === 'string' && typeof where === 'string'
      ? { pid, began, host, place: where }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process is there, or cannot be known not to be. */
function mayLive({ pid, began, host, place: where }: Owner): boolean {
  // A host of another name may be another host. One that was started anew has no process of before.
  if (host !== hostname()) return true;
  if (where !== place()) return where.split(' ')[0] === place().split(' ')[0];
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return beganAt(pid) === began;
}

/** When a process began, in a word that tells it from others of its number; empty where that is not known. */
function beganAt(pid: number): string {
  const status = readOr(`/proc/${pid}/stat`, '');
  // The program's name may have blanks and brackets in it.
  return status.slice(status.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** The start of the host, and the container. */
function place(): string {
  const boot = readOr('/proc/sys/kernel/random/boot_id', '').trim();
  try {
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return boot;
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
