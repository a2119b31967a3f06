/** Guests whose kernel lies on their disk. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { assemble } from '../../src/isa/index.ts';
import { ext4Image, mke2fsMissing, partitioned } from '../filesystem/images.ts';
import { findNode, findProperty, readDeviceTree } from '../fixtures/fdt-reader.ts';
import { runCli } from './command.ts';
import { printMessage, systemReset } from './programs.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-disk-boot-'));
afterAll(() => rmSync(directory, { recursive: true }));

const kernel = new Uint8Array(
  assemble(`${printMessage}\n${systemReset(0)}\nmessage: .asciz "from the disk"\n`, { origin: 0x8020_0000n })
    .bytes,
);
const tree = {
  'boot/extlinux/extlinux.conf':
    'label a\n linux /boot/k\n initrd /boot/i\n append root=UUID=1 console=tty0 ro\n',
  'boot/k': kernel,
  'boot/i': 'the initrd',
};

function file(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

const bootable = (name: string) => file(name, partitioned('gpt', [ext4Image(tree, ['-t', 'ext4'])]));
const small = ['-m', '64M', '--smp', '1'];

describe.skipIf(mke2fsMissing)('a disk that has a kernel', () => {
  test('is started where no other guest is named, and of two disks the first', async () => {
    const data = file('data', new Uint8Array(2 ** 16));
    const args = ['run', '--disk', bootable('first'), '--drive', `file=${data},format=raw`, ...small];
    expect(await runCli(args)).toEqual({ status: 0, stdout: 'from the disk', stderr: '' });
  });

  test.skipIf(spawnSync('qemu-img', ['--version']).error !== undefined)('is started as qcow2', async () => {
    const image = join(directory, 'image.qcow2');
    execFileSync('qemu-img', ['convert', '-O', 'qcow2', '-c', bootable('raw'), image]);
    const args = ['run', '--drive', `file=${image},snapshot=on`, '--boot', 'disk', ...small];
    expect(await runCli(args)).toEqual({ status: 0, stdout: 'from the disk', stderr: '' });
  });

  test('gives its words and its initrd, with the terminal as the last console', async () => {
    const dump = join(directory, 'tree');
    const args = ['run', '--disk', bootable('words'), '--append', 'more words', '--dumpdtb', dump, ...small];
    expect(await runCli(args)).toMatchObject({ status: 0, stderr: '' });
    const chosen = findNode(readDeviceTree(new Uint8Array(readFileSync(dump))).root, '/chosen');
    const bytes = (name: string) => {
      const value = chosen && findProperty(chosen, name);
      return value?.kind === 'bytes' ? Buffer.from(value.bytes) : Buffer.alloc(0);
    };
    expect(bytes('bootargs').toString()).toBe(
      'earlycon=sbi panic=-1 root=UUID=1 console=tty0 ro console=ttyS0 more words\0',
    );
    const [start, end] = ['start', 'end'].map((name) =>
      Number(`0x${bytes(`linux,initrd-${name}`).toString('hex')}`),
    );
    expect(end - start).toBe('the initrd'.length);
  });
});

describe.skipIf(mke2fsMissing)('a bare machine with firmware', () => {
  const firmware = file(
    'firmware',
    new Uint8Array(assemble('li t0, 0x80200000\njr t0\n', { origin: 0x8000_0000n }).bytes),
  );
  // The test finisher is told a failure of that number, which is the status of the command.
  const finisher = assemble('li t0, 0x100000\nli t1, 0x2a3333\nsw t1, 0(t0)\n', { origin: 0x8020_0000n });
  const disk = file(
    'bare',
    partitioned('gpt', [ext4Image({ ...tree, 'boot/k': new Uint8Array(finisher.bytes) }, ['-t', 'ext4'])]),
  );
  const machine = ['machine', '--bios', firmware, '--disk', disk, '-m', '64M'];

  test('starts the kernel of its first disk where no other one is given', async () => {
    expect(await runCli(machine)).toMatchObject({
      status: 42,
      stderr: 'hartvisor: The program reported failure 42.\n',
    });
  });

  test('gives it the words of the disk', async () => {
    const dump = join(directory, 'bare-tree');
    expect(await runCli([...machine, '--append', 'single', '--dumpdtb', dump])).toMatchObject({ status: 0 });
    const chosen = findNode(readDeviceTree(new Uint8Array(readFileSync(dump))).root, '/chosen');
    const value = chosen && findProperty(chosen, 'bootargs');
    expect(value?.kind === 'bytes' && Buffer.from(value.bytes).toString()).toBe(
      'earlycon=sbi panic=-1 root=UUID=1 console=tty0 ro console=ttyS0 single\0',
    );
  });

  test('says that there is nothing to start', async () => {
    const without = await runCli(['machine', '--bios', firmware, '-m', '64M']);
    expect(without).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('There is nothing to start: give'),
    });
    const data = ['--drive', `file=${file('bare-data', new Uint8Array(2 ** 16))},format=raw`];
    const onData = await runCli(['machine', '--bios', firmware, '-m', '64M', ...data]);
    expect(onData).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot be started: it ') });
  });
});

describe('a disk that has none', () => {
  const data = file('none', new Uint8Array(2 ** 16));

  test.each<[string, readonly string[], RegExp]>([
    [
      'demanded',
      ['--disk', data, '--boot', 'disk'],
      /none cannot be started: it has no file system .*--kernel/,
    ],
    ['without a disk', ['--boot', 'disk'], /--boot disk needs a disk\. Give one with --disk FILE\./],
    [
      'with another guest',
      ['--disk', data, '--boot', 'disk', '--guest', 'tick'],
      /Leave out --kernel and --guest/,
    ],
    ['of another place', ['--boot', 'network'], /--boot network: give disk/],
  ])('is refused with a message when it is %s', async (_, args, message) => {
    const { status, stderr } = await runCli(['run', ...args, ...small]);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });
});
