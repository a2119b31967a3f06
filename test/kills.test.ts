/** hartvisor killed while its guest changes files: `scripts/kills.ts` does it more often. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { killGuest, killOnce, newDisk } from '../scripts/kills/killed-disk.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-kills-'));
afterAll(() => rmSync(directory, { recursive: true }));
const guest = await killGuest(directory);

describe.skipIf(guest === undefined)('a disk of a process that was killed', { timeout: 900_000 }, () => {
  test.each([
    ['raw', [400]],
    ['qcow2', [700, 150]],
  ] as const)('in the format %s has all that was flushed', async (format, kills) => {
    if (guest === undefined) throw new Error('there is no guest');
    const disk = newDisk(format, directory);
    let last = 0;
    for (const milliseconds of kills) {
      const result = await killOnce({ disk, format, guest }, milliseconds, last);
      expect(result.fault).toBeUndefined();
      last = result.last;
    }
    expect(last).toBeGreaterThan(0);
  });
});
