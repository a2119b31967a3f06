import { describe, expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { readDrives } from './drive-options.ts';

test('disks come first, then drives, with what they are to be', () => {
  const drives = readDrives({
    disk: ['/a/root.img'],
    drive: ['file=b=1,,2.img,format=raw,if=virtio,readonly=on', 'serial=S1,file=c,snapshot=on,id=x'],
  });
  expect(drives).toEqual([
    { file: '/a/root.img', readOnly: false, snapshot: false, serial: 'root.img' },
    { file: 'b=1,2.img', readOnly: true, snapshot: false, serial: 'b=1,2.img', format: 'raw' },
    { file: 'c', readOnly: false, snapshot: true, serial: 'S1', format: undefined },
  ]);
});

test('a long name gives as much of a serial number as fits, in whole characters', () => {
  expect(readDrives({ disk: ['ääääääääääää.img'] })[0].serial).toBe('ä'.repeat(10));
});

test('one file may be two drives if nobody writes to it', () => {
  expect(readDrives({ drive: ['file=a,readonly=on', 'file=a,snapshot=on'] })).toHaveLength(2);
  expect(() => readDrives({ disk: ['a'], drive: ['file=a,snapshot=on'] })).toThrow(/twice/);
});

describe('mistakes', () => {
  test.each([
    ['file=a,colour=red', 'colour=red'],
    ['a.img', '"a.img" is none of file='],
    ['format=raw', 'there is no file'],
    ['file=', 'there is no file'],
    ['file=a,format=vmdk', 'format=vmdk is not possible; hartvisor has raw, qcow2'],
    ['file=a,if=ide', 'if=ide'],
    ['file=a,readonly=yes', 'readonly is on or off'],
    ['file=a,serial=123456789012345678901', '20 bytes'],
  ])('%s', (drive, why) => {
    expect(() => readDrives({ drive: [drive] })).toThrow(InputError);
    expect(() => readDrives({ drive: [drive] })).toThrow(why);
  });

  test('too many drives', () => {
    const disk = Array.from({ length: 17 }, (_, index) => `${index}`);
    expect(() => readDrives({ disk })).toThrow('16 at most with --virtio pci');
    expect(() => readDrives({ disk: disk.slice(0, 8) }, 'mmio')).toThrow('7 at most with --virtio mmio');
  });
});
