/** Disks, by Debian's own drivers for virtio and ext4, and by what the host finds in their files. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { InputError } from '../src/errors/input-error.ts';
import type { DomainConfig } from '../src/machine/domain/config.ts';
import { debianGuest } from '../src/node/debian/debian-guest.ts';
import type { DriveOptions } from '../src/node/drives/drive-options.ts';
import { openDrives } from '../src/node/drives/open-drives.ts';
import { guestSetUp } from '../src/node/guests/guest-parts.ts';
import { NodeHost } from '../src/node/node-host.ts';
import { type MachineRun, runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 120_000;
const guest = await debianGuest().catch((error: unknown) => {
  if (!(error instanceof InputError)) throw error;
  console.warn(`skipped: ${error.message}`);
  return undefined;
});

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
        pcpus: 2,
        memoryBytes: 256 * 1024 * 1024,
        protocol: 'take-mirror',
        kernel: await readKernel(readFileSync(guest.kernelPath), guest.kernelPath),
        initrd: initramfs({
          busybox: readFileSync(guest.busyboxPath),
          extraFiles: files,
          setUp,
          run: script,
        }),
        bootArgs: 'console=ttyS0',
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

describe.skipIf(guest === undefined)('a disk', { timeout: LIMIT_MS + 30_000 }, () => {
  test.each<[string, Pick<DomainConfig, 'virtio' | 'aia'>, RegExp]>([
    ['PCI, by its pin', { virtio: 'pci' }, /SiFive PLIC +33 .*virtio0$/m],
    [
      'PCI, by messages',
      { virtio: 'pci', aia: 'aplic-imsic' },
      /PCI-MSIX?-0000:00:01\.0 +1 .*virtio0-req\.0$/m,
    ],
    ['registers of its own', { virtio: 'mmio' }, /SiFive PLIC +1 .*virtio1$/m],
  ])('over %s has what was written to it, and says what it is', async (name, wiring, interrupt) => {
    const file = image(`raw-${name}.img`, 3 << 20);
    const script = `
      echo "sectors: $(cat /sys/block/vda/size)"
      echo "serial: $(cat /sys/block/vda/serial)"
      seq 1 300000 > /tmp/numbers
      dd if=/tmp/numbers of=/dev/vda bs=4k seek=16 conv=fsync 2>/dev/null
      echo end | dd of=/dev/vda bs=512 seek=6143 conv=fsync,notrunc 2>/dev/null
      echo 3 > /proc/sys/vm/drop_caches
      echo "back: $(dd if=/dev/vda bs=4k skip=16 2>/dev/null | head -c $(wc -c < /tmp/numbers) | cmp - /tmp/numbers && echo same)"
      dmesg | grep -c 'I/O error\\|Call Trace\\|WARNING' | sed 's/^/trouble: /'
      cat /proc/interrupts
    `;
    const { end, output, notices } = await run(script, [{ file, serial: 'disk 1' }], wiring);
    expect(output.replaceAll('\r', '')).toMatch(interrupt);
    expect(end, output).toEqual({ reason: 'poweroff' });
    expect(values(output, 'sectors')).toEqual(['6144']);
    expect(values(output, 'serial')).toEqual(['disk 1']);
    expect(values(output, 'back'), output).toEqual(['same']);
    expect([...values(output, 'trouble'), ...notices]).toEqual(['0']);
    const numbers = Array.from({ length: 300_000 }, (_, index) => `${index + 1}\n`).join('');
    const content = readFileSync(file);
    expect(content.subarray(16 * 4096, 16 * 4096 + numbers.length).toString()).toBe(numbers);
    expect(content.subarray(6143 * 512, 6143 * 512 + 4).toString()).toBe('end\n');
  });

  test('keeps its file as it was, if changes are not to last, and if it is only to be read', async () => {
    const file = image('kept.img', 1 << 20);
    writeFileSync(file, Buffer.alloc(1 << 20, 'original'));
    const before = readFileSync(file);
    const script = `
      for disk in vda vdb; do
        echo changed | dd of=/dev/$disk bs=512 seek=8 conv=fsync 2>/dev/null && echo "$disk: written" || echo "$disk: refused"
        echo 3 > /proc/sys/vm/drop_caches
        echo "$disk: $(dd if=/dev/$disk bs=512 skip=8 count=1 2>/dev/null | head -c 7)"
      done
    `;
    const { end, output } = await run(script, [
      { file, snapshot: true },
      { file, readOnly: true },
    ]);
    expect(end, output).toEqual({ reason: 'poweroff' });
    expect(values(output, 'vda')).toEqual(['written', 'changed']);
    expect(values(output, 'vdb')).toEqual(['refused', 'origina']);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  const tools = ['/sbin/mke2fs', '/sbin/e2fsck'];
  const hasTools = tools.every((tool) => existsSync(tool));
  const hasQemu = spawnSync('qemu-img', ['--version']).status === 0;
  describe.skipIf(!hasTools).each(hasQemu ? ['raw', 'qcow2'] : ['raw'])('in the format %s', (format) => {
    test('holds a file system that two processors use', async () => {
      const raw = image('ext4.img', 48 << 20);
      execFileSync('/sbin/mke2fs', ['-q', '-t', 'ext4', raw]);
      const file = format === 'raw' ? raw : join(folder, 'ext4.qcow2');
      if (file !== raw) execFileSync('qemu-img', ['convert', '-O', 'qcow2', raw, file]);
      const script = `
      mkdir -p /mnt; mount -t ext4 /dev/vda /mnt && echo "mount: yes"
      for part in 1 2 3 4; do
        (mkdir /mnt/$part; for file in $(seq 1 60); do seq $part $((part * 100 + file * 20)) > /mnt/$part/$file; done) &
      done; wait
      rm -r /mnt/3; sync; (cd /mnt && find . -type f | sort | xargs cat | md5sum | sed 's/^/sum: /')
      umount /mnt; mount -t ext4 /dev/vda /mnt
      (cd /mnt && find . -type f | sort | xargs cat | md5sum | sed 's/^/sum: /'); umount /mnt
      dmesg | grep -c 'I/O error\\|EXT4-fs error\\|Call Trace' | sed 's/^/trouble: /'
    `;
      const { end, output } = await run(script, [{ file }]);
      expect(end, output).toEqual({ reason: 'poweroff' });
      expect(values(output, 'mount'), output).toEqual(['yes']);
      const [first, second] = values(output, 'sum');
      expect(second).toBe(first);
      expect(values(output, 'trouble')).toEqual(['0']);
      if (file !== raw) {
        execFileSync('qemu-img', ['check', '-q', file]);
        execFileSync('qemu-img', ['convert', '-O', 'raw', file, raw]);
      }
      // It fails if there is anything to be repaired.
      execFileSync('/sbin/e2fsck', ['-fn', raw], { stdio: 'pipe' });
    });
  });
});
