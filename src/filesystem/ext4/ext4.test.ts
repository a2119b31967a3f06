import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diskOf, ext4Image, mke2fsMissing, type Tree } from '../../../test/filesystem/images.ts';
import { DiskError } from '../disk.ts';
import { Ext4 } from './ext4.ts';
import { isExt4 } from './superblock.ts';

const pattern = (bytes: number) =>
  Uint8Array.from({ length: bytes }, (_, index) => (index * 7) ^ (index >> 9));

const tree: Tree = {
  'etc/hostname': 'debian\n',
  'boot/large': pattern(700_001),
  'boot/empty': '',
  'boot/link': { link: 'large' },
  'boot/absolute': { link: '/etc/hostname' },
  'boot/up': { link: '../etc/../etc/hostname' },
  'boot/long': { link: `${'./'.repeat(60)}large` },
  'boot/loop': { link: 'loop' },
  'boot/dangling': { link: '/nowhere' },
  'link-to-boot': { link: 'boot' },
  'näme with blanks': 'x',
  ...Object.fromEntries(
    Array.from({ length: 300 }, (_, index) => [`many/a-name-that-is-long-${index}`, `${index}`]),
  ),
};

const text = (files: Ext4, path: string) => {
  const file = files.find(path);
  return file === undefined ? undefined : new TextDecoder().decode(file.read());
};

describe.skipIf(mke2fsMissing)('Ext4', () => {
  it.each<[string, readonly string[]]>([
    ['ext4', ['-t', 'ext4']],
    ['ext4 with blocks of 1 KiB', ['-t', 'ext4', '-b', '1024']],
    ['ext4 of 32 bits without checksums', ['-t', 'ext4', '-O', '^64bit,^metadata_csum']],
    [
      'ext4 with descriptors in their groups',
      ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode', '-g', '256'],
    ],
    [
      'ext4 with two copies of its superblock',
      ['-t', 'ext4', '-b', '1024', '-g', '256', '-O', 'sparse_super2'],
    ],
    ['ext4 with inodes of 128 bytes', ['-t', 'ext4', '-I', '128', '-O', '^metadata_csum']],
    ['ext3', ['-t', 'ext3']],
    ['ext2 with blocks of 1 KiB', ['-t', 'ext2', '-b', '1024']],
    ['the first revision', ['-t', 'ext2', '-r', '0', '-O', 'none', '-b', '1024']],
  ])('reads %s', (_, options) => {
    const disk = diskOf(ext4Image(tree, options, '6M'));
    expect(isExt4(disk)).toBe(true);
    const files = new Ext4(disk);
    expect(
      files
        .list('/')
        .filter((name) => name !== 'lost+found')
        .sort(),
    ).toEqual(['boot', 'etc', 'link-to-boot', 'many', 'näme with blanks'].sort());
    expect(files.find('/boot/large')?.bytes).toBe(700_001);
    expect(Buffer.compare(files.find('/boot/large')?.read() ?? new Uint8Array(), pattern(700_001))).toBe(0);
    for (const path of ['/boot/link', '/boot/long', '/link-to-boot/large', 'boot//./large'])
      expect(files.find(path)?.bytes, path).toBe(700_001);
    for (const path of ['/boot/absolute', '/boot/up', '/../../etc/hostname'])
      expect(text(files, path), path).toBe('debian\n');
    for (const path of ['/boot/loop', '/boot/dangling', '/boot', '/nowhere', '/etc/hostname/x', ''])
      expect(files.find(path), path).toBeUndefined();
    expect(text(files, '/boot/empty')).toBe('');
    expect(files.list('/many')).toHaveLength(300);
    expect(text(files, '/many/a-name-that-is-long-299')).toBe('299');
    expect(files.list('/etc/hostname')).toEqual([]);
  });

  it('reads holes as zeroes, and blocks by numbers of three levels', () => {
    const content = new Uint8Array(80 * 2 ** 20);
    content.set([1, 2, 3], content.length - 3);
    const files = new Ext4(diskOf(ext4Image({ sparse: content }, ['-t', 'ext2', '-b', '1024'], '8M')));
    expect(Buffer.compare(files.find('/sparse')?.read() ?? new Uint8Array(), content)).toBe(0);
  });

  it('knows the UUID', () => {
    const uuid = '8e6a2f60-1111-4222-8333-123456789abc';
    expect(new Ext4(diskOf(ext4Image({}, ['-U', uuid]))).uuid).toBe(uuid);
  });

  it('refuses features that it does not know', () => {
    const image = ext4Image({});
    image[1024 + 0x62] |= 0x80;
    expect(() => new Ext4(diskOf(image))).toThrow(DiskError);
  });

  it('comes to an end with a DiskError or an answer, whatever is on the disk', () => {
    const small: Tree = { 'boot/vmlinuz': pattern(9000), 'boot/link': { link: 'vmlinuz' }, 'etc/x': 'x' };
    const images = [
      ['-t', 'ext4'],
      ['-t', 'ext2'],
    ].map((options) => ext4Image(small, [...options, '-b', '1024', '-N', '32'], '512K'));
    const used = images.map((image) => Array.from(image.keys()).filter((at) => image[at] !== 0));
    const change = fc.record({ which: fc.nat(), value: fc.nat(255), near: fc.nat(7) });
    const attempt = (image: Uint8Array) => {
      try {
        const files = new Ext4(diskOf(image));
        for (const path of ['/boot/vmlinuz', '/boot/link', '/etc/x', '/']) {
          const file = files.find(path);
          if (file !== undefined && file.bytes < 2 ** 20) file.read();
          files.list(path);
        }
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
      }
    };
    fc.assert(
      fc.property(fc.nat(1), fc.array(change, { minLength: 1, maxLength: 12 }), (index, changes) => {
        const image = images[index].slice();
        for (const { which, value, near } of changes)
          image[Math.min(used[index][which % used[index].length] + near, image.length - 1)] = value;
        attempt(image);
      }),
      { numRuns: 1500 },
    );
  });
});
