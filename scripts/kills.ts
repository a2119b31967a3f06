/**
 * Kills hartvisor at random moments while its guest changes files on a disk, and looks at the disk after each kill: the
 * image and the file system are whole, and all files are there that the guest had flushed.
 *
 *     node scripts/kills.ts [--count N] [--formats raw,qcow2] [--most MS] [--each KILLS]
 *
 * A guest boots on the disk as the last kill has left it, and is saved when it is at work. KILLS guests (20 by default)
 * go on from there and are killed, each up to MS milliseconds (2000 by default) after the first file that it flushes.
 * A guest that the host is too busy for, so that it flushes nothing in four minutes, is tried again, and counted.
 * The exit status is 0 if all was well; a disk that is not is kept, and its name printed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type KilledFormat,
  type KillGuest,
  killGuest,
  killOnce,
  newDisk,
  type SavedGuest,
  saveGuest,
  takeBack,
} from './kills/killed-disk.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20' },
    formats: { type: 'string', default: 'raw,qcow2' },
    most: { type: 'string', default: '2000' },
    each: { type: 'string', default: '20' },
  },
});
const [count, most, each] = [values.count, values.most, values.each].map(Number);
/** Guests in a row that flush nothing: then it is not the host. */
const MOST_LATE = 3;
const directory = mkdtempSync(join(tmpdir(), 'hartvisor-kills-'));

let late = 0;

/** Kills one guest. @returns whether all was well */
async function killOne(
  saved: SavedGuest,
  disk: string,
  format: KilledFormat,
  turn: string,
): Promise<boolean> {
  for (let tries = 0; tries < MOST_LATE; tries++) {
    takeBack(saved, disk);
    const milliseconds = Math.floor(Math.random() * most);
    const result = await killOnce({ disk, format, guest: saved }, milliseconds, saved.last);
    const { safe, leaks, fault, isLate } = result;
    const verdict = fault ?? (isLate ? 'no verdict, for nothing was flushed in four minutes' : 'good');
    process.stdout.write(
      `${format} ${turn}: killed after ${milliseconds} ms, ${safe} files safe, ${leaks} leaks: ${verdict}\n`,
    );
    if (fault !== undefined || !isLate) return fault === undefined;
    late++;
  }
  return false;
}

/** @returns whether all was well */
async function killAll(guest: KillGuest, format: KilledFormat): Promise<boolean> {
  const disk = newDisk(format, directory);
  for (let turn = 0; turn < count; ) {
    const saved = await saveGuest(guest, disk, format, directory);
    const batch = Math.min(each, count - turn);
    for (const end = turn + batch; turn < end; turn++) {
      if (!(await killOne(saved, disk, format, `${turn + 1}/${count}`))) return false;
    }
  }
  return true;
}

const guest = await killGuest(directory);
if (guest === undefined) {
  process.stderr.write("kills: mke2fs, e2fsck, debugfs, qemu-img and Debian's kernel are needed.\n");
  process.exit(2);
}
let good = true;
for (const format of values.formats.split(',') as KilledFormat[])
  good = (await killAll(guest, format)) && good;
process.stdout.write(`${late} without a verdict\n`);
if (good) rmSync(directory, { recursive: true });
else process.stdout.write(`The disk is in ${directory}.\n`);
process.exitCode = good ? 0 : 1;
