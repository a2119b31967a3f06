import { describe, expect, test } from 'vitest';
import { PrivilegedBed } from '../../../test/hart/privileged-bed.ts';

const ALL = (1n << 64n) - 1n;

/** Modes of 64-bit address spaces that a register can hold, besides Bare. */
const modesOf = (name: 'satp' | 'vsatp' | 'hgatp'): readonly bigint[] => {
  const bed = new PrivilegedBed();
  return [1n, 2n, 8n, 9n, 10n, 11n, 15n].filter((mode) => {
    bed.write(name, 0n);
    bed.write(name, mode << 60n);
    return bed.read(name) >> 60n === mode;
  });
};

/** The demands of RVA's profiles on registers, listed by these names in the device tree. */
describe('promises of the device tree', () => {
  test.each([
    ['Sscounterenw', 'scounteren'],
    ['Shcounterenw', 'hcounteren'],
  ])('%s: all bits of %s that stand for a counter can be written', (_, name) => {
    const bed = new PrivilegedBed();
    bed.write(name, ALL);
    expect(bed.read(name)).toBe(0xffff_ffffn);
    bed.write(name, 0n);
    expect(bed.read(name)).toBe(0n);
  });

  test.each([
    ['Sstvecd', 'stvec'],
    ['Shvstvecd', 'vstvec'],
  ])('%s: %s takes any aligned address in direct mode', (_, name) => {
    const bed = new PrivilegedBed();
    for (const address of [0n, 4n, 0x8000_0004n, 0xffff_ffc0_1234_5678n, ALL & ~3n]) {
      bed.write(name, address);
      expect(bed.read(name)).toBe(address);
    }
  });

  test('Shvsatpa and Shgatpa: vsatp and hgatp have the modes of satp', () => {
    expect(modesOf('satp')).toEqual([8n, 9n, 10n]);
    expect(modesOf('vsatp')).toEqual(modesOf('satp'));
    expect(modesOf('hgatp')).toEqual(modesOf('satp'));
  });

  test('Ssu64xl: U-mode has 64 bits', () => {
    const bed = new PrivilegedBed();
    for (const name of ['sstatus', 'vsstatus']) {
      bed.write(name, 0n);
      expect((bed.read(name) >> 32n) & 3n).toBe(2n);
    }
  });

  test.each([
    ['Sstvala', 'HS', 'HS', 'stval'],
    ['Shvstvala', 'VS', 'VS', 'vstval'],
  ] as const)('%s: an illegal instruction leaves its encoding in xtval', (_, mode, target, name) => {
    const bed = new PrivilegedBed();
    bed.write('medeleg', 1n << 2n);
    bed.write('hedeleg', 1n << 2n);
    bed.enter(mode);
    expect(bed.causeOf('mret')).toBe(2);
    expect(bed.privileged.enterTrap(bed.state.pcLow, bed.state.pcHigh)).toBe(target);
    expect(bed.read(name)).toBe(0x3020_0073n);
  });
});
