/** Disks, by Debian's own drivers for virtio and ext4, and by what the host finds in their files. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import type { DomainConfig } from '../src/machine/domain/config.ts';
import type { DriveOptions } from '../src/node/drives/drive-options.ts';
import { openDrives } from '../src/node/drives/open-drives.ts';
import { guestSetUp } from '../src/node/guests/guest-parts.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { debianGuest } from './machine/debian-guest.ts';
import { countedLines, guestScript, QUICK_START } from './machine/guest-script.ts';
import { type MachineRun, runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 240_000;
const guest = await debianGuest();
/** A file of every guest, `/numbers`. */
const numbers = countedLines(100_000);

const folder = mkdtempSync(join(tmpdir(), 'hartvisor-disks-'));
afterAll(() => rmSync(folder, { recursive: true }));

function image(name: string, bytes: number): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, bytes);
  return path;
}

/** Runs a script in a guest with drives, which is set up as the one that hartvisor brings. */
async function run(
  script: string,
  drives: readonly (Partial<DriveOptions> & { readonly file: string })[],
  wiring: Pick<DomainConfig, 'virtio' | 'aia'> = {},
): Promise<MachineRun> {
  if (guest === undefined) throw new Error('there is no guest');
  const { virtio = 'pci' } = wiring;
  const { files, setUp } = await guestSetUp(guest.version, { virtio, disks: true }, {});
  const host = new NodeHost();
  const { facts, module, close } = openDrives(
    drives.map((drive) => ({ readOnly: false, snapshot: false, serial: 'S', ...drive })),
  );
  host.loadFirst(module);
  try {
    return await runMachine(
      {
        kind: 'domain',
        vcpus: 2,
        // With registers of their own on one thread, which takes a quarter less.
        pcpus: virtio === 'mmio' ? 1 : 2,
        memoryBytes: 256 * 1024 * 1024,
        protocol: 'take-mirror',
        kernel: await readKernel(readFileSync(guest.kernelPath), guest.kernelPath),
        initrd: initramfs({
          busybox: readFileSync(guest.busyboxPath),
          extraFiles: [...files, { path: 'numbers', data: numbers }],
          setUp,
          run: guestScript(script),
        }),
        bootArgs: `console=ttyS0 ${QUICK_START}`,
        drives: facts,
        ...wiring,
      },
      LIMIT_MS,
      [],
      host,
    );
  } finally {
    close();
  }
}

function values(output: string, name: string): string[] {
  return [...output.matchAll(new RegExp(`^${name}: ?(.*?)\\r?$`, 'gm'))].map(([, value]) => value);
}

/** Bytes at both ends of a disk, written, read back and looked at. */
const ENDS = `
  echo "sectors: $(cat /sys/block/vda/size)"
  echo "serial: $(cat /sys/block/vda/serial)"
  dd if=/numbers of=/dev/vda bs=4k seek=16 conv=fsync 2>/dev/null
  echo end | dd of=/dev/vda bs=512 seek=6143 conv=fsync,notrunc 2>/dev/null
  echo 3 > /proc/sys/vm/drop_caches
  echo "back: $(dd if=/dev/vda bs=4k skip=16 2>/dev/null | head -c $(wc -c < /numbers) | cmp - /numbers && echo same)"
  cat /proc/interrupts
`;
const TROUBLE = `
  dmesg | grep -c 'I/O error\\|EXT4-fs error\\|Call Trace\\|WARNING' | sed 's/^/trouble: /'
`;

function checkEnds({ end, output, notices }: MachineRun, file: string, interrupt: RegExp): void {
  expect(end, output).toEqual({ reason: 'poweroff' });
  expect(output.replaceAll('\r', '')).toMatch(interrupt);
  expect(values(output, 'sectors')).toEqual(['6144']);
  expect(values(output, 'serial')).toEqual(['disk 1']);
  expect(values(output, 'back'), output).toEqual(['same']);
  expect([...values(output, 'trouble'), ...notices]).toEqual(['0']);
  const content = readFileSync(file);
  expect(content.subarray(16 * 4096, 16 * 4096 + numbers.length).toString()).toBe(numbers);
  expect(content.subarray(6143 * 512, 6143 * 512 + 4).toString()).toBe('end\n');
}

describe.skipIf(guest === undefined)('a disk', { timeout: LIMIT_MS + 30_000 }, () => {
  test.each<[string, Pick<DomainConfig, 'virtio' | 'aia'>, RegExp]>([
    [
      'PCI, by messages',
      { virtio: 'pci', aia: 'aplic-imsic' },
      /PCI-MSIX?-0000:00:01\.0 +1 .*virtio0-req\.0$/m,
    ],
    ['registers of its own', { virtio: 'mmio' }, /SiFive PLIC +1 .*virtio1$/m],
  ])('over %s has what was written to it, and says what it is', async (name, wiring, interrupt) => {
    const file = image(`raw-${name}.img`, 3 << 20);
    checkEnds(await run(ENDS + TROUBLE, [{ file, serial: 'disk 1' }], wiring), file, interrupt);
  });
});

// A boot takes longer than all that is done here, so that one has disks of all kinds.
describe.skipIf(guest === undefined)('disks over PCI, by their pins', () => {
  const ends = image('ends.img', 3 << 20);
  const kept = image('kept.img', 1 << 20);
  const readOnly = image('read-only.img', 1 << 20);
  const original = Buffer.alloc(1 << 20, 'original');
  const hasTools = ['/sbin/mke2fs', '/sbin/e2fsck'].every((tool) => existsSync(tool));
  const hasQemu = spawnSync('qemu-img', ['--version']).status === 0;
  const formats = hasTools ? (hasQemu ? ['raw', 'qcow2'] : ['raw']) : [];
  const fileOf = (format: string) => join(folder, `ext4.${format}`);
  let ran: MachineRun;

  beforeAll(async () => {
    for (const file of [kept, readOnly]) writeFileSync(file, original);
    if (hasTools) execFileSync('/sbin/mke2fs', ['-q', '-t', 'ext4', image('ext4.raw', 48 << 20)]);
    for (const format of formats.filter((each) => each !== 'raw'))
      execFileSync('qemu-img', ['convert', '-O', format, fileOf('raw'), fileOf(format)]);
    ran = await run(ENDS + TRY_TO_WRITE + formats.map(useFileSystem).join('') + TROUBLE, [
      { file: ends, serial: 'disk 1' },
      { file: kept, snapshot: true },
      { file: readOnly, readOnly: true },
      ...formats.map((format) => ({ file: fileOf(format) })),
    ]);
  }, LIMIT_MS + 30_000);

  const TRY_TO_WRITE = `
    for disk in vdb vdc; do
      echo changed | dd of=/dev/$disk bs=512 seek=8 conv=fsync 2>/dev/null && echo "$disk: written" || echo "$disk: refused"
      echo 3 > /proc/sys/vm/drop_caches
      echo "$disk: $(dd if=/dev/$disk bs=512 skip=8 count=1 2>/dev/null | head -c 7)"
    done
  `;

  /** Many files, by several processes. */
  function useFileSystem(format: string, index: number): string {
    const disk = `/dev/vd${'de'[index]}`;
    const sum = `(cd /mnt && find . -type f | sort | xargs cat | md5sum | sed 's/^/${format} sum: /')`;
    return `
      mkdir -p /mnt; mount -t ext4 ${disk} /mnt && echo "${format} mount: yes"
      for part in 1 2 3 4; do
        (mkdir /mnt/$part; for file in $(seq 1 60); do head -c $((part * 500 + file * 110)) /numbers > /mnt/$part/$file; done) &
        jobs="$jobs $!"
      done; wait $jobs
      rm -r /mnt/3; sync; ${sum}
      umount /mnt; mount -t ext4 ${disk} /mnt
      ${sum}; umount /mnt
    `;
  }

  test('have what was written to them, and say what they are', () => {
    checkEnds(ran, ends, /SiFive PLIC +33 .*\bvirtio0\b/m);
  });

  test('keep their files as they were, if changes are not to last, and if they are only to be read', () => {
    expect(values(ran.output, 'vdb')).toEqual(['written', 'changed']);
    expect(values(ran.output, 'vdc')).toEqual(['refused', 'origina']);
    for (const file of [kept, readOnly]) expect(readFileSync(file).equals(original)).toBe(true);
  });

  test.each(formats)('hold a file system that two processors use, in the format %s', (format) => {
    expect(values(ran.output, `${format} mount`), ran.output).toEqual(['yes']);
    const [first, second] = values(ran.output, `${format} sum`);
    expect(first).toMatch(/^[0-9a-f]{32} /);
    expect(second).toBe(first);
    if (format !== 'raw') {
      execFileSync('qemu-img', ['check', '-q', fileOf(format)]);
      execFileSync('qemu-img', ['convert', '-O', 'raw', fileOf(format), fileOf('raw')]);
    }
    // It fails if there is anything to be repaired.
    execFileSync('/sbin/e2fsck', ['-fn', fileOf('raw')], { stdio: 'pipe' });
  });
});
