import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diskOf, ext4Image, mke2fsMissing, partitioned, type Tree } from '../../../test/filesystem/images.ts';
import { DiskError } from '../../filesystem/disk.ts';
import { findBoot, NoBoot } from './find-boot.ts';

const limits = { kernel: 2 ** 20, initrd: 2 ** 20 };
const uuid = '8e6a2f60-1111-4222-8333-123456789abc';
const image = (tree: Tree) => ext4Image(tree, ['-t', 'ext4', '-b', '1024', '-N', '64', '-U', uuid], '1M');
const boot = (bytes: Uint8Array) => findBoot(diskOf(bytes), 'vda', limits);
const textOf = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

const extlinux = 'label a\n linux /boot/k\n initrd /boot/i\n append root=UUID=1 ro\n';
const withExtlinux: Tree = {
  'boot/extlinux/extlinux.conf': extlinux,
  'boot/k': 'kernel',
  'boot/i': 'initrd',
};
const byNames: Tree = {
  'boot/vmlinuz-6.9.0': 'old',
  'boot/vmlinuz-6.12.1': 'new',
  'boot/initrd.img-6.12.1': 'initrd',
  'boot/vmlinuz-0-rescue-1': 'rescue',
  'etc/fstab': '',
};

describe.skipIf(mke2fsMissing)('findBoot', () => {
  it.each<[string, (parts: readonly Uint8Array[]) => Uint8Array, string]>([
    ['a whole disk', ([part]) => part, 'the disk'],
    ['a partition of a GPT', (parts) => partitioned('gpt', parts), 'partition 1'],
    ['a partition of an MBR', (parts) => partitioned('mbr', parts), 'partition 1'],
  ])('finds extlinux on %s', (_, disk, place) => {
    const found = boot(disk([image(withExtlinux)]));
    expect(textOf(found.kernel)).toBe('kernel');
    expect(textOf(found.initrd)).toBe('initrd');
    expect(found).toMatchObject({ words: 'root=UUID=1 ro', name: `/boot/k (${place})` });
  });

  it('joins initrds', () => {
    const entry = 'linux /k\ninitrd /one\ninitrd /two\noptions x\n';
    const found = boot(image({ 'loader/entries/a.conf': entry, k: 'kernel', one: 'first', two: 'second' }));
    expect(textOf(found.initrd)).toBe('firstsecond');
  });

  it('takes the newest entry of the Boot Loader Specification', () => {
    const entry = (version: string) => `version ${version}\nlinux /k-${version}\n`;
    const found = boot(
      image({
        'boot/loader/entries/a.conf': entry('6.12'),
        'boot/loader/entries/b.conf': entry('6.9'),
        'k-6.12': 'new',
        'k-6.9': 'old',
      }),
    );
    expect(textOf(found.kernel)).toBe('new');
  });

  it('goes by names where there is no configuration', () => {
    const found = boot(image(byNames));
    expect(textOf(found.kernel)).toBe('new');
    expect(textOf(found.initrd)).toBe('initrd');
    expect(found.words).toBe(`root=UUID=${uuid} ro`);
  });

  it('names the partition to a kernel without an initrd', () => {
    const disk = partitioned('gpt', [image({ x: '' }), image({ 'boot/Image': 'kernel', 'etc/fstab': '' })]);
    expect(boot(disk)).toMatchObject({ initrd: undefined, words: 'root=/dev/vda2 ro' });
  });

  it('looks at all partitions for a configuration before it goes by names', () => {
    const grub = "menuentry 'x' {\n linux /vmlinuz root=LABEL=r\n}\n";
    const disk = partitioned('gpt', [image(byNames), image({ 'grub/grub.cfg': grub, vmlinuz: 'by grub' })]);
    expect(textOf(boot(disk).kernel)).toBe('by grub');
  });

  it('goes on where a configuration names what is not there', () => {
    const disk = image({ ...byNames, 'boot/extlinux/extlinux.conf': extlinux });
    expect(textOf(boot(disk).kernel)).toBe('new');
  });

  it.each<[string, () => Uint8Array, RegExp]>([
    ['an empty disk', () => new Uint8Array(2 ** 20), /no file system that hartvisor reads/],
    ['a tiny disk', () => new Uint8Array(512), /no file system/],
    ['a disk for data', () => image({ 'home/x': 'y' }), /has no kernel, neither by/],
    [
      'a kernel that is too large',
      () => image({ ...withExtlinux, 'boot/k': 'k'.repeat(2 ** 20 - 99_999) }),
      /2048/,
    ],
    [
      'an initrd that is not there',
      () => image({ ...withExtlinux, 'boot/i': { link: 'x' } }),
      /names \/boot\/i, which/,
    ],
    [
      'XFS',
      () => partitioned('gpt', [new Uint8Array([0x58, 0x46, 0x53, 0x42, ...new Array(2044).fill(0)])]),
      /partition 1 is XFS/,
    ],
  ])('says what is wrong with %s', (_, disk, message) => {
    const small = { kernel: 2048, initrd: 2048 };
    const attempt = () => findBoot(diskOf(disk()), 'vda', small);
    expect(attempt).toThrow(NoBoot);
    expect(attempt).toThrow(message);
  });

  it('ends with an answer or a DiskError, whatever the table of partitions is', () => {
    const disks = (['gpt', 'mbr'] as const).map((table) => partitioned(table, [image(withExtlinux)]));
    const change = fc.tuple(fc.oneof(fc.integer({ min: 440, max: 640 }), fc.nat(4096)), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(1), fc.array(change, { minLength: 1, maxLength: 16 }), (index, changes) => {
        const before = changes.map(([at]) => disks[index][at]);
        for (const [at, value] of changes) disks[index][at] = value;
        try {
          boot(disks[index]);
        } catch (error) {
          if (!(error instanceof DiskError)) throw error;
        } finally {
          for (const [which, [at]] of changes.entries()) disks[index][at] = before[which];
        }
      }),
      { numRuns: 500 },
    );
  });
});
