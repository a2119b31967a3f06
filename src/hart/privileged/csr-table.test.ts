import { describe, expect, test } from 'vitest';
import { bits, type Mode, PrivilegedBed } from '../../../test/hart/privileged-bed.ts';
import { CSR_DEFINITIONS, csrName, csrNumber } from './csr-table.ts';

const ILLEGAL = 2;
const VIRTUAL = 22;

/** The cause of the exception that reading a CSR raises in each mode. */
function readers(bed: PrivilegedBed, csr: string | number): Record<string, number | undefined> {
  const number = typeof csr === 'number' ? csr : (csrNumber(csr) ?? -1);
  const causes: Record<string, number | undefined> = {};
  for (const mode of ['M', 'HS', 'U', 'VS', 'VU'] as Mode[]) {
    bed.enter(mode);
    causes[mode] = bed.causeOf('csrrs', { rd: 10, csr: number });
  }
  return causes;
}

describe('CSR numbers', () => {
  test('numbers and names are unique and lead to each other', () => {
    const numbers = new Set(CSR_DEFINITIONS.map(({ number }) => number));
    expect(numbers.size).toBe(CSR_DEFINITIONS.length);
    for (const { name, number } of CSR_DEFINITIONS) {
      expect(csrNumber(name)).toBe(number);
      expect(csrName(number)).toBe(name);
    }
    expect(csrNumber('mnstatus')).toBeUndefined();
    expect(csrName(0x744)).toBeUndefined();
  });

  test.each([
    ['hstatus', 0x600],
    ['hideleg', 0x603],
    ['henvcfg', 0x60a],
    ['hip', 0x644],
    ['hvip', 0x645],
    ['htinst', 0x64a],
    ['hgatp', 0x680],
    ['hgeip', 0xe12],
    ['vsstatus', 0x200],
    ['vsip', 0x244],
    ['vstimecmp', 0x24d],
    ['stimecmp', 0x14d],
    ['mtval2', 0x34b],
    ['pmpcfg14', 0x3ae],
    ['pmpaddr63', 0x3ef],
    ['mhpmevent31', 0x33f],
  ])('%s is %i', (name, number) => {
    expect(csrNumber(name)).toBe(number);
  });
});

describe('who may read a CSR', () => {
  test.each([
    ['mscratch', { M: undefined, HS: ILLEGAL, U: ILLEGAL, VS: ILLEGAL, VU: ILLEGAL }],
    ['sscratch', { M: undefined, HS: undefined, U: ILLEGAL, VS: undefined, VU: VIRTUAL }],
    ['scounteren', { M: undefined, HS: undefined, U: ILLEGAL, VS: undefined, VU: VIRTUAL }],
    ['fcsr', { M: undefined, HS: undefined, U: undefined, VS: undefined, VU: undefined }],
  ])('%s', (name, expected) => {
    const bed = new PrivilegedBed();
    bed.write('mstatus', bits(13));
    bed.write('vsstatus', bits(13));
    expect(readers(bed, name)).toEqual(expected);
  });

  test.each(['hvip', 'hip', 'hstatus', 'hgeip', 'vsip', 'vsie', 'vsstatus', 'vstimecmp', 'hgatp'])(
    'scenario 59: %s by its own number: virtual instruction in a guest, illegal in U',
    (name) => {
      const bed = new PrivilegedBed();
      bed.write('menvcfg', bits(63));
      bed.write('mcounteren', bits(1));
      expect(readers(bed, name)).toEqual({
        M: undefined,
        HS: undefined,
        U: ILLEGAL,
        VS: VIRTUAL,
        VU: VIRTUAL,
      });
    },
  );

  test.each([
    ['hvien (no AIA)', 0x608],
    ['htimedeltah', 0x615],
    ['henvcfgh', 0x61a],
    ['vstimecmph', 0x25d],
    ['stimecmph', 0x15d],
    ['cycleh', 0xc80],
    ['mstatush', 0x310],
    ['mcycleh', 0xb80],
    ['pmpcfg1', 0x3a1],
    ['mnstatus', 0x744],
    ['siph', 0x154],
    ['hviph', 0x655],
  ])('scenario 71: %s does not exist on RV64, in a guest either', (_name, number) => {
    const all = { M: ILLEGAL, HS: ILLEGAL, U: ILLEGAL, VS: ILLEGAL, VU: ILLEGAL };
    expect(readers(new PrivilegedBed(), number)).toEqual(all);
  });

  test('without the hypervisor extension its CSRs do not exist', () => {
    const extensions = new Set(['i', 'zicsr', 'sstc'] as const);
    const bed = new PrivilegedBed({ extensions });
    for (const name of ['hstatus', 'vsip', 'mtval2', 'vstimecmp', 'hcounteren', 'fcsr']) {
      expect(bed.causeOf('csrrs', { rd: 1, csr: csrNumber(name) ?? 0 })).toBe(ILLEGAL);
    }
    expect(bed.causeOf('csrrs', { rd: 1, csr: csrNumber('stimecmp') ?? 0 })).toBeUndefined();
  });
});

describe('writes', () => {
  test('to a read-only CSR are illegal, even of nothing, and in a guest not a virtual instruction', () => {
    const bed = new PrivilegedBed();
    bed.setX(5, 0n);
    const cycle = csrNumber('cycle') ?? 0;
    expect(bed.causeOf('csrrs', { rd: 1, rs1: 0, csr: cycle })).toBeUndefined();
    expect(bed.causeOf('csrrs', { rd: 1, rs1: 5, csr: cycle })).toBe(ILLEGAL);
    expect(bed.causeOf('csrrw', { rd: 1, rs1: 0, csr: cycle })).toBe(ILLEGAL);
    expect(bed.causeOf('csrrci', { rd: 1, imm: 0, csr: cycle })).toBeUndefined();
    expect(bed.causeOf('csrrci', { rd: 1, imm: 1, csr: cycle })).toBe(ILLEGAL);
    bed.enter('VS');
    expect(bed.csrw('hgeip', 0n)).toBe(ILLEGAL);
  });

  test('an exception reports the encoding and leaves rd and the CSR alone', () => {
    const bed = new PrivilegedBed().enter('U');
    bed.setX(7, 99n);
    const operands = { rd: 7, rs1: 7, csr: 0x140 };
    expect(bed.causeOf('csrrw', operands)).toBe(ILLEGAL);
    expect(bed.privileged.exception.tvalLow >>> 0).toBe(bed.decoded('csrrw', operands).bits);
    expect(bed.privileged.exception.tvalHigh).toBe(0);
    expect(bed.x(7)).toBe(99n);
    expect(bed.field('sscratch')).toBe(0n);
  });

  test('csrrw, csrrs, csrrc and immediates; rd may be rs1', () => {
    const bed = new PrivilegedBed();
    const csr = csrNumber('mscratch') ?? 0;
    bed.setX(5, 0xf0f0_0000_1234_5678n);
    bed.execute('csrrw', { rd: 5, rs1: 5, csr });
    expect([bed.x(5), bed.read('mscratch')]).toEqual([0n, 0xf0f0_0000_1234_5678n]);
    bed.setX(6, 0xf000_0000_0000_0078n);
    bed.execute('csrrc', { rd: 5, rs1: 6, csr });
    expect([bed.x(5), bed.read('mscratch')]).toEqual([0xf0f0_0000_1234_5678n, 0x00f0_0000_1234_5600n]);
    bed.execute('csrrs', { rd: 0, rs1: 6, csr });
    expect(bed.read('mscratch')).toBe(0xf0f0_0000_1234_5678n);
    bed.execute('csrrwi', { rd: 5, imm: 31, csr });
    bed.execute('csrrci', { rd: 5, imm: 1, csr });
    expect([bed.x(5), bed.read('mscratch')]).toEqual([31n, 30n]);
  });
});

describe('V=1', () => {
  const replaced = ['sstatus', 'stvec', 'sscratch', 'sepc', 'scause', 'stval', 'satp'];

  test.each(replaced)('%s is the VS CSR, and the one of HS stays as it was', (name) => {
    const bed = new PrivilegedBed();
    const before = bed.read(name);
    const value = name === 'sstatus' ? bits(1, 18) : bits(63, 2, 5);
    bed.enter('VS');
    expect(bed.csrw(name, value)).toBeUndefined();
    expect(bed.csrr(name) & ~bits(33)).toBe(value);
    expect(bed.read(`v${name}`) & ~bits(33)).toBe(value);
    expect(bed.read(name)).toBe(before);
  });

  test('TVM closes satp and hgatp to HS only; VTVM closes satp to VS only', () => {
    const bed = new PrivilegedBed();
    bed.write('mstatus', bits(20));
    expect(readers(bed, 'satp')).toEqual({
      M: undefined,
      HS: ILLEGAL,
      U: ILLEGAL,
      VS: undefined,
      VU: VIRTUAL,
    });
    expect(readers(bed, 'hgatp')).toMatchObject({ M: undefined, HS: ILLEGAL, VS: VIRTUAL });
    expect(readers(bed, 'vsatp')).toMatchObject({ HS: undefined });
    bed.write('mstatus', 0n);
    bed.write('hstatus', bits(20));
    expect(readers(bed, 'satp')).toMatchObject({ HS: undefined, VS: VIRTUAL, VU: VIRTUAL });
  });
});
