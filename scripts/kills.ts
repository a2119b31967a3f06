/**
 * Kills hartvisor at random moments while its guest changes files on a disk, and looks at the disk after each kill: the
 * image and the file system are whole, and all files are there that the guest had flushed.
 *
 *     node scripts/kills.ts [--count N] [--formats raw,qcow2] [--most MS]
 *
 * Each kill comes up to MS milliseconds (2000 by default) after the guest's first file. The next guest goes on with the
 * same disk. The exit status is 0 if all was well; a disk that is not is kept, and its name printed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type KilledFormat, killGuest, killOnce, newDisk } from './kills/killed-disk.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20' },
    formats: { type: 'string', default: 'raw,qcow2' },
    most: { type: 'string', default: '2000' },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'hartvisor-kills-'));
const guest = await killGuest(directory);
if (guest === undefined) {
  process.stderr.write("kills: mke2fs, e2fsck, debugfs, qemu-img and Debian's kernel are needed.\n");
  process.exit(2);
}
let faults = 0;
for (const format of values.formats.split(',') as KilledFormat[]) {
  const disk = newDisk(format, directory);
  let last = 0;
  for (let turn = 1; turn <= Number(values.count); turn++) {
    const milliseconds = Math.floor(Math.random() * Number(values.most));
    const result = await killOnce(guest, disk, format, milliseconds, last);
    last = result.last;
    const { safe, leaks, fault } = result;
    process.stdout.write(
      `${format} ${turn}/${values.count}: killed after ${milliseconds} ms, ${safe} files safe, ${leaks} leaks: ${fault ?? 'good'}\n`,
    );
    if (fault === undefined) continue;
    faults++;
    break;
  }
}
if (faults > 0) process.stdout.write(`The disk is in ${directory}.\n`);
else rmSync(directory, { recursive: true });
process.exitCode = faults > 0 ? 1 : 0;
