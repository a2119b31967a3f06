import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACCESS, type Access } from '../exceptions.ts';
import { Pmp } from './pmp.ts';

const USER = 0;
const SUPERVISOR = 1;
const MACHINE = 3;
const READ = 1;
const WRITE = 2;
const EXECUTE = 4;
const TOR = 1 << 3;
const NA4 = 2 << 3;
const NAPOT = 3 << 3;
const LOCKED = 0x80;

const ACCESSES = [ACCESS.load, ACCESS.store, ACCESS.fetch] as const;

interface Entry {
  config: number;
  /** pmpaddr. */
  address: bigint;
}

function pmpWith(entries: readonly Entry[]): Pmp {
  const pmp = new Pmp();
  entries.forEach(({ address }, index) => {
    setAddress(pmp, index, address);
  });
  const bytes = new Uint8Array(16);
  entries.forEach(({ config }, index) => {
    bytes[index] = config;
  });
  const words = new Int32Array(bytes.buffer);
  pmp.writeCsr(0x3a0, words[0], words[1]);
  pmp.writeCsr(0x3a2, words[2], words[3]);
  return pmp;
}

function setAddress(pmp: Pmp, index: number, address: bigint): void {
  pmp.writeCsr(0x3b0 + index, Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
}

function read(pmp: Pmp, csr: number): bigint {
  const out = { low: 0, high: 0 };
  expect(pmp.readCsr(csr, out)).toBe(true);
  return BigInt.asUintN(64, (BigInt(out.high) << 32n) | BigInt(out.low >>> 0));
}

/** Whether an entry matches one byte, straight from the definition of the matching modes. */
function matches(entries: readonly Entry[], index: number, byte: bigint): boolean {
  const word = byte >> 2n;
  const { config, address } = entries[index];
  switch (config & 0x18) {
    case TOR:
      return word >= (index === 0 ? 0n : entries[index - 1].address) && word < address;
    case NA4:
      return word === address;
    case NAPOT: {
      // A bit takes part in the comparison if it is above the lowest zero of pmpaddr.
      const ignored = address ^ (address + 1n);
      return (word | ignored) === (address | ignored);
    }
    default:
      return false;
  }
}

function allowed(
  entries: readonly Entry[],
  start: number,
  width: number,
  access: Access,
  privilege: number,
): boolean {
  const bytes = Array.from({ length: width }, (_, offset) => BigInt(start + offset));
  for (let index = 0; index < entries.length; index++) {
    const hits = bytes.filter((byte) => matches(entries, index, byte)).length;
    if (hits === 0) continue;
    if (hits < width) return false;
    const { config } = entries[index];
    if (privilege === MACHINE && (config & LOCKED) === 0) return true;
    return (config & [READ, WRITE, EXECUTE][access]) !== 0;
  }
  return privilege === MACHINE;
}

/** Entries around two pages from 0x1000, so that ranges and accesses meet often. */
const entryArbitrary = fc.record({
  config: fc
    .record({
      permissions: fc.constantFrom(0, READ, READ | WRITE, EXECUTE, READ | EXECUTE, READ | WRITE | EXECUTE),
      mode: fc.constantFrom(0, TOR, NA4, NAPOT),
      locked: fc.constantFrom(0, 0, LOCKED),
    })
    .map(({ permissions, mode, locked }) => permissions | mode | locked),
  address: fc.oneof(
    fc.bigInt(0x3f0n, 0x810n),
    fc.constantFrom(0x400n, 0x5ffn, 0x600n, 0x7ffn, 0x800n, 0xfffn, (1n << 54n) - 1n),
  ),
});
const privilegeArbitrary = fc.constantFrom(USER, SUPERVISOR, MACHINE);

describe('matching', () => {
  it('agrees with a byte-wise model', () => {
    fc.assert(
      fc.property(
        fc.array(entryArbitrary, { maxLength: 5 }),
        fc.integer({ min: 0xfc0, max: 0x2040 }),
        fc.constantFrom(1, 2, 4, 8),
        fc.constantFrom(...ACCESSES),
        privilegeArbitrary,
        (entries, start, width, access, privilege) => {
          // Misaligned accesses may be made in parts, so only aligned ones have one answer.
          const aligned = start - (start % width);
          expect(pmpWith(entries).check(aligned, width, access, privilege)).toBe(
            allowed(entries, aligned, width, access, privilege),
          );
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('finds nothing in a range whose top is not above its bottom', () => {
    for (const top of [0x401n, 0x400n]) {
      const pmp = pmpWith([
        { config: 0, address: 0x401n },
        { config: TOR, address: top },
        { config: NAPOT | READ, address: (1n << 54n) - 1n },
      ]);
      expect(pmp.check(0x1000, 8, ACCESS.load, USER)).toBe(true);
    }
  });

  it('calls a page uniform only if all its words are treated alike', () => {
    fc.assert(
      fc.property(
        fc.array(entryArbitrary, { maxLength: 4 }),
        privilegeArbitrary,
        fc.constantFrom(...ACCESSES),
        (entries, privilege, access) => {
          const pmp = pmpWith(entries);
          const width = access === ACCESS.fetch ? 2 : 8;
          const answers = new Set<boolean>();
          for (let at = 0x1000; at < 0x2000; at += width) {
            answers.add(allowed(entries, at, width, access, privilege));
          }
          const isUniform = pmp.uniform(0x1abc, privilege, access);
          if (isUniform) expect(answers.size).toBe(1);
          if (access === ACCESS.fetch) expect(isUniform).toBe(answers.size === 1);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('finds all ranges of uniform pages, and no larger ones', () => {
    const PAGES = 6;
    fc.assert(
      fc.property(fc.array(entryArbitrary, { maxLength: 6 }), privilegeArbitrary, (entries, privilege) => {
        const pmp = pmpWith(entries);
        const ranges = pmp.ranges(0, PAGES * 4096, privilege);
        for (const [index, { end, permissions }] of ranges.entries()) {
          const next = ranges[index + 1];
          if (next?.start === end) expect(next.permissions).not.toBe(permissions);
        }
        for (let page = 0; page < PAGES * 4096; page += 4096) {
          const found = ranges.filter(({ start, end }) => start <= page && page < end);
          const permissions = ACCESSES.map((access) => pmp.check(page, 8, access, privilege));
          const expected = pmp.uniform(page, privilege, ACCESS.load) && permissions.includes(true);
          expect(found.length).toBe(expected ? 1 : 0);
          for (const range of found) {
            expect(ACCESSES.map((access) => (range.permissions & (1 << access)) !== 0)).toEqual(permissions);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('calls a page uniform when an entry covers it or none touches it', () => {
    const pmp = pmpWith([{ config: NAPOT | READ, address: 0x4ffn }]);
    expect(pmp.uniform(0x1000, SUPERVISOR, ACCESS.load)).toBe(false);
    // Nothing may be executed, within the entry or without one.
    expect(pmp.uniform(0x1000, SUPERVISOR, ACCESS.fetch)).toBe(true);
    expect(pmp.uniform(0x5000, SUPERVISOR, ACCESS.load)).toBe(true);
    setAddress(pmp, 0, 0x5ffn);
    expect(pmp.uniform(0x1ffc, SUPERVISOR, ACCESS.load)).toBe(true);
  });

  it('finds the size of every power-of-two range', () => {
    for (let ones = 0; ones <= 54; ones++) {
      const address = (1n << BigInt(ones)) - 1n;
      const pmp = pmpWith([{ config: NAPOT | READ, address }]);
      const end = 8 * 2 ** ones;
      expect(pmp.check(0, 8, ACCESS.load, USER), `${ones} ones`).toBe(true);
      if (end >= 2 ** 52) continue;
      expect(pmp.check(end - 8, 8, ACCESS.load, USER), `${ones} ones`).toBe(true);
      expect(pmp.check(end, 1, ACCESS.load, USER), `${ones} ones`).toBe(false);
    }
  });
});

describe('privilege', () => {
  it('leaves S- and U-mode nothing after reset, and M-mode everything', () => {
    const pmp = new Pmp();
    for (const access of ACCESSES) {
      expect(pmp.check(0x8000_0000, 4, access, USER)).toBe(false);
      expect(pmp.check(0x8000_0000, 4, access, SUPERVISOR)).toBe(false);
      expect(pmp.check(0x8000_0000, 4, access, MACHINE)).toBe(true);
    }
  });

  it('opens all memory on request, and closes it on reset', () => {
    const pmp = new Pmp();
    pmp.allowAll();
    for (const access of ACCESSES) expect(pmp.check(0x1_2345_6780, 8, access, USER)).toBe(true);
    expect(pmp.uniform(0x8000_0000, USER, ACCESS.load)).toBe(true);
    pmp.reset();
    expect(pmp.check(0, 4, ACCESS.load, SUPERVISOR)).toBe(false);
  });

  it('holds M-mode to locked entries only', () => {
    const address = (0x8000_0000n >> 2n) | 0x1ffn;
    const open = pmpWith([{ config: NAPOT | READ, address }]);
    expect(open.check(0x8000_0000, 4, ACCESS.store, MACHINE)).toBe(true);
    const locked = pmpWith([{ config: NAPOT | READ | LOCKED, address }]);
    expect(locked.check(0x8000_0000, 4, ACCESS.store, MACHINE)).toBe(false);
    expect(locked.check(0x8000_0000, 4, ACCESS.load, MACHINE)).toBe(true);
    expect(locked.check(0x8000_1000, 4, ACCESS.store, MACHINE)).toBe(true);
  });

  it('refuses even M-mode an access that an unlocked entry covers in part', () => {
    const pmp = pmpWith([{ config: NA4 | READ | WRITE, address: 0x8000_0004n >> 2n }]);
    expect(pmp.check(0x8000_0000, 8, ACCESS.load, MACHINE)).toBe(false);
    expect(pmp.check(0x8000_0004, 4, ACCESS.load, MACHINE)).toBe(true);
  });
});

describe('registers', () => {
  it('keeps 54 bits of an address and the defined bits of a configuration', () => {
    const pmp = new Pmp();
    pmp.writeCsr(0x3bf, -1, -1);
    expect(read(pmp, 0x3bf)).toBe((1n << 54n) - 1n);
    pmp.writeCsr(0x3a2, 0x7f, 0);
    expect(read(pmp, 0x3a2)).toBe(0x1fn);
  });

  it('drops write permission without read permission', () => {
    const pmp = new Pmp();
    pmp.writeCsr(0x3a0, 0x0602_0703, 0);
    expect(read(pmp, 0x3a0)).toBe(0x0400_0703n);
  });

  it('has no odd configuration registers and no more than 16 entries', () => {
    const pmp = new Pmp();
    const out = { low: 0, high: 0 };
    for (const csr of [0x3a1, 0x3a3, 0x3a4, 0x3ae, 0x3c0, 0x3ef, 0x39f]) {
      expect(pmp.readCsr(csr, out)).toBe(false);
      expect(pmp.writeCsr(csr, 1, 1)).toBe(false);
    }
  });

  it('ignores writes to a locked entry, until reset', () => {
    const pmp = pmpWith([{ config: LOCKED | NAPOT | READ, address: 0x1234n }]);
    setAddress(pmp, 0, 0x5678n);
    pmp.writeCsr(0x3a0, 0x1f1f, 0);
    expect(read(pmp, 0x3b0)).toBe(0x1234n);
    expect(read(pmp, 0x3a0)).toBe(0x1f99n);
    pmp.reset();
    setAddress(pmp, 0, 0x5678n);
    expect(read(pmp, 0x3b0)).toBe(0x5678n);
  });

  it('locks the bottom of a locked top-of-range entry with it', () => {
    const range = pmpWith([
      { config: 0, address: 0x400n },
      { config: LOCKED | TOR | READ, address: 0x800n },
    ]);
    setAddress(range, 0, 1n);
    expect(read(range, 0x3b0)).toBe(0x400n);
    const aligned = pmpWith([
      { config: 0, address: 0x400n },
      { config: LOCKED | NA4 | READ, address: 0x800n },
    ]);
    setAddress(aligned, 0, 1n);
    expect(read(aligned, 0x3b0)).toBe(1n);
  });
});
