/** Debian's own drivers for the devices that no driver of its kernel image knows. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { initramfs } from '../src/boot/initramfs.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { MODULES_PATH } from '../src/node/debian/debian-modules.ts';
import { debianModules } from './machine/debian-modules.ts';
import { guestScript, QUICK_START } from './machine/guest-script.ts';
import { runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 240_000;
/** In the order in which they are loaded. */
const MODULES = ['virtio_mmio', 'virtio-rng', 'qemu_fw_cfg'];

const files = await debianModules(MODULES);

const script = `
for module in ${MODULES.join(' ')}; do insmod /${MODULES_PATH}/$module.ko && echo "loaded $module"; done
echo "rng: $(cat /sys/class/misc/hw_random/rng_current)"
echo "bytes: $(head -c 50000 /dev/hwrng | wc -c)"
for time in 1 2; do echo "random: $(head -c 16 /dev/hwrng | hexdump -ve '1/1 "%02x"')"; done
rmmod virtio_rng; insmod /${MODULES_PATH}/virtio-rng.ko
echo "again: $(head -c 100 /dev/hwrng | wc -c)"
sed -n 's/^.* \\([0-9]*\\) .*virtio0$/interrupts: \\1/p' /proc/interrupts
echo "machine: $(cat /sys/firmware/qemu_fw_cfg/by_name/etc/hartvisor/machine/raw)"
dmesg | grep -c 'Call Trace\\|WARNING' | sed 's/^/trouble: /'
`;

test.skipIf(files === undefined)(
  'drivers of Debian get random bytes over virtio, and read the firmware configuration',
  async () => {
    if (files === undefined) throw new Error('there are no files');
    const { guest, modules } = files;
    const busybox = readFileSync(guest.busyboxPath);
    const { end, output } = await runMachine(
      {
        kind: 'domain',
        vcpus: 2,
        pcpus: 2,
        memoryBytes: 256 * 1024 * 1024,
        protocol: 'take-mirror',
        kernel: await readKernel(readFileSync(guest.kernelPath), guest.kernelPath),
        initrd: initramfs({ busybox, run: guestScript(script), extraFiles: modules }),
        bootArgs: `console=ttyS0 ${QUICK_START}`,
      },
      LIMIT_MS,
    );
    expect(end, output).toEqual({ reason: 'poweroff' });
    const values = (name: string) =>
      [...output.matchAll(new RegExp(`^${name}: ?(.*?)\\r?$`, 'gm'))].map(([, value]) => value);
    for (const module of MODULES) expect(output).toContain(`loaded ${module}`);
    expect(values('rng')).toEqual(['virtio_rng.0']);
    expect([...values('bytes'), ...values('again')]).toEqual(['50000', '100']);
    const random = values('random');
    expect(new Set(random).size).toBe(2);
    for (const bytes of random) expect(bytes).toMatch(/^[0-9a-f]{32}$/);
    expect(values('machine')).toEqual(['domain']);
    expect(values('trouble')).toEqual(['0']);
    expect(values('interrupts')).not.toContain('0');
  },
  LIMIT_MS + 30_000,
);
